// <till-desk>: the keys of a keyboard at the till. What is typed anywhere goes into the window,
// so a scanner works at any time; Esc goes back to the next customer; Ctrl+Z undoes the last sale.

class TillDesk extends HTMLElement {
  #key = event => {
    if (this.inert) return; // a sale is being sent again
    if (event.key === "Escape") this.querySelector("[data-back]")?.click();
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.#undo(event);
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) this.#gather(event);
  };

  connectedCallback() {
    document.addEventListener("keydown", this.#key);
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#key);
  }

  // Space presses the button that has the focus; every other sign belongs to the window.
  #gather(event) {
    if (event.key !== " " && !event.target.matches("input")) this.querySelector("#read")?.focus();
  }

  #undo(event) {
    event.preventDefault();
    this.querySelector("#strip [data-undo]")?.click();
  }
}

customElements.define("till-desk", TillDesk);
