"""The first step: whose shop it is, and that the address is hers."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from portal import waiting
from portal.forms import clean_text
from portal.pages import page, see_other
from portal.site import countries, letters, road
from portal.site.forms import LONGEST_NAME, Begin, Code
from portal.site.road import StartRequest
from tenants import guesses, signups
from tenants.guesses import CODE_FROM, TooManyGuesses
from tenants.ids import uuid7
from tenants.logs import place
from tenants.models import SignUp
from tenants.signups import TooSoon, WrongCode

READ = ("GET", "HEAD", "POST")


@require_http_methods(READ)
def start(request: HttpRequest) -> HttpResponse:
    """Name, address and country. What was opened before is over: here another shop begins."""
    signup = road.of(request)
    if signup and signup.opened:
        signup = None
    if request.method != "POST":
        return _asked(request, Begin(initial=_initial(request, signup)), signup)
    form = Begin(request.POST)
    if not form.is_valid():
        return _asked(request, form, signup, status=422)
    signup = _begun(signup, form.cleaned_data)
    road.take(request, signup)
    if signup.confirmed_at:
        return see_other(reverse(road.first_missing(signup)))
    try:
        letters.send_code(signup, at=timezone.now())
    except TooSoon:
        pass  # the first of two taps has sent it
    except TooManyGuesses as refused:
        form.add_error("email", waiting.sentence(refused.wait))
        return _asked(request, form, signup, status=429)
    return see_other(reverse("start_code"))


@require_http_methods(READ)
@road.step("start_code")
def code(request: StartRequest) -> HttpResponse:
    """The code of the letter. Three wrong tries use it up."""
    if request.signup.confirmed_at:
        return see_other(reverse(road.first_missing(request.signup)))
    if request.method != "POST":
        return _typing(request, Code())
    form = Code(request.POST)
    if not form.is_valid():
        return _typing(request, form, status=422)
    now, network = timezone.now(), place().address
    try:
        guesses.check(CODE_FROM, network, at=now)
        signups.confirm(request.signup, form.cleaned_data["code"], at=now)
    except TooManyGuesses as refused:
        form.add_error("code", waiting.sentence(refused.wait))
        return _typing(request, form, status=429)
    except WrongCode as wrong:
        guesses.wrong(CODE_FROM, network, at=now)
        form.add_error("code", _told(wrong.left))
        return _typing(request, form, status=422)
    request.session.cycle_key()
    return see_other(reverse(road.first_missing(request.signup)))


@require_POST
@road.step("start_code")
def again(request: StartRequest) -> HttpResponse:
    """Another letter."""
    form = Code()
    try:
        letters.send_code(request.signup, at=timezone.now())
    except (TooSoon, TooManyGuesses) as refused:
        return _typing(request, form, said=waiting.sentence(refused.wait), status=429)
    return see_other(f"{reverse('start_code')}?sent=1")


def _initial(request: HttpRequest, signup: SignUp | None) -> dict[str, object]:
    if signup:
        named = {"name": signup.name, "email": signup.email, "country": signup.country}
        return {**named, "key": uuid7()}
    wish = clean_text(request.GET.get("name"))[:LONGEST_NAME]
    return {"name": wish, "country": countries.guess(request), "key": uuid7()}


def _begun(signup: SignUp | None, said: dict[str, Any]) -> SignUp:
    """The sign-up with what was said."""
    email, language = said["email"], get_language() or settings.LANGUAGE_CODE
    told = {"name": said["name"], "country": said["country"], "language": language}
    if signup is None:
        return signups.begin(pk=said["key"], email=email, at=timezone.now(), **told)
    return signups.change(signup, email=email, **told)


def _asked(
    request: HttpRequest, form: Begin, signup: SignUp | None, *, status: int = 200
) -> HttpResponse:
    if "key" in form.errors:  # too old a form, or none of ours: the next one can be sent
        form.data = {**form.data.dict(), "key": str(uuid7())}  # type: ignore[attr-defined]
    slug = signup.slug if signup else ""
    name = clean_text(form["name"].value())[:LONGEST_NAME]
    told = road.at_step("start", called=name, form=form, slug=slug or "loyalaura")
    return page(request, "site/start.html", told, status=status)


def _typing(
    request: StartRequest, form: Code, *, said: str = "", status: int = 200
) -> HttpResponse:
    signup = request.signup
    left = signups.wait_for_letter(signup, at=timezone.now())
    sent = gettext("A new code is on its way.") if "sent" in request.GET else ""
    told = road.at_step(
        "start",
        called=signup.name,
        form=form,
        signup=signup,
        slug=signup.slug or "loyalaura",
        wait=left,
        said=said,
        sent=sent,
    )
    return page(request, "site/code.html", told, status=status)


def _told(left: int) -> str:
    if left == 0:
        return gettext("That is not the code, and this one is used up now. Ask for a new one.")
    text = ngettext(
        "That is not the code. %(n)s try is left.",
        "That is not the code. %(n)s tries are left.",
        left,
    )
    return text % {"n": left}
