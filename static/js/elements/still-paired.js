// <still-paired hidden ask="/till/still/" lost="/till/">: a till that was revoked says so by itself, within five seconds.
// Nobody asks while nobody looks. That one answer did not come is no news: the next one will.

const EVERY = 4000; // milliseconds

class StillPaired extends HTMLElement {
  #timer = 0;

  #ask = async () => {
    if (document.hidden || !navigator.onLine) return;
    const { type } = await fetch(this.getAttribute("ask"), { redirect: "manual", signal: AbortSignal.timeout(EVERY) });
    if (type === "opaqueredirect") location.assign(this.getAttribute("lost"));
  };

  #look = () => this.#ask().catch(() => {});

  connectedCallback() {
    document.addEventListener("visibilitychange", this.#look);
    this.#timer = setInterval(this.#look, EVERY);
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#look);
    clearInterval(this.#timer);
  }
}

customElements.define("still-paired", StillPaired);
