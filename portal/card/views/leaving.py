"""Leaving, and being forgotten some days later: confirmed by a code where the shop can send one.
Until then one tap keeps the card.
"""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus

from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from loyalty import leaving
from loyalty.models import Identifier
from loyalty.refusals import CodeWrong, MemberClosed
from portal.card import codes
from portal.card.forms import Leave
from portal.card.holders import HolderRequest, holder, refuse_crowds
from portal.pages import page, see_other


@require_http_methods(["GET", "HEAD", "POST"])
@holder
def leave(request: HolderRequest) -> HttpResponse:
    """Say what goes, when, and what stays; then close the card."""
    if request.member.erase_at:
        return see_other(reverse("card:card"))
    where = _proved(request)
    needs_code = where is not None
    if request.method != "POST":
        return _page(request, Leave(needs_code=needs_code), where)
    form = Leave(request.POST, needs_code=needs_code)
    if form.is_valid() and _is_she(request, form, where):
        with suppress(MemberClosed):  # the shop has erased her meanwhile
            leaving.ask(request.member, at=timezone.now(), by=request.by)
        return see_other(reverse("card:card"))
    return _page(request, form, where, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
@holder
def stay(request: HolderRequest) -> HttpResponse:
    """She has changed her mind."""
    with suppress(MemberClosed):  # too late: the card's page says so
        leaving.stay(request.member, at=timezone.now(), by=request.by)
    return see_other(reverse("card:card"))


@require_POST
@holder
def send(request: HolderRequest) -> HttpResponse:
    """Send the code that confirms it."""
    where, at = _proved(request), timezone.now()
    if where is not None and not request.member.erase_at:
        refuse_crowds("code")
        codes.refuse_flood(where.value, at=at)
        with transaction.atomic():
            code = codes.mint(codes.LEAVE, request.member.pk, request.link, at=at)
            codes.send(where.kind, where.value, "card_leave", code, at=at)
    return see_other(f"{reverse('card:leave')}?sent=1")


def _proved(request: HolderRequest) -> Identifier | None:
    """The last number of hers that was proved and can be written to."""
    rows = Identifier.objects.filter(
        member=request.member.pk, kind__in=("phone", "email"), verified_at__isnull=False
    )
    return next((row for row in rows.order_by("-id") if codes.can_reach(row.kind)), None)


def _is_she(request: HolderRequest, form: Leave, where: Identifier | None) -> bool:
    if where is None:
        return True
    at = timezone.now()
    codes.refuse_guesses(where.value, at=at)
    if codes.use(codes.LEAVE, request.link, form.cleaned_data["code"], at=at):
        codes.was_right(where.value)
        return True
    codes.was_wrong(where.value, at=at)
    form.add_error("code", str(CodeWrong()))
    return False


def _page(
    request: HolderRequest, form: Leave, where: Identifier | None, *, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "where": where,
        "was_sent": "sent" in request.GET or form.is_bound,
        "erased_at": leaving.erased_at(timezone.now(), timezone.get_current_timezone()),
        "member": request.member,
        "slug": request.tenant.slug,
    }
    return page(request, "card/leave.html", context, status=status)
