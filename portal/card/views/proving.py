"""Proving that a number is hers: a code is sent there, and typed on the card."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from uuid import uuid4

from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from loyalty import claims
from loyalty.models import Claim
from loyalty.refusals import (
    CodeGone,
    CodeTooSoon,
    CodeWrong,
    IdempotencyConflict,
    NothingToProve,
    Refusal,
)
from portal.card import codes
from portal.card.forms import EMAIL, PHONE, Code, Reached, dial
from portal.card.holders import HolderRequest, holder, refuse_crowds
from portal.forms import with_new_key
from portal.pages import page, see_other


@require_http_methods(["GET", "HEAD", "POST"])
@holder
def confirm(request: HolderRequest) -> HttpResponse:
    """Type the code that was sent to what she claims."""
    claim = _claim(request)
    if claim is None:
        return see_other(reverse("card:card"))
    if request.method != "POST":
        return _page(request, claim, Code(initial={"key": uuid4()}))
    form = Code(request.POST)
    if form.is_valid():
        at = timezone.now()
        codes.refuse_guesses(claim.value, at=at)
        try:
            claims.confirm(
                request.member,
                form.cleaned_data["code"],
                kind=claim.kind,
                link=request.link,
                at=at,
                key=str(form.cleaned_data["key"]),
            )
        except (CodeWrong, CodeGone) as refusal:
            codes.was_wrong(claim.value, at=at)
            form.add_error("code", str(refusal))
            claim.refresh_from_db()
        except NothingToProve:  # a second tap: the first has done it
            return see_other(reverse("card:card"))
        except IdempotencyConflict:
            with_new_key(form, "code")
        except Refusal as refusal:
            form.add_error("code", str(refusal))
        else:
            codes.was_right(claim.value)
            return see_other(reverse("card:card"))
    return _page(request, claim, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_http_methods(["GET", "HEAD", "POST"])
@holder
def add(request: HolderRequest) -> HttpResponse:
    """Say another phone or address, or the right one instead; a code is on its way to it then."""
    way = request.POST.get("by") or request.GET.get("by") or EMAIL
    form = Reached(request.POST if request.method == "POST" else None, way=way)
    if not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        context = {"form": form, "dial": dial(), "slug": request.tenant.slug}
        return page(request, "card/add.html", context, status=status)
    value, at = form.cleaned_data[form.way], timezone.now()
    refuse_crowds("code")
    codes.refuse_flood(value, at=at)
    with transaction.atomic():
        claims.claim(request.member, **{form.way: value}, at=at)
        if codes.can_reach(form.way):
            with suppress(CodeTooSoon):  # a second tap: the first one's code is on its way
                sent = claims.new_code(request.member, at=at)
                codes.send(sent.kind, sent.value, "card_code", sent.code, at=at)
    return see_other(reverse("card:confirm"))


@require_POST
@holder
def send(request: HolderRequest) -> HttpResponse:
    """Send a code, or another one."""
    claim, at = _claim(request), timezone.now()
    if claim is None or not codes.can_reach(claim.kind):
        return see_other(reverse("card:confirm"))
    refuse_crowds("code")
    codes.refuse_flood(claim.value, at=at)
    try:
        with transaction.atomic():
            sent = claims.new_code(request.member, kind=claim.kind, at=at)
            codes.send(sent.kind, sent.value, "card_code", sent.code, at=at)
    except CodeTooSoon as refusal:
        form = Code(initial={"key": uuid4()})
        return _page(
            request, claim, form, soon=str(refusal), status=HTTPStatus.UNPROCESSABLE_ENTITY
        )
    return see_other(f"{reverse('card:confirm')}?by={claim.kind}")


def _claim(request: HolderRequest) -> Claim | None:
    """What this page is about: the claim it is asked for, else the latest."""
    by = request.POST.get("by") or request.GET.get("by") or ""
    return claims.open_claim(request.member, by if by in (PHONE, EMAIL) else "")


def _page(
    request: HolderRequest, claim: Claim, form: Code, *, soon: str = "", status: int = 200
) -> HttpResponse:
    at = timezone.now()
    context = {
        "claim": claim,
        "form": form,
        "soon": soon,
        "can_reach": codes.can_reach(claim.kind),
        "was_sent": bool(claim.code_hash and claim.code_until and at < claim.code_until),
        "until": request.member.unbound_until,
        "slug": request.tenant.slug,
    }
    return page(request, "card/confirm.html", context, status=status)
