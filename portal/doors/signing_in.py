"""Signing in: by a code by mail, by a passkey, with one of our links; and out again."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from loyalty.models import Member
from portal import factors, links, waiting
from portal.accounts import goal
from portal.doors import codes
from portal.doors.codes import SIGN_IN, WrongCode
from portal.doors.forms import Address, Code, posted
from portal.guards import cookie_name
from portal.pages import go, page, see_other
from tenants import hosts, invitations, people, secrets
from tenants.guesses import TooManyGuesses
from tenants.models import Invitation, Staff, User

ASK = ["GET", "HEAD", "POST"]
LATER = "no-passkey"  # a cookie: asked again in a month


# --- By code -------------------------------------------------------------------------------------


@require_http_methods(ASK)
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """Asks for an address and sends a code there. Everybody is answered alike: whether an address
    belongs to this shop is told to its box alone. Who is in already goes on.
    """
    if isinstance(request.user, User):
        return see_other(goal(request.user, wish_of(request)))
    form = Address(posted(request))
    if request.method == "POST" and form.is_valid():
        address = form.cleaned_data["email"]
        try:
            codes.send(request, SIGN_IN, address, to=_box(address), next=wish_of(request))
        except TooManyGuesses as many:
            form.add_error("email", patience(many))
        else:
            return see_other(reverse("account_confirm_login_code"))
    return door(request, form, status=status_of(form))


@require_http_methods(ASK)
@never_cache
def code(request: HttpRequest) -> HttpResponse:
    """Takes the code, three times at most; "send again" sends another one after half a minute."""
    awaited = codes.waiting(request, SIGN_IN)
    if awaited is None:
        return see_other(reverse("account_login"))
    if request.POST.get("action") == "resend":
        with suppress(TooManyGuesses):  # the page says how long it takes; nothing else is told
            codes.send_again(request, SIGN_IN, to=_box(awaited.address))
        return see_other(reverse("account_confirm_login_code"))
    form = Code(posted(request))
    user = _proved(request, awaited, form) if form.is_valid() else None
    if user:
        record_authentication(request, user, method="code", email=awaited.address)
        return enter(request, user, _offer(request, user, awaited.next))
    context = {
        "form": form,
        "awaited": awaited,
        "used_up": not codes.waiting(request, SIGN_IN),
        "elsewhere": "account_login",
    }
    return page(request, "account/code.html", context, status=status_of(form))


def _offer(request: HttpRequest, user: User, wish: str = "") -> str:
    """On the way to what she asked for: a passkey for the next time, unless she has one, or said
    lately that she wants none.
    """
    wish, adding = goal(user, wish), reverse("mfa_add_webauthn")
    is_hers = wish.startswith(adding) or cookie_name(LATER) in request.COOKIES
    if is_hers or factors.passkeys_of(user):
        return wish
    return f"{adding}?{urlencode({'next': wish})}"


def _proved(request: HttpRequest, awaited: codes.Awaited, form: Code) -> User | None:
    try:
        codes.check(request, SIGN_IN, awaited, form.cleaned_data["code"])
    except WrongCode as wrong:
        form.add_error("code", sentence(wrong))
    except TooManyGuesses as many:
        form.add_error("code", patience(many))
    else:
        user = people.user_here(awaited.address)
        if user:
            return user
        form.add_error("code", sentence(WrongCode(0)))
    return None


def _box(address: str) -> str:
    """Where a letter to this address goes: to nobody, unless she works here."""
    user = people.user_here(address)
    return user.email if user else ""


# --- By link -------------------------------------------------------------------------------------


@require_http_methods(ASK)
@never_cache
def link(request: HttpRequest, secret: str) -> HttpResponse:
    """A one-time sign-in link. Opening it shows whose it is; only pressing the button uses it up.

    So a mail scanner or a chat's preview, which open every link, sign nobody in and waste nothing.
    """
    subject = links.opened(request, secrets.SIGN_IN, secret, at=timezone.now())
    user = User.objects.filter(pk=subject, is_active=True).first() if subject else None
    staff = people.staff_of(user) if user else None
    if user is None or staff is None:
        return page(request, "account/link_gone.html", status=410)
    if request.method != "POST":
        return page(
            request, "account/link.html", {"staff": staff, **_also_signed_in(request, staff)}
        )
    return enter(request, user)


@require_http_methods(ASK)
@never_cache
def arrive(request: HttpRequest, secret: str) -> HttpResponse:
    """The hand-over from another host of ours: signs in whom that host knew, once, within a minute.

    A browser that says it followed a link from one of our own pages is let in at once; any other is
    asked to press a button.
    """
    at_once = request.method == "GET" and _from_our_own_page(request)
    subject = links.opened(
        request,
        secrets.HAND_OVER,
        secret,
        at=timezone.now(),
        use=at_once or request.method == "POST",
    )
    user = User.objects.filter(pk=subject, is_active=True).first() if subject else None
    staff = people.staff_of(user) if user else None
    if user is None or staff is None:
        return page(request, "account/arrive_gone.html", status=410)
    if request.method != "POST" and not at_once:
        return page(request, "account/arrive.html", {"staff": staff})
    return enter(request, user, first_page(staff))


@require_http_methods(ASK)
@never_cache
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """An invitation: opening it shows who asks for what; pressing the button takes it up."""
    now = timezone.now()
    invitation = invitations.of_link(links.opened(request, secrets.INVITE, secret, at=now))
    if invitation is None:
        return page(request, "account/join_gone.html", status=410)
    if request.method != "POST":
        context = {"invitation": invitation, **_other(request, invitation)}
        return page(request, "account/join.html", context)
    with transaction.atomic():  # who is not let in after all has not taken it up either
        staff = invitations.accept(invitation, at=now)
        user: User = staff.user
        record_authentication(request, user, method="code", email=user.email)
        return enter(request, user, _offer(request, user))


def _from_our_own_page(request: HttpRequest) -> bool:
    """What the browser itself says, where it does: no page of others can make it say so."""
    site, mode = request.headers.get("Sec-Fetch-Site"), request.headers.get("Sec-Fetch-Mode")
    return site in ("same-site", "same-origin") and mode == "navigate"


def _also_signed_in(request: HttpRequest, staff: Staff) -> dict[str, object]:
    """Another colleague who is signed in here would be signed out by this link: the page says
    so.
    """
    other = people.staff_of(request.user) if isinstance(request.user, User) else None
    return {"other": other if other and other.pk != staff.pk else None}


def _other(request: HttpRequest, invitation: Invitation) -> dict[str, object]:
    user = request.user if isinstance(request.user, User) else None
    is_other = user is not None and user.email != invitation.email
    return {"other": people.staff_of(user) if user and is_other else None}


# --- In and out ----------------------------------------------------------------------------------


def enter(request: HttpRequest, user: User, wish: str = "") -> HttpResponse:
    """Sign in somebody who proved who she is; an authenticator app, if she has one, comes next."""
    response: HttpResponse = perform_login(
        request, user, email_verification="none", redirect_url=wish or None
    )
    if response.status_code == HTTPStatus.FOUND:
        response.status_code = HTTPStatus.SEE_OTHER
    return response


def first_page(staff: Staff) -> str:
    """Where a new shop begins, for who manages it; else "", for home."""
    if staff.manages and not Member.objects.exists():
        try:
            return reverse("manage:start")
        except NoReverseMatch:
            pass
    return ""


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    get_adapter(request).logout(request)
    return go(request, reverse("account_login"))


def door(
    request: HttpRequest, form: Address, *, passkey_trouble: str = "", status: int = 200
) -> HttpResponse:
    """The page where everybody begins: a passkey, or an address."""
    context = {
        "form": form,
        "next": wish_of(request),
        "passkey_trouble": passkey_trouble,
        "find": hosts.url_of(None, "/find/"),
    }
    return page(request, "account/login.html", context, status=status)


def wish_of(request: HttpRequest) -> str:
    """Where somebody wanted to go, if that is in this shop."""
    wish = request.POST.get("next") or request.GET.get("next") or ""
    fine = url_has_allowed_host_and_scheme(wish, {request.get_host()}, request.is_secure())
    return wish if fine and wish.isprintable() else ""


def status_of(form: Address | Code) -> int:
    return 422 if form.is_bound and form.errors else 200


def sentence(wrong: WrongCode) -> str:
    if wrong.left == 1:
        return gettext("That was not it. One try is left.")
    if wrong.left > 1:
        return gettext("That was not it. Two tries are left.")
    return gettext("That was not it either. This code opens nothing any more.")


def patience(many: TooManyGuesses) -> str:
    return waiting.sentence(many.wait)
