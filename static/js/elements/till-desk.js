// <till-desk data-idle="300">: the keys of a keyboard at the till. What is typed anywhere goes into the window,
// so a scanner works at any time; Enter presses the one big key, Esc goes back to the next customer, Ctrl+Z undoes.
// After so many seconds without a touch it locks itself; what was being typed goes with the lock, for whoever comes.

const LONG = 7; // signs that fit into the window in the largest size
const PHONE = 9;

class TillDesk extends HTMLElement {
  #timer = 0;

  #key = event => {
    this.#touch();
    if (this.inert || document.querySelector("dialog[open]")) return; // a sale is being sent again, or a sheet covers it
    if (event.key === "Escape") this.#back();
    else if (event.key === "Enter") this.#enter(event);
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.#undo(event);
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) this.#gather(event);
  };

  #touch = () => {
    const seconds = Number(this.dataset.idle);
    clearTimeout(this.#timer);
    if (seconds) this.#timer = setTimeout(() => this.#lock?.requestSubmit(), 1000 * seconds);
  };

  #typed = event => {
    const line = event.target.closest(".readout");
    if (!line) return;
    line.classList.toggle("long", event.target.value.length > LONG);
    line.classList.toggle("phone", event.target.value.length > PHONE);
  };

  #leave = event => {
    if (event.target !== this.#lock) return;
    const sale = document.getElementById("sale");
    event.target.elements.member.value = sale?.dataset.member ?? "";
    event.target.elements.amount.value = sale?.elements.amount?.value ?? "";
  };

  // Whoever was quicker than the page: what was typed meanwhile is asked for now.
  #late = () => {
    const field = this.querySelector("#read");
    if (field && field.value !== field.defaultValue) field.dispatchEvent(new Event("input", { bubbles: true }));
  };

  connectedCallback() {
    addEventListener("load", this.#late);
    document.addEventListener("keydown", this.#key);
    document.addEventListener("pointerdown", this.#touch);
    document.addEventListener("submit", this.#leave);
    this.addEventListener("input", this.#typed);
    this.#touch();
  }

  disconnectedCallback() {
    removeEventListener("load", this.#late);
    document.removeEventListener("keydown", this.#key);
    document.removeEventListener("pointerdown", this.#touch);
    document.removeEventListener("submit", this.#leave);
    this.removeEventListener("input", this.#typed);
    clearTimeout(this.#timer);
  }

  get #lock() {
    return document.querySelector("form[data-lock]");
  }

  // Space presses the button that has the focus; every other sign belongs to the window.
  #gather(event) {
    if (event.key !== " " && !event.target.matches("input")) this.querySelector("#read")?.focus();
  }

  #back() {
    const way = this.querySelector("[data-back]");
    const field = this.querySelector("#read");
    if (way) way.click();
    else if (field?.value) {
      field.value = "";
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  // In the search a scanner ends with Enter: it opens who was found, or makes the card of the number that stands there.
  // A field of a form and a button know themselves what Enter is.
  #enter(event) {
    const field = this.querySelector("[data-find] #read");
    if (event.target === field) {
      const hits = this.querySelectorAll("#panel .hit");
      const offered = this.querySelector("#enrol");
      const way = hits.length === 1 && hits[0].dataset.for === field.value ? hits[0] : null;
      const make = offered?.dataset.for === field.value ? offered.querySelector(".primary") : null;
      if (!way && !make) return;
      event.preventDefault();
      (way ?? make).click();
    } else if (!event.target.matches("input, button, a, select, textarea")) {
      this.querySelector("#panel .primary:enabled, #panel a.primary")?.click();
    }
  }

  #undo(event) {
    event.preventDefault();
    this.querySelector("#strip [data-undo]")?.click();
  }
}

customElements.define("till-desk", TillDesk);
