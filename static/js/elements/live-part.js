// <live-part hx-get="…" hx-trigger="poll">: asks again every ten seconds (or data-every), with the tag of what it shows:
// a server that has nothing new says 304. Nobody asks while nobody looks, or while somebody types in here.
// That one answer did not come is no news: the next one will.

class LivePart extends HTMLElement {
  #timer = 0;
  #tag = "";

  #ask = () => {
    if (document.hidden || (this.contains(document.activeElement) && document.activeElement.matches("input, textarea, select"))) return;
    this.dispatchEvent(new CustomEvent("poll"));
  };

  #look = () => {
    if (!document.hidden) this.#ask();
  };

  #config = event => {
    if (event.target === this && this.#tag) event.detail.ctx.request.headers["HX-PTag"] = this.#tag;
  };

  #answered = event => {
    if (event.target !== this) return;
    const { status, headers } = event.detail.ctx.response;
    if (status >= 400) {
      event.preventDefault();
      event.stopPropagation();
    }
    if (status === 200) this.#tag = headers.get("HX-PTag") ?? "";
  };

  // What the bar at the foot says of somebody's own act is nothing to us.
  #mine = event => {
    if (event.target === this) event.stopPropagation();
  };

  connectedCallback() {
    this.addEventListener("htmx:config:request", this.#config);
    this.addEventListener("htmx:before:response", this.#answered);
    this.addEventListener("htmx:before:request", this.#mine);
    this.addEventListener("htmx:error", this.#mine);
    document.addEventListener("visibilitychange", this.#look);
    this.#timer = setInterval(this.#ask, 1000 * (Number(this.dataset.every) || 10));
  }

  disconnectedCallback() {
    this.removeEventListener("htmx:config:request", this.#config);
    this.removeEventListener("htmx:before:response", this.#answered);
    this.removeEventListener("htmx:before:request", this.#mine);
    this.removeEventListener("htmx:error", this.#mine);
    document.removeEventListener("visibilitychange", this.#look);
    clearInterval(this.#timer);
  }
}

customElements.define("live-part", LivePart);
