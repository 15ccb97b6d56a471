// <wait-for seconds="24"><button>Send again <span data-left></span></button></wait-for>: the button sleeps till then.

class WaitFor extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    const until = Date.now() + 1000 * Number(this.getAttribute("seconds") || 0);
    this.#tick(until);
    this.#timer = setInterval(() => this.#tick(until), 500);
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  #tick(until) {
    const left = Math.ceil((until - Date.now()) / 1000);
    const button = this.querySelector("button");
    const shown = this.querySelector("[data-left]");
    if (button) button.disabled = left > 0;
    if (shown) shown.textContent = left > 0 ? `(${left})` : "";
    if (left <= 0) clearInterval(this.#timer);
  }
}

customElements.define("wait-for", WaitFor);
