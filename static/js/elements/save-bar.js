// The bar under a form that says it was changed. Without this script it always stands there; with it, only when there is
// something to keep, and whoever leaves the page without keeping it is asked first.

class SaveBar extends HTMLElement {
  #form = null;
  #before = "";
  #isSent = false;
  #kept = true; // what stands in the form when the page comes is what the shop has

  connectedCallback() {
    this.#form = this.closest("form");
    if (!this.#form) return;
    this.#before = this.#told();
    this.#kept = !this.hasAttribute("data-open");
    this.hidden = this.#kept;
    this.#form.addEventListener("input", this.#look);
    this.#form.addEventListener("reset", this.#lookSoon);
    this.#form.addEventListener("submit", this.#sent);
    addEventListener("beforeunload", this.#leave);
    addEventListener("pageshow", this.#look);
  }

  disconnectedCallback() {
    this.#form?.removeEventListener("input", this.#look);
    this.#form?.removeEventListener("reset", this.#lookSoon);
    this.#form?.removeEventListener("submit", this.#sent);
    removeEventListener("beforeunload", this.#leave);
    removeEventListener("pageshow", this.#look);
  }

  #look = () => {
    const dirty = !this.#kept || this.#told() !== this.#before;
    this.toggleAttribute("data-open", dirty);
    this.hidden = !dirty;
  };

  #lookSoon = () => setTimeout(this.#look);

  #sent = () => {
    this.#isSent = true;
  };

  #leave = event => {
    if (this.hasAttribute("data-open") && !this.#isSent) event.preventDefault();
  };

  #told() {
    const pairs = [...new FormData(this.#form)].filter(([name]) => name !== "csrfmiddlewaretoken");
    return JSON.stringify(pairs.map(([name, value]) => [name, value instanceof File ? value.name : value]));
  }
}

customElements.define("save-bar", SaveBar);
