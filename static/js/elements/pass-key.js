// <pass-key options="/accounts/passkeys/login/" hidden><button type="button">…</button><p role="alert" hidden>…</p></pass-key>
// asks for a challenge, has the browser answer it with a passkey, and sends the form around it with
// the answer in its field `credential`. With `make` a new passkey is made. Stays hidden where there
// are none: the page has another way.

const HEADERS = { Accept: "application/json" };

class PassKey extends HTMLElement {
  #button = null;

  #press = async () => {
    this.#button.setAttribute("aria-busy", "true");
    this.#tell("");
    try {
      const { form } = this.#button;
      form.elements.credential.value = JSON.stringify(await this.#ask());
      form.requestSubmit();
    } catch (error) {
      this.#tell(error.name === "NotAllowedError" ? this.dataset.cancelled : this.dataset.broken);
      this.#button.removeAttribute("aria-busy");
    }
  };

  connectedCallback() {
    this.#button = this.querySelector("button");
    this.#button.addEventListener("click", this.#press);
    this.hidden = !window.PublicKeyCredential;
  }

  disconnectedCallback() {
    this.#button.removeEventListener("click", this.#press);
  }

  async #ask() {
    const answer = await fetch(this.getAttribute("options"), { headers: HEADERS, cache: "no-store" });
    if (!answer.ok || answer.redirected) throw new Error(`challenge: ${answer.status}`);
    const { publicKey } = await answer.json();
    const isNew = this.hasAttribute("make");
    const options = { publicKey: readable(publicKey) };
    return told(await navigator.credentials[isNew ? "create" : "get"](options));
  }

  #tell(sentence) {
    const place = this.querySelector("[role=alert]");
    place.querySelector("span").textContent = sentence;
    place.hidden = !sentence;
  }
}

// The server speaks base64url, the browser bytes. (parseCreationOptionsFromJSON is too young for the tablets of shops.)
function readable(options) {
  const bytesOf = each => ({ ...each, id: bytes(each.id) });
  return {
    ...options,
    challenge: bytes(options.challenge),
    ...(options.user && { user: bytesOf(options.user) }),
    ...(options.excludeCredentials && { excludeCredentials: options.excludeCredentials.map(bytesOf) }),
    ...(options.allowCredentials && { allowCredentials: options.allowCredentials.map(bytesOf) }),
  };
}

function told(credential) {
  const { id, rawId, type, response } = credential;
  const said = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) said[name] = text(response[name]);
  }
  return { id, rawId: text(rawId), type, response: said, clientExtensionResults: credential.getClientExtensionResults() };
}

function bytes(value) {
  return Uint8Array.from(atob(value.replaceAll("-", "+").replaceAll("_", "/")), letter => letter.codePointAt(0));
}

function text(buffer) {
  const letters = String.fromCodePoint(...new Uint8Array(buffer));
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

customElements.define("pass-key", PassKey);
