// <net-lamp data-online="Online" data-offline="No connection">: what the browser knows about its network.

class NetLamp extends HTMLElement {
  #show = () => {
    const online = navigator.onLine;
    this.classList.toggle("good", online);
    this.classList.toggle("warn", !online);
    this.textContent = online ? this.dataset.online : this.dataset.offline;
  };

  connectedCallback() {
    addEventListener("online", this.#show);
    addEventListener("offline", this.#show);
    this.#show();
  }

  disconnectedCallback() {
    removeEventListener("online", this.#show);
    removeEventListener("offline", this.#show);
  }
}

customElements.define("net-lamp", NetLamp);
