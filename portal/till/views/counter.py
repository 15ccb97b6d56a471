"""The counter: ready, found, and a customer lying on it."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from loyalty import finding, numbers
from loyalty.refusals import Refusal
from portal import guards
from portal.guards import DeviceRequest, TillRequest, unlocked
from portal.pages import go, page, wants_piece
from portal.till.forms import LONGEST, Sought
from portal.till.screens import counter, customer_or_404, sale_of, window_of
from portal.till.views.enrolment import offer
from portal.till.views.lock import locked
from tenants.actors import Actor

SHOWN = 6
ENOUGH_DIGITS = 3
ENOUGH_LETTERS = 2
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
    return counter(asked_by, {"kept": request.GET.get("amount", "")[:LONGEST]})


@require_safe
@unlocked
def members(request: TillRequest) -> HttpResponse:
    """Who ends in these digits, or is called so. A card's code, scanned or typed whole, opens its
    member at once; a whole number that nobody has offers a card; who holds a card that does not
    work hears why.
    """
    form = Sought(request.GET)
    sought = form.cleaned_data["q"] if form.is_valid() else ""
    kept = request.GET.get("amount", "")[:LONGEST]
    digits = numbers.dialled(sought)
    is_enough = len(sought) >= (ENOUGH_DIGITS if digits else ENOUGH_LETTERS)
    hits = finding.find_for_till(sought) if is_enough else []
    if len(hits) == 1 and hits[0].scanned:
        return member(request, hits[0].member.pk)
    found: dict[str, object] = {"sought": sought, "kept": kept, "is_enough": is_enough}
    if hits:
        found |= {
            "hits": hits[:SHOWN],
            "open_alone": len(hits) == 1 and len(digits) >= SURE_DIGITS,
            "more": len(hits) > SHOWN,
            "by_name": not digits,
        }
        return counter(request, found, screen="hits", also=())
    if not is_enough:
        return counter(request, found, also=())
    return _nobody(request, found, sought)


def _nobody(request: TillRequest, found: dict[str, object], sought: str) -> HttpResponse:
    """A card that does not work, one from elsewhere, a new customer, or a slip of the finger."""
    try:
        finding.refuse_hidden(sought)
    except Refusal as refusal:
        return counter(request, found | {"said": str(refusal)}, screen="stranger", also=())
    if _is_card(sought):
        return counter(request, found, screen="stranger", also=())
    if offered := offer(sought):
        return counter(request, found | offered, screen="enrol", also=())
    found |= {"by_name": not numbers.dialled(sought)}
    return counter(request, found, screen="nobody", also=())


def _is_card(sought: str) -> bool:
    """Was a card read? One phone or name of twelve characters in 32 passes for a code, but a code
    has letters, and a name has no digits and is seldom typed in capitals.
    """
    if numbers.dialled(sought) or numbers.read_code(sought) is None:
        return False
    return sought.isupper() or any(c.isdigit() for c in sought)


@require_safe
@unlocked
def member(request: TillRequest, pk: UUID) -> HttpResponse:
    """A customer on the counter; with what was typed of her sale, where it was interrupted."""
    customer = customer_or_404(pk)
    asked = {name: str(value) for name, value in request.GET.items() if name != "q"}
    context = sale_of(request, customer, asked)
    return counter(request, context, screen="sale", window=window_of())
