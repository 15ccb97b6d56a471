// <print-page hidden><button type="button">…</button></print-page>: its button prints the page.

class PrintPage extends HTMLElement {
  #print = () => window.print();

  connectedCallback() {
    this.querySelector("button").addEventListener("click", this.#print);
    this.hidden = false;
  }

  disconnectedCallback() {
    this.querySelector("button").removeEventListener("click", this.#print);
  }
}

customElements.define("print-page", PrintPage);
