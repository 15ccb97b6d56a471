// <person-name>: the name of the person who was chosen in this form. Choosing another one empties the PIN,
// and what is typed with a person in focus goes into it.

class PersonName extends HTMLElement {
  #form = null;

  #choose = event => {
    if (event.target.name !== "person") return;
    this.textContent = event.target.dataset.name;
    const pin = this.#form.elements.pin;
    pin.value = "";
    pin.dispatchEvent(new Event("input", { bubbles: true }));
  };

  #gather = event => {
    const isSign = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey;
    if (isSign && event.target.name === "person") this.#form.elements.pin.focus();
  };

  connectedCallback() {
    this.#form = this.closest("form");
    this.#form?.addEventListener("change", this.#choose);
    this.#form?.addEventListener("keydown", this.#gather);
  }

  disconnectedCallback() {
    this.#form?.removeEventListener("change", this.#choose);
    this.#form?.removeEventListener("keydown", this.#gather);
  }
}

customElements.define("person-name", PersonName);
