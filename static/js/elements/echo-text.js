// <echo-text from="id" to="selector">: what is typed into a field stands in the preview too; empty, what stood there.

class EchoText extends HTMLElement {
  #field = null;
  #first = "";

  #echo = () => {
    const target = this.querySelector(this.getAttribute("to"));
    if (target) target.textContent = this.#field.value.trim() || this.#first;
  };

  connectedCallback() {
    this.#field = document.getElementById(this.getAttribute("from"));
    const target = this.querySelector(this.getAttribute("to"));
    this.#first = target?.textContent ?? "";
    this.#field?.addEventListener("input", this.#echo);
  }

  disconnectedCallback() {
    this.#field?.removeEventListener("input", this.#echo);
  }
}

customElements.define("echo-text", EchoText);
