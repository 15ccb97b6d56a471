// <modal-sheet><dialog open>…</dialog></modal-sheet>: a sheet that covers the till until it is closed.
// Without this script it lies open over the page.

class ModalSheet extends HTMLElement {
  #closed = () => {
    this.remove();
    document.getElementById("read")?.focus();
  };

  #dialog = null;

  connectedCallback() {
    this.#dialog = this.querySelector("dialog");
    this.#dialog.removeAttribute("open");
    this.#dialog.showModal();
    this.#dialog.addEventListener("close", this.#closed);
  }

  disconnectedCallback() {
    this.#dialog.removeEventListener("close", this.#closed);
  }
}

customElements.define("modal-sheet", ModalSheet);
