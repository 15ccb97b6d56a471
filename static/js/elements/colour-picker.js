// <colour-picker>: the browser's own picker beside the typed colour. The typed one counts; choosing a swatch empties it.

class ColourPicker extends HTMLElement {
  #form = null;

  #heard = event => {
    const picker = this.querySelector('[type="color"]');
    const typed = this.querySelector('[name="colour"]');
    if (event.target === picker) {
      typed.value = picker.value.toUpperCase();
      typed.dispatchEvent(new Event("input", { bubbles: true }));
    } else if (event.target.name === "swatch") {
      typed.value = "";
      picker.value = event.target.value;
    } else if (event.target === typed && /^#[0-9a-f]{6}$/i.test(typed.value)) {
      picker.value = typed.value;
    }
    if (typed.value) this.#form.querySelectorAll('[name="swatch"]').forEach(each => (each.checked = false));
  };

  connectedCallback() {
    this.querySelector('[type="color"]').hidden = false;
    this.#form = this.closest("form");
    // Before htmx asks: so it asks with what stands there now.
    this.#form.addEventListener("input", this.#heard, true);
  }

  disconnectedCallback() {
    this.#form?.removeEventListener("input", this.#heard, true);
  }
}

customElements.define("colour-picker", ColourPicker);
