"""What just happened at this till: a strip of paper with Undo on it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from uuid import UUID

from django.urls import reverse

from loyalty import insights, refunds, shifts
from loyalty.models import Purchase, Voucher, VoucherUse
from portal.arithmetic import is_undone
from portal.gifts import gift
from tenants.actors import Actor
from tenants.ids import uuid7
from tenants.models import Device

LAST = 10


@dataclass(frozen=True, slots=True)
class Receipt:
    """A sale, or a reward that was given away. `given` is what that moved, `points` what moved
    last; `total` is None where no money is known. `what` is the reward.

    `balance` is what the customer has now, where it is known for sure.
    """

    id: UUID
    name: str
    given: int
    points: int
    at: dt.datetime
    staff: str
    undo: str
    total: int | None = None
    what: str = ""
    more: str = ""
    wrong: str = ""
    balance: int | None = None
    undone: bool = False
    may_undo: bool = False
    fresh: bool = False
    refusal: str = ""
    # Of the Undo that this receipt offers: two taps on it undo once.
    key: UUID = field(default_factory=uuid7)


def receipt_of(
    purchase: Purchase,
    *,
    by: Actor,
    at: dt.datetime,
    name: str | None = None,
    balance: int | None = None,
    fresh: bool = False,
    refusal: str = "",
) -> Receipt:
    """`name` is the customer's, where the caller has it already."""
    undone = is_undone(purchase)
    may_undo = not undone and refunds.may_void(purchase, by=by, at=at)
    undo = reverse("till:reversal", args=[purchase.pk])
    return Receipt(
        id=purchase.pk,
        name=purchase.account.member.name if name is None else name,
        given=purchase.earned,
        points=-purchase.earned if undone else purchase.earned,
        total=purchase.total if _has_amount(purchase) else None,
        at=purchase.occurred_at,
        staff=_maker(purchase, by),
        undo=undo,
        more="" if undone else reverse("till:purchase", args=[purchase.pk]),
        wrong=undo if may_undo else "",
        balance=balance,
        undone=undone,
        may_undo=may_undo,
        fresh=fresh,
        refusal=refusal,
    )


def gift_of(
    use: VoucherUse,
    *,
    by: Actor,
    at: dt.datetime,
    balance: int | None = None,
    fresh: bool = False,
    refusal: str = "",
) -> Receipt:
    """That of a voucher which was used here."""
    voucher = use.voucher
    undone = voucher.status == Voucher.Status.VOIDED
    return Receipt(
        id=voucher.pk,
        name=use.member.name if use.member else "",
        given=-voucher.cost,
        points=voucher.cost if undone else -voucher.cost,
        at=use.at,
        staff=_maker(use, by),
        undo=reverse("till:gift_reversal", args=[voucher.pk]),
        what=gift(voucher, use.amount),
        balance=balance,
        undone=undone,
        # What no points paid for cannot be given back: a code is used, or it is not.
        may_undo=bool(voucher.cost) and not undone and refunds.may_reverse(use, by=by, at=at),
        fresh=fresh,
        refusal=refusal,
    )


def _has_amount(purchase: Purchase) -> bool:
    """Stamps without an amount are booked with the smallest coin each: that is nobody's price."""
    lines = purchase.lines or []
    return not (len(lines) == 1 and purchase.total == lines[0][2] == lines[0][3])


def _maker(act: Purchase | VoucherUse, by: Actor) -> str:
    if by.staff and act.staff_id == by.staff.pk:
        return by.staff.name
    return act.staff.name if act.staff else ""


def last_ten(device: Device, *, by: Actor, at: dt.datetime) -> list[Receipt]:
    """What was sold and given away at this till, newest first. Two statements."""
    sales = [receipt_of(sale, by=by, at=at) for sale in insights.last_sales(device.pk, LAST)]
    gifts = [gift_of(use, by=by, at=at) for use in shifts.last_gifts(device.pk, LAST)]
    both = sorted(sales + gifts, key=lambda receipt: receipt.at, reverse=True)
    return both[:LAST]


def latest(device: Device, *, by: Actor, at: dt.datetime) -> Receipt | None:
    """The last of them, as long as its maker may still undo it."""
    sales = [receipt_of(sale, by=by, at=at) for sale in insights.last_sales(device.pk, limit=1)]
    gifts = [gift_of(use, by=by, at=at) for use in shifts.last_gifts(device.pk, limit=1)]
    found = max(sales + gifts, key=lambda receipt: receipt.at, default=None)
    return found if found and at - found.at < refunds.UNDO_FOR else None
