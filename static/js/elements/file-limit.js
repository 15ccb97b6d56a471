// <file-limit bytes="1048576">: a file that is larger is not taken, and [data-large] says so at once. Without this script
// the server says it, after all of the file went there.

class FileLimit extends HTMLElement {
  #isRefused = false; // by the input event, so that the change event after it is nobody's

  #heard = event => {
    const field = event.target;
    if (field.type !== "file") return;
    if (event.type === "input" || !this.#isRefused) this.#look(field);
    if (this.#isRefused) event.stopImmediatePropagation();
    if (event.type === "change") this.#isRefused = false;
  };

  connectedCallback() {
    // Before whoever sends or shows what was chosen.
    this.addEventListener("input", this.#heard, true);
    this.addEventListener("change", this.#heard, true);
  }

  disconnectedCallback() {
    this.removeEventListener("input", this.#heard, true);
    this.removeEventListener("change", this.#heard, true);
  }

  #look(field) {
    const most = Number(this.getAttribute("bytes"));
    this.#isRefused = [...field.files].some(file => file.size > most);
    this.querySelector("[data-large]").hidden = !this.#isRefused;
    field.removeAttribute("aria-invalid");
    if (!this.#isRefused) return;
    field.setAttribute("aria-invalid", "true");
    field.value = "";
  }
}

customElements.define("file-limit", FileLimit);
