// <copy-field>: its button copies the text of its <code>, and says so for a moment.

class CopyField extends HTMLElement {
  #copy = async event => {
    const button = event.target.closest("button");
    if (!button) return;
    await navigator.clipboard.writeText(this.querySelector("code").textContent.trim());
    const words = button.lastChild;
    const before = words.textContent;
    words.textContent = button.dataset.done;
    setTimeout(() => (words.textContent = before), 2000);
  };

  connectedCallback() {
    this.addEventListener("click", this.#copy);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#copy);
  }
}

customElements.define("copy-field", CopyField);
