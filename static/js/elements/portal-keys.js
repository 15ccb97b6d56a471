// <portal-keys>: the portal by keyboard, unless somebody is typing. "/" goes to the search, "g" and a letter to a section
// (links with data-key), "j" and "k" walk the rows of a list (data-rows), "n" and "e" follow the link of that data-key,
// "?" opens the list of keys, which is the <dialog> in here. With the attribute "off" there is none of it.

const TYPING = "input, textarea, select, [contenteditable]";
const PATIENCE = 1500; // milliseconds between "g" and its letter

class PortalKeys extends HTMLElement {
  #going = -Infinity;

  #key = event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.matches?.(TYPING)) return;
    if (document.querySelector("dialog:modal")) return;
    const isGoing = event.timeStamp - this.#going < PATIENCE;
    this.#going = -Infinity;
    if (this.#pressed(event.key, isGoing, event)) event.preventDefault();
  };

  #close = event => {
    if (event.target.closest("button")) this.querySelector("dialog").close();
  };

  #pressed(key, isGoing, event) {
    if (isGoing) return this.#follow(`.rail [data-key="${CSS.escape(key)}"]`);
    if (key === "g") return Boolean((this.#going = event.timeStamp));
    if (key === "/") return this.#search();
    if (key === "j" || key === "k") return this.#walk(key === "j" ? 1 : -1);
    if (key === "n" || key === "e") return this.#follow(`main [data-key="${key}"]`);
    if (key === "?") return this.#help();
    return false;
  }

  #search() {
    const field = document.querySelector('main input[type="search"]');
    field?.focus();
    field?.select();
    return Boolean(field);
  }

  // Enter on the focused link opens it: that is the browser's own.
  #walk(step) {
    const rows = [...document.querySelectorAll("[data-rows] td.name a, [data-rows] li > span > a")];
    if (!rows.length) return false;
    const at = rows.indexOf(document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1);
    rows[next].focus();
    return true;
  }

  #follow(selector) {
    const link = document.querySelector(selector);
    link?.click();
    return Boolean(link);
  }

  #help() {
    this.querySelector("dialog").showModal();
    return true;
  }

  connectedCallback() {
    if (this.hasAttribute("off")) return;
    document.addEventListener("keydown", this.#key);
    this.addEventListener("click", this.#close);
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#key);
    this.removeEventListener("click", this.#close);
  }
}

customElements.define("portal-keys", PortalKeys);
