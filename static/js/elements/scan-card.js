// <scan-card for="read">: a button that reads a card's QR code with the camera, where the browser can.
// Elsewhere it stays hidden; a USB scanner types into the field by itself.

const PATIENCE = 8000; // milliseconds without a code until there is a tip

class ScanCard extends HTMLElement {
  #sheet = null;
  #stream = null;
  #timer = 0;

  #open = async () => {
    if (this.#sheet) return;
    this.#show();
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      this.#say(this.dataset.denied);
      return;
    }
    const video = this.#sheet?.querySelector("video");
    if (!video) return this.#stop();
    video.srcObject = this.#stream;
    video.play().catch(() => {}); // closed before it began
    this.#timer = setTimeout(() => this.#say(this.dataset.tip), PATIENCE);
    this.#look(video, new BarcodeDetector({ formats: ["qr_code"] }));
  };

  connectedCallback() {
    if (!("BarcodeDetector" in window) || !navigator.mediaDevices) return;
    this.hidden = false;
    this.querySelector("button").addEventListener("click", this.#open);
  }

  disconnectedCallback() {
    this.querySelector("button").removeEventListener("click", this.#open);
    this.#sheet?.close();
    this.#stop();
  }

  #show() {
    const sheet = document.createElement("dialog");
    sheet.className = "scanning";
    const video = document.createElement("video");
    video.muted = true;
    video.playsInline = true;
    const words = document.createElement("p");
    words.setAttribute("role", "status");
    const close = document.createElement("button");
    close.type = "button";
    close.className = "btn big";
    close.textContent = this.dataset.close;
    close.onclick = () => sheet.close();
    sheet.onclose = () => this.#stop();
    sheet.append(video, words, close);
    document.body.append(sheet);
    sheet.showModal();
    this.#sheet = sheet;
  }

  async #look(video, detector) {
    while (this.#stream && this.#sheet) {
      const [code] = await detector.detect(video).catch(() => []);
      if (code) return this.#found(code.rawValue);
      await new Promise(done => setTimeout(done, 120));
    }
  }

  #found(text) {
    this.#sheet?.close();
    const field = document.getElementById(this.getAttribute("for"));
    if (!field) return;
    field.value = text;
    field.form.requestSubmit();
  }

  #say(text) {
    const words = this.#sheet?.querySelector("p");
    if (words) words.textContent = text;
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#stream?.getTracks().forEach(track => track.stop());
    this.#sheet?.remove();
    this.#stream = this.#sheet = null;
  }
}

customElements.define("scan-card", ScanCard);
