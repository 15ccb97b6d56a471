// <pin-dots for="pin"><i></i>…</pin-dots>: a dot a digit; the last one sends the form.

class PinDots extends HTMLElement {
  #field = null;

  #draw = () => {
    const typed = this.#field.value.length;
    const dots = [...this.children];
    dots.forEach((dot, at) => dot.classList.toggle("in", at < typed));
    if (typed === dots.length) {
      this.#field.form.requestSubmit();
    }
  };

  connectedCallback() {
    this.#field = document.getElementById(this.getAttribute("for"));
    this.#field?.addEventListener("input", this.#draw);
    if (this.#field?.value) this.#draw(); // typed before this script was here
  }

  disconnectedCallback() {
    this.#field?.removeEventListener("input", this.#draw);
  }
}

customElements.define("pin-dots", PinDots);
