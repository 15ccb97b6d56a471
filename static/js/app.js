// What every page with htmx needs: the CSRF token of this moment, and one place that says when something went wrong.
// A form with a key counts once, however often it is sent: it is sent again by itself, as it was, for half a minute.

const WAITS = [1, 2, 4, 8, 15]; // seconds before a form is sent again
const PASSING = [429, 502, 503, 504];

const trouble = document.getElementById("trouble");
const button = trouble?.querySelector("button");
let again = null; // what the button tries again
let saving = null; // the form that is being sent again: { form, tries, focus }

// Signing in gives a new token, also in another tab: the cookie knows the present one, a form may not.
document.addEventListener("htmx:config:request", event => {
  const { request } = event.detail.ctx;
  const token = document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/)?.[1];
  if (request.method === "GET" || !token) return;
  request.body.delete("csrfmiddlewaretoken");
  request.headers["X-CSRFToken"] = token;
});

document.addEventListener("htmx:before:request", () => {
  if (!saving) hide();
});

// A page of error is no piece of this page. 409 and 422 are: they carry the form with what was typed.
document.addEventListener("htmx:before:response", event => {
  const { ctx } = event.detail;
  const { status, headers } = ctx.response;
  if (status < 400 || status === 409 || status === 422) return release(ctx);
  event.preventDefault();
  const seconds = Number(headers.get("Retry-After")) || 0;
  if (PASSING.includes(status) && countsOnce(ctx)) return sendAgain(ctx, status === 429 ? "busy" : "saving", seconds);
  release(ctx);
  if (status === 429) tellAndWait(ctx.sourceElement, seconds);
  else tell(nameOf(status), ctx.sourceElement);
});

document.addEventListener("htmx:error", event => {
  const { ctx } = event.detail;
  if (countsOnce(ctx)) sendAgain(ctx, "saving", 0);
  else tell("silent", ctx?.sourceElement);
});

button?.addEventListener("click", retry);

function retry() {
  const element = again;
  hide();
  if (!element?.isConnected) location.reload();
  else if (element instanceof HTMLFormElement) element.requestSubmit();
  else if (element instanceof HTMLInputElement) element.dispatchEvent(new Event("input", { bubbles: true }));
  else element.click();
}

function nameOf(status) {
  if (PASSING.includes(status)) return "away";
  if (status >= 500) return "broken";
  return status === 404 ? "missing" : "refused";
}

function countsOnce(ctx) {
  return ctx?.sourceElement instanceof HTMLFormElement && ctx.request.method === "POST" && Boolean(ctx.request.body?.get?.("key"));
}

// Until it is answered nobody may change the form: the same key with another amount would be another sale.
function sendAgain({ sourceElement: form }, what, seconds) {
  saving ??= { form, tries: 0, focus: document.activeElement };
  const wait = WAITS[saving.tries++];
  if (wait === undefined) {
    release({ sourceElement: form });
    tell("unsent", form);
    return;
  }
  hold(true);
  tell(what, form);
  button.hidden = true;
  setTimeout(() => form.requestSubmit(), 1000 * (Math.max(wait, seconds) + Math.random() / 4));
}

// It was answered, or we stop asking.
function release({ sourceElement }) {
  if (saving?.form !== sourceElement) return;
  const { focus } = saving;
  saving = null;
  hold(false);
  hide();
  focus?.focus();
}

function hold(isHeld) {
  for (const part of document.body.children) {
    if (part !== trouble) part.inert = isHeld;
  }
}

function tellAndWait(element, seconds) {
  tell("busy", element);
  setTimeout(() => again === element && !trouble.hidden && retry(), 1000 * Math.max(seconds, 1));
}

function tell(what, element) {
  if (!trouble) return;
  again = element;
  button.hidden = false;
  trouble.querySelector("p").textContent = trouble.dataset[what];
  trouble.hidden = false;
}

function hide() {
  if (trouble) trouble.hidden = true;
}
