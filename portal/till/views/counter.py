"""The counter: ready, found, and a customer lying on it."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from loyalty import finding, ledger, numbers
from loyalty.models import Member
from portal import guards
from portal.guards import DeviceRequest, TillRequest, unlocked
from portal.pages import go, page, wants_piece
from portal.till.forms import Sought
from portal.till.receipts import Receipt, latest
from portal.till.views.lock import locked
from tenants import shops
from tenants.actors import Actor
from tenants.ids import uuid7

SHOWN = 6
ENOUGH_DIGITS = 3
SURE_DIGITS = 4


@require_safe
def till(request: HttpRequest) -> HttpResponse:
    """Not a till yet, locked, or ready."""
    device = guards.device_of(request)
    if device is None:
        return page(request, "till/unpaired.html")
    found = guards.person_at_till(request)
    if found is None:
        if wants_piece(request):
            return go(request, reverse("till:till"))
        asked = cast(DeviceRequest, request)
        asked.device = device
        return locked(asked)
    staff, device = found
    asked_by = cast(TillRequest, request)
    asked_by.staff, asked_by.device, asked_by.by = staff, device, Actor.at_till(staff, device)
    return counter(asked_by)


@require_safe
@unlocked
def members(request: TillRequest) -> HttpResponse:
    """Who ends in these digits. A card's code, scanned or typed whole, opens its member at once."""
    form = Sought(request.GET)
    sought = form.cleaned_data["q"] if form.is_valid() else ""
    hits = finding.find_for_till(sought) if len(sought) >= ENOUGH_DIGITS else []
    if len(hits) == 1 and numbers.read_code(sought):
        return member(request, hits[0].member.pk)
    alone = len(hits) == 1 and len(numbers.digits(sought)) >= SURE_DIGITS
    found = {"hits": hits[:SHOWN], "sought": sought, "open_alone": alone, "more": len(hits) > SHOWN}
    return counter(request, found, also=())


@require_safe
@unlocked
def member(request: TillRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Member, pk=pk)
    return counter(request, sale_of(request, found))


def sale_of(request: TillRequest, found: Member) -> dict[str, object]:
    """What the till needs to take a sale of this member; the key makes two taps one sale."""
    return {
        "member": found,
        "phone": finding.phone_of(found),
        "account": ledger.account_of(found),
        "key": uuid7(),
        "amount": "",
        "decimals": decimals(),
    }


def counter(
    request: TillRequest,
    context: dict[str, object] | None = None,
    *,
    also: tuple[str, ...] = ("register",),
    receipt: Receipt | None = None,
    fragment: str = "panel",
    status: int = 200,
) -> HttpResponse:
    """The page of the till. The strip of the last sale stays as it is, unless there is a new
    one.
    """
    whole = not wants_piece(request)
    context = {
        "staff": request.staff,
        "device": request.device,
        "slug": request.tenant.slug,
        "sales": None,
        "sought": "",
        "receipt": receipt
        or (latest(request.device, by=request.by, at=timezone.now()) if whole else None),
        **(context or {}),
    }
    return page(request, "till/counter.html", context, fragment=fragment, also=also, status=status)


def decimals() -> int:
    return shops.front().decimals
