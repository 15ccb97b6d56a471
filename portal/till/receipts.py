"""What just happened at this till: a strip of paper with Undo on it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from uuid import UUID

from loyalty import insights, refunds
from loyalty.models import Purchase
from portal.arithmetic import is_undone
from tenants.actors import Actor
from tenants.ids import uuid7
from tenants.models import Device


@dataclass(frozen=True, slots=True)
class Receipt:
    """A sale as the till shows it: `earned` is what it gave, `points` what moved last.

    `balance` is what the customer has now, where it is known for sure.
    """

    purchase: UUID
    name: str
    earned: int
    points: int
    total: int
    at: dt.datetime
    staff: str
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
    return Receipt(
        purchase=purchase.pk,
        name=purchase.account.member.name if name is None else name,
        earned=purchase.earned,
        points=-purchase.earned if undone else purchase.earned,
        total=purchase.total,
        at=purchase.occurred_at,
        staff=_maker(purchase, by),
        balance=balance,
        undone=undone,
        may_undo=not undone and refunds.may_void(purchase, by=by, at=at),
        fresh=fresh,
        refusal=refusal,
    )


def _maker(purchase: Purchase, by: Actor) -> str:
    if by.staff and purchase.staff_id == by.staff.pk:
        return by.staff.name
    return purchase.staff.name if purchase.staff else ""


def last_ten(device: Device, *, by: Actor, at: dt.datetime) -> list[Receipt]:
    """The sales of this till, newest first."""
    return [receipt_of(sale, by=by, at=at) for sale in insights.last_sales(device.pk)]


def latest(device: Device, *, by: Actor, at: dt.datetime) -> Receipt | None:
    """The last sale of this till, as long as its maker may still undo it."""
    for sale in insights.last_sales(device.pk, limit=1):
        if at - sale.occurred_at < refunds.UNDO_FOR:
            return receipt_of(sale, by=by, at=at)
    return None
