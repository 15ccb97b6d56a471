"""Training: the same screens, and nothing is written. No verb of loyalty that moves anything is
called from here.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from loyalty import numbers
from loyalty.finding import Hit
from loyalty.models import Reward
from portal.forms import first_error, uuid_of
from portal.guards import TillRequest, unlocked
from portal.till import training
from portal.till.forms import Bill, Sought
from portal.till.receipts import Receipt
from portal.till.screens import counter, decimals, quoted, sale_of, typed, window_of
from portal.till.views.rewards import Chosen
from tenants.ids import uuid7

FEWEST = 3


def show(
    request: TillRequest,
    context: Mapping[str, object] | None = None,
    *,
    screen: str = "ready",
    window: str = "find",
    also: tuple[str, ...] = ("register",),
    receipt: Receipt | None = None,
    fragment: str = "panel",
    status: int = 200,
) -> HttpResponse:
    """The page of the till, marked as training."""
    values = {"training": True, **(context or {}), "links": training.links()}
    return counter(
        request,
        values,
        screen=screen,
        window=window,
        also=also,
        receipt=receipt,
        fragment=fragment,
        status=status,
    )


@require_safe
@unlocked
def ready(request: TillRequest) -> HttpResponse:
    return show(request)


@require_safe
@unlocked
def members(request: TillRequest) -> HttpResponse:
    """Whatever is typed finds the one who can be found here."""
    form = Sought(request.GET)
    sought = form.cleaned_data["q"] if form.is_valid() else ""
    if len(sought) < FEWEST:
        return show(request, {"sought": sought}, also=())
    found = training.customer(at=timezone.now())
    balance = found.account.balance if found.account else 0
    digits = (numbers.dialled(sought) or training.DIGITS)[-4:]
    hit = Hit(found.member, digits.rjust(4, "0"), balance, None)
    context = {
        "sought": sought,
        "hits": [hit],
        "is_enough": True,
        "open_alone": len(sought) > FEWEST,
    }
    return show(request, context, screen="hits", also=())


@require_safe
@unlocked
def member(request: TillRequest) -> HttpResponse:
    return _sale(request, request.GET)


@require_safe
@unlocked
def quote(request: TillRequest) -> HttpResponse:
    found = training.customer(at=timezone.now())
    form = Bill(request.GET, decimals=decimals(), required=False)
    context = typed(request.GET) | {"member": found.member}
    return show(
        request,
        context | quoted(request, found, form),
        screen="sale",
        fragment="quote",
        also=("act",),
    )


@require_POST
@unlocked
def award(request: TillRequest) -> HttpResponse:
    """A strip that says what it would have been."""
    form = Bill(request.POST, decimals=decimals())
    if not form.is_valid():
        return _sale(request, request.POST, said=first_error(form), status=422)
    found = training.customer(at=timezone.now())
    told = quoted(request, found, form)
    if said := told.get("said"):
        return _sale(request, request.POST, said=str(said), status=422)
    points = getattr(told["quote"], "points", 0)
    paper = training.receipt(
        points, at=timezone.now(), by=request.staff, total=form.cleaned_data.get("amount")
    )
    return show(request, receipt=paper, also=("register", "strip"))


@require_safe
@unlocked
def rewards(request: TillRequest) -> HttpResponse:
    found = training.customer(at=timezone.now())
    context = {
        "customer": found,
        "member": found.member,
        "phone": found.phone,
        "account": found.account,
        "amount": typed(request.GET)["amount"],
        "chosen": _chosen(request.GET),
        "key": uuid7(),
        "decimals": decimals(),
        "amount_form": "gift",
        "amount_target": "panel",
        "amount_url": f"{training.links()['rewards']}?{_names(request)}typing=1",
    }
    also = () if request.GET.get("typing") else ("register",)
    return show(request, context, screen="rewards", window="amount", also=also)


@require_POST
@unlocked
def gift(request: TillRequest) -> HttpResponse:
    """The green sheet, of which nothing comes."""
    chosen = _chosen(request.POST)
    if chosen is None:
        return _sale(request, request.POST, status=422)
    paper = training.receipt(-chosen.cost, at=timezone.now(), by=request.staff, what=chosen.name)
    return _sale(
        request,
        request.POST,
        more={"given": paper, "given_kind": chosen.kind, "off_now": 0},
        receipt=paper,
    )


@require_POST
@unlocked
def undo(request: TillRequest) -> HttpResponse:
    paper = training.receipt(0, at=timezone.now(), by=request.staff, undone=True)
    return show(request, receipt=paper, also=("register", "strip"))


def _sale(
    request: TillRequest,
    asked: Mapping[str, str],
    *,
    said: str = "",
    more: Mapping[str, object] | None = None,
    receipt: Receipt | None = None,
    status: int = 200,
) -> HttpResponse:
    found = training.customer(at=timezone.now())
    context = sale_of(request, found, asked, links=training.links()) | dict(more or {})
    if said:
        context |= {"said": said}
        context.pop("quote", None)
    also = ("register", "strip") if receipt else ("register",)
    return show(
        request,
        context,
        screen="sale",
        window=window_of(),
        receipt=receipt,
        also=also,
        status=status,
    )


def _names(request: TillRequest) -> str:
    """What was chosen, for a query."""
    pk = uuid_of(request.GET.get("reward", ""))
    return f"reward={pk}&" if pk else ""


def _chosen(asked: Mapping[str, str]) -> Chosen | None:
    pk = uuid_of(asked.get("reward", ""))
    if pk is None:
        return None
    reward: Reward = get_object_or_404(Reward, pk=pk)
    return Chosen(reward.name, reward.cost, 0, reward.kind, reward=reward)
