"""Coming back to one's card on another phone: a code to the number that it is known by.

Whether anybody is known by it shows in the letter alone: a number that nobody has gets one too.
"""

from __future__ import annotations

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
from loyalty.refusals import CodeGone, CodeWrong, Refusal
from portal import letters
from portal.card import codes
from portal.card.forms import EMAIL, PHONE, Code, Reached, dial
from portal.card.holders import keep_card, link_of, refuse_crowds
from portal.guards import cookie_name
from portal.pages import page, see_other
from tenants.actors import Actor

COOKIE = "back"  # which browser asked, for which number, and how often it guessed


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
    is_spent = asked["tries"] >= claims.TRIES
    typed = form.cleaned_data["code"]
    found = None if is_spent else codes.use(codes.BACK, asked["browser"], typed, at=at)
    member = Member.objects.filter(pk=found).first() if found else None
    if member is None:
        return _wrong(request, asked, form)
    return _welcome(request, asked, form, member)


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


def _welcome(
    request: HttpRequest, asked: dict[str, Any], form: Code, member: Member
) -> HttpResponse:
    """Her card on this phone. One that it had, and nobody had proved, is joined with it."""
    at, link = timezone.now(), link_of(request)
    here = finding.member_by_link(link) if link else None
    is_loose = here is not None and here.unbound_until is not None
    try:
        with transaction.atomic():
            bound = binding.prove(
                asked["kind"],
                asked["value"],
                card=here if is_loose else None,
                link=link if is_loose else "",
                at=at,
                by=Actor.member(member.pk),
                key=str(form.cleaned_data["key"]),
            )
            link = link if is_loose else enrolment.new_link(bound.member)
    except Refusal as refusal:
        form.add_error("code", str(refusal))
        return _code_page(request, asked, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    codes.was_right(asked["value"])
    response = keep_card(see_other(reverse("card:card")), link)
    response.delete_cookie(cookie_name(COOKIE), path="/", samesite="Lax")
    return response


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
