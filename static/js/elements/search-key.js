// <search-key>: the key "/" goes to the search, unless somebody is typing.

class SearchKey extends HTMLElement {
  #key = event => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, textarea, select, [contenteditable]")) return;
    const field = document.querySelector('input[type="search"]');
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  };

  connectedCallback() {
    document.addEventListener("keydown", this.#key);
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#key);
  }
}

customElements.define("search-key", SearchKey);
