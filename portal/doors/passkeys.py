"""Passkeys: made, named, taken away, and the way in with one.

A page asks for the challenge when its button is pressed (static/js/elements/pass-key.js) and posts
what the browser answers, as any form.
"""

from __future__ import annotations

from typing import Any

from allauth.account.models import Login
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth, flows
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal import factors, guards
from portal.accounts import goal
from portal.doors.forms import Address, KeyName, NewPasskey, PasskeyLogin, posted
from portal.doors.signing_in import ASK, LATER, door, wish_of
from portal.forms import first_error
from portal.guards import StaffRequest, colleague, freshly
from portal.pages import answer, page, see_other
from tenants.models import User
from tenants.trace import write

LONGEST_PK = 9  # digits
A_MONTH = 30 * 24 * 3600


def challenge(options: dict[str, Any]) -> HttpResponse:
    return answer(JsonResponse(options))


def wants_challenge(request: HttpRequest) -> bool:
    return request.method == "GET" and request.headers.get("Accept") == "application/json"


@require_http_methods(ASK)
@never_cache
def login(request: HttpRequest) -> HttpResponse:
    """Whoever's passkey it is, she is known by it: nobody types an address."""
    if wants_challenge(request):
        return challenge(auth.begin_authentication(None))
    wish = wish_of(request)
    if isinstance(request.user, User):
        return see_other(goal(request.user, wish))
    if request.method != "POST":
        return see_other(wish or reverse("account_login"))
    form = PasskeyLogin(request.POST)
    if form.is_valid():
        found: Authenticator = form.cleaned_data["credential"]
        where = goal(found.user, wish)
        entry = Login(user=found.user, email_verification="none", redirect_url=where)
        response: HttpResponse = flows.perform_passwordless_login(request, found, entry)
        return see_other(response.headers["Location"])
    return door(request, Address(), passkey_trouble=first_error(form), status=422)


@require_http_methods(ASK)
@colleague
@freshly
def add(request: StaffRequest) -> HttpResponse:
    user = request.staff.user
    if wants_challenge(request):
        return challenge(auth.begin_registration(user, passwordless=True))
    wish = wish_of(request) or f"{reverse('account')}#passkeys"
    if request.POST.get("action") == "later":
        return keep_off(see_other(wish))
    form = NewPasskey(posted(request), user=user)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        _, made_codes = flows.add_authenticator(request, given["name"], given["credential"])
        if made_codes and not factors.has_app(user):
            made_codes.delete()  # they stand in for an app, and she has none
        write(request.by, "staff.passkey_added", request.staff.pk, at=timezone.now())
        return see_other(wish)
    context = {"form": form, "next": wish_of(request)}
    return page(request, "mfa/webauthn/add.html", context, status=422 if form.is_bound else 200)


def keep_off(response: HttpResponse) -> HttpResponse:
    """Offer this browser no passkey for a month."""
    secure = bool(settings.COOKIE_PREFIX)
    name = guards.cookie_name(LATER)
    response.set_cookie(name, "1", max_age=A_MONTH, secure=secure, httponly=True, samesite="Lax")
    return response


@require_http_methods(ASK)
@colleague
def edit(request: StaffRequest, pk: int) -> HttpResponse:
    found = _hers(request, pk)
    form = KeyName(posted(request), initial={"name": found.wrap().name})
    if request.method == "POST" and form.is_valid():
        found.data["name"] = form.cleaned_data["name"]
        found.save(update_fields=["data"])
        return see_other(f"{reverse('account')}#passkeys")
    context = {"form": form, "passkey": found}
    return page(request, "mfa/webauthn/edit.html", context, status=422 if form.is_bound else 200)


@require_http_methods(ASK)
@colleague
@freshly
def remove(request: StaffRequest, pk: int) -> HttpResponse:
    found = _hers(request, pk)
    if request.method != "POST":
        return page(request, "mfa/webauthn/remove.html", {"passkey": found})
    flows.remove_authenticator(request, found)
    write(request.by, "staff.passkey_removed", request.staff.pk, at=timezone.now())
    return see_other(f"{reverse('account')}#passkeys")


def _hers(request: StaffRequest, pk: int) -> Authenticator:
    if len(str(pk)) > LONGEST_PK:
        raise Http404
    kind = Authenticator.Type.WEBAUTHN
    found: Authenticator = get_object_or_404(
        Authenticator, pk=pk, user=request.staff.user, type=kind
    )
    return found
