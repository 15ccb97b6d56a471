"""Coming back to one's card on another phone: a code to the number that it is known by.

Whether anybody is known by it shows in the letter alone: a number that nobody has gets one too.
"""

from __future__ import annotations

import datetime as dt
import secrets as random
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from loyalty import binding, claims, enrolment, finding
from loyalty.models import Identifier, Member
from loyalty.refusals import CodeGone, CodeWrong, IdempotencyConflict, Refusal
from portal import letters
from portal.card import codes
from portal.card.forms import EMAIL, PHONE, Code, Reached, dial
from portal.card.holders import keep_card, keep_language_of, link_of, refuse_crowds
from portal.forms import with_new_key
from portal.guards import cookie_name
from portal.pages import page, see_other
from tenants.actors import Actor

COOKIE = "back"  # which browser asked, for which number, and how often it guessed
SECOND_TAP = dt.timedelta(minutes=1)  # so long the code that has opened her card shows it again


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def back(request: HttpRequest) -> HttpResponse:
    """Say who you are."""
    ways = [PHONE, EMAIL] if letters.can_text() else [EMAIL]
    way = request.POST.get("by") or request.GET.get("by") or ways[0]
    way = way if way in ways else ways[0]
    if request.method != "POST":
        return _page(request, Reached(way=way), ways)
    form = Reached(request.POST, way=way)
    if not form.is_valid():
        return _page(request, form, ways, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    refuse_crowds("code")
    return _sent(request, form.way, form.cleaned_data[form.way])


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def code(request: HttpRequest) -> HttpResponse:
    """Type the code that was sent."""
    asked = _asked(request)
    if asked is None:
        return see_other(reverse("card:back"))
    if request.method != "POST":
        return _code_page(request, asked, Code(initial={"key": uuid4()}))
    if "again" in request.POST:
        return _sent(request, asked["kind"], asked["value"])
    form = Code(request.POST)
    if not form.is_valid():
        return _code_page(request, asked, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    at = timezone.now()
    codes.refuse_guesses(asked["value"], at=at)
    try:
        link = _opened(request, asked, form, at=at)
    except Refusal as refusal:
        if isinstance(refusal, IdempotencyConflict):
            with_new_key(form, "code")
        else:
            form.add_error("code", str(refusal))
        return _code_page(request, asked, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return _welcome(request, asked, link) if link else _wrong(request, asked, form)


def _sent(request: HttpRequest, kind: str, value: str) -> HttpResponse:
    """A letter to whoever it is: with a code to a member, with how to join to anybody else."""
    at, browser = timezone.now(), random.token_urlsafe(16)
    codes.refuse_flood(value, at=at)
    with transaction.atomic():
        member = binding.holder(kind, value)
        subject = member.pk if member else uuid4()
        made = codes.mint(codes.BACK, subject, browser, at=at)
        codes.send(kind, value, "card_back" if member else "card_nobody", made, at=at)
    response = see_other(reverse("card:back_code"))
    _keep(response, {"browser": browser, "kind": kind, "value": value, "tries": 0})
    return response


def _wrong(request: HttpRequest, asked: dict[str, Any], form: Code) -> HttpResponse:
    codes.was_wrong(asked["value"], at=timezone.now())
    asked["tries"] += 1
    is_over = asked["tries"] >= claims.TRIES
    form.add_error("code", str(CodeGone() if is_over else CodeWrong()))
    response = _code_page(request, asked, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    _keep(response, asked)
    return response


@transaction.atomic
def _opened(request: HttpRequest, asked: dict[str, Any], form: Code, *, at: dt.datetime) -> str:
    """The secret by which this phone shows her card from now on; "" where the code is wrong.

    A second tap waits here for the first, which uses the code up, and is shown the card as well.
    """
    if asked["tries"] >= claims.TRIES:
        return ""
    kind, value, typed = asked["kind"], asked["value"], form.cleaned_data["code"]
    if subject := codes.use(codes.BACK, asked["browser"], typed, at=at):
        member = Member.objects.filter(pk=subject).first()
        return _proved(request, asked, form, member, at=at) if member else ""
    if codes.was_used(codes.BACK, asked["browser"], typed, since=at - SECOND_TAP):
        member, link = binding.holder(kind, value), link_of(request)
        if member is None:
            return ""
        is_here = link and finding.member_by_link(link) == member
        return link if is_here else enrolment.new_link(member)
    return ""


def _proved(
    request: HttpRequest, asked: dict[str, Any], form: Code, member: Member, *, at: dt.datetime
) -> str:
    """A card on this phone that nobody had proved is joined with hers; her own stays on it."""
    link = link_of(request)
    here = finding.member_by_link(link) if link else None
    goes_along = here is not None and (here.unbound_until is not None or here.pk == member.pk)
    bound = binding.prove(
        asked["kind"],
        asked["value"],
        card=here if goes_along else None,
        link=link if goes_along else "",
        at=at,
        by=Actor.member(member.pk),
        key=str(form.cleaned_data["key"]),
    )
    return link if goes_along else enrolment.new_link(bound.member)


def _welcome(request: HttpRequest, asked: dict[str, Any], link: str) -> HttpResponse:
    """Her card on this phone."""
    codes.was_right(asked["value"])
    response = keep_card(see_other(reverse("card:card")), link)
    response.delete_cookie(cookie_name(COOKIE), path="/", samesite="Lax")
    return keep_language_of(link, request, response)


def _keep(response: HttpResponse, asked: dict[str, Any]) -> None:
    response.set_cookie(
        cookie_name(COOKIE),
        signing.dumps(asked, salt=COOKIE),
        max_age=claims.CODE_FOR.seconds,
        path="/",
        secure=cookie_name("").startswith("__Host-"),
        httponly=True,
        samesite="Lax",
    )


def _asked(request: HttpRequest) -> dict[str, Any] | None:
    try:
        kept = request.COOKIES.get(cookie_name(COOKIE), "")
        asked: dict[str, Any] = signing.loads(kept, salt=COOKIE, max_age=claims.CODE_FOR.seconds)
    except signing.BadSignature:
        return None
    return asked


def _page(
    request: HttpRequest, form: Reached, ways: list[str], *, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "ways": ways,
        "slug": request.tenant.slug,  # type: ignore[attr-defined]
        "dial": dial(),
    }
    return page(request, "card/back.html", context, status=status)


def _code_page(
    request: HttpRequest, asked: dict[str, Any], form: Code, *, status: int = 200
) -> HttpResponse:
    form.fields["code"].label = gettext("The six digits")
    context = {
        "form": form,
        "is_phone": asked["kind"] == Identifier.Kind.PHONE,
        "value": asked["value"],
        "slug": request.tenant.slug,  # type: ignore[attr-defined]
    }
    return page(request, "card/back_code.html", context, status=status)
