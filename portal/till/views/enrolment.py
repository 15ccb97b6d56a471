"""A new customer: her number, perhaps her name, and the card is made."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from loyalty import desk, enrolment, finding, numbers
from loyalty.refusals import Refusal
from portal.forms import first_error
from portal.guards import TillRequest, unlocked
from portal.pages import go, wants_piece
from portal.till.forms import LONGEST, Newcomer
from portal.till.screens import counter, links_of, sale_of, window_of
from tenants.ids import uuid7

CONSENT = "till-1"  # the words on the form: new words, new name


def offer(sought: str) -> dict[str, object]:
    """What the form shows where `sought` is a whole phone number; nothing where it is none."""
    phone = numbers.phone(sought, finding.country())
    if phone is None:
        return {}
    return {"phone": phone, "is_landline": numbers.is_landline(phone), "key": uuid7()}


@require_http_methods(["GET", "HEAD", "POST"])
@unlocked
def newcomer(request: TillRequest) -> HttpResponse:
    """Make the card; whoever has one already is found, never made again."""
    if request.method != "POST":
        sought = request.GET.get("q", "")[:LONGEST]
        found = offer(sought)
        return counter(
            request, {"sought": sought, **found}, screen="enrol" if found else "nobody", also=()
        )
    form = Newcomer(request.POST)
    if not form.is_valid():
        return _again(request, form, first_error(form))
    now = timezone.now()
    try:
        done = enrolment.enrol_or_find(
            name=form.cleaned_data["name"],
            phone=form.cleaned_data["phone"],
            marketing=CONSENT if form.cleaned_data["marketing"] else None,
            at=now,
            by=request.by,
        )
    except Refusal as refusal:
        return _again(request, form, str(refusal))
    if not wants_piece(request):
        return go(request, links_of(done.member)["open"])
    customer = desk.customer(done.member.pk, at=now)
    if customer is None:  # she left in this very moment
        return _again(request, form, "")
    context = sale_of(request, customer, {"amount": request.POST.get("amount", "")})
    context |= {"made": not done.existing, "known": done.existing}
    return counter(request, context, screen="sale", window=window_of())


@require_safe
@unlocked
def join(request: TillRequest) -> HttpResponse:
    """They do it themselves: the shop's join page as a QR code."""
    return counter(request, screen="join", also=())


def _again(request: TillRequest, form: Newcomer, said: str) -> HttpResponse:
    told = form.data
    context: dict[str, object] = {
        "sought": told.get("phone", "")[:LONGEST],
        "phone": told.get("phone", "")[:LONGEST],
        "name": told.get("name", "")[:80],
        "marketing": bool(told.get("marketing")),
        "kept": told.get("amount", "")[:LONGEST],
        "said": said,
        "key": uuid7(),
    }
    return counter(request, context, screen="enrol", also=(), status=422)
