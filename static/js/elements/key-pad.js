// <key-pad for="read" decimals="2">: buttons that type into the field of that id.
// The field keeps the focus, so a scanner and the keys of a keyboard type into it too.
// A button "=12.50" writes that; "letters" calls the tablet's own keyboard, or sends it away.

class KeyPad extends HTMLElement {
  #click = event => {
    const key = event.target.closest("button")?.value;
    const field = this.#field;
    if (!key || !field) return;
    if (key === "letters") return this.#letters(field);
    const value = this.#typed(field.value, key);
    delete field.dataset.fresh;
    if (value === field.value) return;
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };

  #keepFocus = event => {
    event.preventDefault();
    this.#field?.focus();
  };

  connectedCallback() {
    this.addEventListener("click", this.#click);
    this.addEventListener("pointerdown", this.#keepFocus);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#click);
    this.removeEventListener("pointerdown", this.#keepFocus);
  }

  get #field() {
    return document.getElementById(this.getAttribute("for"));
  }

  #letters(field) {
    field.inputMode = field.inputMode === "none" ? "text" : "none";
    field.blur(); // or the keyboard does not look again at what is wanted of it
    field.focus();
  }

  #typed(value, key) {
    if (key === "clear") return "";
    if (key === "back") return value.slice(0, -1);
    if (key.startsWith("=")) return key.slice(1);
    if ("fresh" in this.#field.dataset) value = ""; // what stands there was only proposed
    if (value.length + key.length > this.#field.maxLength && this.#field.maxLength > 0) return value;
    if (!this.hasAttribute("decimals")) return value + key;
    return this.#amount(value, key);
  }

  // An amount has one point, as many decimals as its currency, and no zeros before it.
  #amount(value, key) {
    const decimals = Number(this.getAttribute("decimals"));
    if (key === ".") return value.includes(".") ? value : (value || "0") + key;
    if (value.includes(".") && value.split(".")[1].length >= decimals) return value;
    return value === "0" || value === "" ? String(Number(key)) : value + key;
  }
}

customElements.define("key-pad", KeyPad);
