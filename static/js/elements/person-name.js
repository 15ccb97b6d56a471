// <person-name>: the name of the person who was chosen in this form. Choosing another one empties the PIN.

class PersonName extends HTMLElement {
  #form = null;

  #choose = event => {
    if (event.target.name !== "person") return;
    this.textContent = event.target.dataset.name;
    const pin = this.#form.elements.pin;
    pin.value = "";
    pin.dispatchEvent(new Event("input", { bubbles: true }));
    pin.focus();
  };

  connectedCallback() {
    this.#form = this.closest("form");
    this.#form?.addEventListener("change", this.#choose);
  }

  disconnectedCallback() {
    this.#form?.removeEventListener("change", this.#choose);
  }
}

customElements.define("person-name", PersonName);
