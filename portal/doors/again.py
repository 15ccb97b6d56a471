"""Proving once more who one is, before what must not be done by whoever finds a browser open."""

from __future__ import annotations

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.webauthn.internal import auth as webauthn
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal import factors
from portal.doors import codes
from portal.doors.codes import AGAIN, WrongCode
from portal.doors.forms import AgainProof, Code, PasskeyAgain
from portal.doors.passkeys import challenge, wants_challenge
from portal.doors.signing_in import ASK, patience, sentence, wish_of
from portal.forms import first_error
from portal.guards import StaffRequest, colleague
from portal.pages import page, see_other
from tenants.guesses import TooManyGuesses


@require_http_methods(ASK)
@never_cache
@colleague
def reauthenticate(request: StaffRequest) -> HttpResponse:
    """By passkey, by authenticator app, or, for who has no app, by a code sent to her address."""
    user = request.staff.user
    if wants_challenge(request):
        return challenge(webauthn.begin_authentication(user))
    has_app = factors.has_app(user)
    context: dict[str, object] = {
        "next": wish_of(request),
        "has_app": has_app,
        "has_passkey": bool(factors.passkeys_of(user)),
        "email": user.email,
        "form": AgainProof(user=user) if has_app else Code(),
    }
    if request.method == "POST":
        action = request.POST.get("action")
        if "credential" in request.POST:
            done = _by_passkey(request, context)
        elif has_app:
            done = _by_app(request, context)
        elif action in ("send", "resend"):
            return _send(request, context, first=action == "send")
        else:
            done = _by_code(request, context)
        if done:
            return see_other(wish_of(request) or reverse("account"))
    context["awaited"] = None if has_app else codes.waiting(request, AGAIN)
    status = 422 if request.method == "POST" else 200
    return page(request, "account/again.html", context, status=status)


def _send(request: StaffRequest, context: dict[str, object], *, first: bool) -> HttpResponse:
    to = request.staff.user.email
    try:
        if first and codes.waiting(request, AGAIN) is None:
            codes.send(request, AGAIN, to, to=to, next=wish_of(request))
        else:
            codes.send_again(request, AGAIN, to=to)
    except TooManyGuesses as many:
        context |= {"trouble": patience(many), "awaited": codes.waiting(request, AGAIN)}
        return page(request, "account/again.html", context, status=429)
    return see_other(request.get_full_path())


def _by_code(request: StaffRequest, context: dict[str, object]) -> bool:
    form, awaited = Code(request.POST), codes.waiting(request, AGAIN)
    context["form"] = form
    if awaited is None or not form.is_valid():
        return False
    try:
        codes.check(request, AGAIN, awaited, form.cleaned_data["code"])
    except WrongCode as wrong:
        form.add_error("code", sentence(wrong))
        context["trouble"] = "" if wrong.left > 0 else sentence(wrong)
    except TooManyGuesses as many:
        form.add_error("code", patience(many))
    else:
        user = request.staff.user
        record_authentication(request, user, method="code", email=user.email, reauthenticated=True)
        return True
    return False


def _by_app(request: StaffRequest, context: dict[str, object]) -> bool:
    form = context["form"] = AgainProof(user=request.staff.user, data=request.POST)
    if form.is_valid():
        form.save()
        return True
    return False


def _by_passkey(request: StaffRequest, context: dict[str, object]) -> bool:
    form = PasskeyAgain(user=request.staff.user, data=request.POST)
    if form.is_valid():
        form.save()
        return True
    context["passkey_trouble"] = first_error(form)
    return False
