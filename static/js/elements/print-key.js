// <print-key><button hidden>: the browser's own print dialog, where there is a script to open it.

class PrintKey extends HTMLElement {
  #print = () => print();

  connectedCallback() {
    const button = this.querySelector("button");
    button.hidden = false;
    button.addEventListener("click", this.#print);
  }

  disconnectedCallback() {
    this.querySelector("button")?.removeEventListener("click", this.#print);
  }
}

customElements.define("print-key", PrintKey);
