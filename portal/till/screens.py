"""The page of the till: a window on the start side, a screen on the end side, and the strip of what
happened last above it. A view says which of them, and what is on them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone

from loyalty import desk, history, purchases, redemptions
from loyalty.desk import Customer
from loyalty.habits import habits
from loyalty.models import Member
from loyalty.refusals import Refusal
from portal.arithmetic import sum_of
from portal.forms import first_error
from portal.guards import TillRequest, idle_after
from portal.pages import page, wants_piece
from portal.till import night
from portal.till.forms import LONGEST, Bill
from portal.till.receipts import Receipt, latest
from tenants import hosts, shops
from tenants.ids import uuid7

FIND, AMOUNT, STAMPS, PIN, PROOF, BACK = "find", "amount", "stamps", "pin", "proof", "back"
SOON = dt.timedelta(minutes=10)  # after a visit: is it the same one?
AT_HAND = 2  # rewards that are offered beside a sale
MOST_PLACES = 12  # of a stamp card that are drawn


def counter(
    request: TillRequest,
    context: Mapping[str, object] | None = None,
    *,
    screen: str = "ready",
    window: str = FIND,
    also: tuple[str, ...] = ("register",),
    receipt: Receipt | None = None,
    fragment: str = "panel",
    status: int = 200,
) -> HttpResponse:
    """The page of the till. The strip of the last sale stays as it is, unless there is a new
    one.
    """
    whole = not wants_piece(request)
    values: dict[str, object] = {
        "staff": request.staff,
        "device": request.device,
        "slug": request.tenant.slug,
        "screen": f"till/screens/{screen}.html",
        "window": f"till/windows/{window}.html",
        "links": base_links(),
        "sought": "",
        "kept": "",
        "unit": habits(),
        "join_url": hosts.url_of(request.tenant, "/j"),
        "receipt": receipt,
        **(context or {}),
    }
    if whole:
        values |= night.context(request)
        values["idle"] = idle_after()
        if receipt is None and not values.get("training"):
            values["receipt"] = latest(request.device, by=request.by, at=timezone.now())
    return page(request, "till/counter.html", values, fragment=fragment, also=also, status=status)


def base_links() -> dict[str, str]:
    return {"home": reverse("till:till"), "find": reverse("till:members")}


def customer_or_404(pk: UUID) -> Customer:
    found = desk.customer(pk, at=timezone.now())
    if found is None:
        raise Http404
    return found


def links_of(member: Member) -> dict[str, str]:
    """Where the sale of this member is quoted, recorded, and what else can be done with her."""
    return base_links() | {
        "open": reverse("till:member", args=[member.pk]),
        "quote": reverse("till:quote", args=[member.pk]),
        "award": reverse("till:member_purchases", args=[member.pk]),
        "rewards": reverse("till:rewards", args=[member.pk]),
        "gift": reverse("till:gift", args=[member.pk]),
    }


def sale_of(
    request: TillRequest,
    customer: Customer,
    asked: Mapping[str, str] | None = None,
    *,
    links: dict[str, str] | None = None,
) -> dict[str, object]:
    """What the till needs to take a sale of this member; the key makes two taps one sale. `asked`
    is what was typed so far.
    """
    asked = asked or {}
    member, usual = customer.member, habits()
    context: dict[str, object] = {
        "customer": customer,
        "member": member,
        "phone": customer.phone,
        "account": customer.account,
        "links": links or links_of(member),
        "at_hand": customer.ready[: max(0, AT_HAND - len(customer.held))],
        "held_at_hand": customer.held[:AT_HAND],
        "quick": [as_typed(amount).removesuffix(zeros()) for amount in usual.amounts],
        "key": uuid7(),
        "usual": usual,
        "decimals": decimals(),
        **typed(asked),
    }
    if usual.stamps and not context["stamps"]:
        context["stamps"] = "1"
    if context["amount"] or usual.stamps:
        context |= quoted(request, customer, Bill(data_of(context), decimals=decimals()))
    return context


def window_of() -> str:
    """What is typed for a sale here: so many stamps, or an amount."""
    return STAMPS if habits().stamps and habits().counts_items else AMOUNT


def typed(asked: Mapping[str, str]) -> dict[str, object]:
    """The figures of a sale as they were typed, to be shown again."""
    longest = {"amount": LONGEST, "stamps": LONGEST, "voucher": 40}
    return {name: asked.get(name, "")[:most] for name, most in longest.items()}


def data_of(context: Mapping[str, object]) -> dict[str, object]:
    return {name: context[name] for name in ("amount", "stamps", "voucher")}


def quoted(request: TillRequest, customer: Customer, form: Bill) -> dict[str, object]:
    """What this bill would earn, for the slip under the card; a sentence where it cannot be."""
    if not form.is_valid():
        return {"said": first_error(form)}
    if not form.total:
        return {}
    off = discount_on(form, customer.member)
    try:
        told = purchases.quote(
            customer.member,
            form.total,
            at=timezone.now(),
            lines=form.lines,
            reward_discount=off,
            location=request.device.location,
            account=customer.account,
        )
    except Refusal as refusal:
        return {"said": str(refusal)}
    goal = habits().next_goal(told.balance)
    context: dict[str, object] = {
        "quote": told,
        "sum": sum_of(
            told.breakdown, told.points, program=told.program, rounding=told.program.rounding
        ),
        "goal": goal,
        "off": off,
        "to_pay": form.total - off,
    }
    if goal:
        context |= {
            "had": _part(told.balance, goal.cost),
            "adds": _part(told.balance_after, goal.cost),
        }
    if habits().stamps:
        context |= {"places": places(told.balance, told.points), "soon": _soon(customer.member)}
    return context


def discount_on(form: Bill, member: Member) -> int:
    """What a reward that was given just now takes off this bill."""
    voucher = form.cleaned_data.get("voucher")
    return redemptions.taken_off(voucher, member) if voucher else 0


def places(balance: int, gives: int) -> list[str]:
    """The places of a stamp card up to the next reward: "on", "new" for those that this visit
    stamps, "prize" for the last, "" for empty ones. Nothing where the card is too long to draw.
    """
    goals = habits().goals
    size = next((goal.cost for goal in goals if goal.cost > balance), 0)
    size = size or (goals[-1].cost if goals else 0)
    if not 0 < size <= MOST_PLACES:
        return []
    states = ["on" if n < balance else "new" if n < balance + gives else "" for n in range(size)]
    if states[-1] == "":
        states[-1] = "prize"
    return states


def as_typed(total: int) -> str:
    """An amount in minor units as one would type it: 24.50."""
    places = decimals()
    whole, part = divmod(total, 10**places)
    return f"{whole}.{part:0{places}d}" if places else str(whole)


def zeros() -> str:
    """What nobody types at the end of a round amount."""
    return f".{'0' * decimals()}" if decimals() else ""


def decimals() -> int:
    return shops.front().decimals


def _soon(member: Member) -> dt.datetime | None:
    """When she was stamped just now, if that still stands: perhaps this is the same visit."""
    last = next(iter(history.visits_of(member, limit=1)), None)
    return last if last and timezone.now() - last < SOON else None


def _part(points: int, cost: int) -> str:
    """How wide the bar is, of 250 pixels."""
    return f"{min(1.0, max(0, points) / cost) * 250:.1f}"
