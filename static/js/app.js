// What every page with htmx needs: the CSRF token of this moment, and one place that says when something went wrong.

const trouble = document.getElementById("trouble");
let again = null;

// Signing in gives a new token, also in another tab: the cookie knows the present one, a form may not.
document.addEventListener("htmx:config:request", event => {
  const { request } = event.detail.ctx;
  const token = document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/)?.[1];
  if (request.method === "GET" || !token) return;
  request.body.delete("csrfmiddlewaretoken");
  request.headers["X-CSRFToken"] = token;
});

document.addEventListener("htmx:before:request", hide);

// A page of error is no piece of this page. 409 and 422 are: they carry the form with what was typed.
document.addEventListener("htmx:before:response", event => {
  const { status } = event.detail.ctx.response;
  if (status < 400 || status === 409 || status === 422) return;
  event.preventDefault();
  tell(status >= 500 ? "broken" : status === 404 ? "missing" : "refused", event.detail.ctx.sourceElement);
});

document.addEventListener("htmx:error", event => tell("silent", event.detail.ctx.sourceElement));

trouble?.querySelector("button").addEventListener("click", () => {
  const element = again;
  hide();
  if (!element?.isConnected) location.reload();
  else if (element instanceof HTMLFormElement) element.requestSubmit();
  else if (element instanceof HTMLInputElement) element.dispatchEvent(new Event("input", { bubbles: true }));
  else element.click();
});

function tell(what, element) {
  if (!trouble) return;
  again = element;
  trouble.querySelector("p").textContent = trouble.dataset[what];
  trouble.hidden = false;
}

function hide() {
  if (trouble) trouble.hidden = true;
}
