"""What a sale is, what became of it, and which sales are in the books already."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from loyalty import operations
from loyalty.models import Account, Operation, Program, Purchase, Voucher
from loyalty.refusals import DuplicateReceipt
from loyalty.terms import Basket, Line, Step
from tenants.actors import Actor
from tenants.models import Location

AHEAD = dt.timedelta(minutes=5)  # so far a till's clock may be ahead of ours
CLOCK = "clock"  # the flag of a sale whose till was further ahead


@dataclass(frozen=True, slots=True)
class Sale:
    """What happened at the counter. Amounts in minor units; `ref` is the receipt's number, or "".

    `redemptions` are the vouchers that took `reward_discount` off it. `received` is when it reached
    us, where that was later: a sale counts when it happened, but not later than it was received.
    """

    member: UUID
    total: int
    at: dt.datetime
    key: str
    ref: str = ""
    tax: int = 0
    reward_discount: int = 0
    lines: tuple[Line, ...] = ()
    redemptions: tuple[UUID, ...] = ()
    location: Location | None = None
    received: dt.datetime | None = None

    @property
    def fingerprint(self) -> str:
        """Tells a repetition from another command under the same key. The time is no part: a retry
        has a later one.
        """
        told = [self.member, self.total, self.ref]
        more = [self.tax, self.reward_discount, self.lines, self.redemptions]
        return operations.fingerprint("purchase", *told, *(more if any(more) else ()))

    @property
    def basket(self) -> Basket:
        return Basket(self.total, self.tax, self.reward_discount, self.lines)

    @property
    def is_ahead(self) -> bool:
        """Was the till's clock wrong?"""
        return self.received is not None and self.at > self.received + AHEAD

    @property
    def occurred_at(self) -> dt.datetime:
        return self.received if self.received and self.is_ahead else self.at


@dataclass(frozen=True, slots=True)
class Quote:
    """What a sale would earn now. Nothing was written."""

    points: int
    breakdown: tuple[Step, ...]
    balance: int
    carry: int
    program: Program

    @property
    def balance_after(self) -> int:
        return self.balance + self.points


@dataclass(frozen=True, slots=True)
class Recorded:
    """A sale in the books. `replayed` is true where it already was: same key, or same receipt and
    member. `issued` are rewards that came by themselves.
    """

    purchase: Purchase
    account: Account
    replayed: bool = False
    issued: tuple[Voucher, ...] = ()

    @property
    def points(self) -> int:
        return self.purchase.earned

    @property
    def tier(self) -> str:
        """The name of the tier she is in now, or ""."""
        return self.account.tier.name if self.account.tier else ""


class Known:
    """Which of these sales are in the books already, by key and by receipt.

    One statement, one more where there are receipts, and two more where some are known.
    """

    def __init__(self, sales: Sequence[Sale], by: Actor, location: Location) -> None:
        self.by, self.location = by, location
        keys = [sale.key for sale in sales]
        refs = [sale.ref for sale in sales if sale.ref]
        found = Operation.objects.filter(source=by.source, key__in=keys)
        self.operations = {operation.key: operation for operation in found}
        places = {place.pk for place in (self.place(sale) for sale in sales)}
        receipts = Purchase.objects.filter(location__in=places, ref__in=refs) if refs else []
        self.receipts = {(receipt.location_id, receipt.ref): receipt for receipt in receipts}
        told = (operation.result for operation in self.operations.values())
        replayed = {result["purchase"] for result in told if "purchase" in result}
        self.purchases = {str(p.pk): p for p in self.receipts.values()}
        if unread := replayed - self.purchases.keys():
            self.purchases |= {str(p.pk): p for p in Purchase.objects.filter(pk__in=unread)}
        ids = {p.account_id for p in self.purchases.values()}
        accounts = Account.objects.filter(pk__in=ids).select_related("program", "tier")
        self.accounts = {account.pk: account for account in (accounts if ids else ())}

    def place(self, sale: Sale) -> Location:
        """Where a sale was made: at the place it names, or at the till's."""
        return sale.location or self.location

    def find(self, sale: Sale) -> Recorded | None:
        """The sale as it is in the books. Raises DuplicateReceipt, IdempotencyConflict, and what
        this very command was refused for.
        """
        receipt = self.receipts.get((self.place(sale).pk, sale.ref)) if sale.ref else None
        if receipt and self.accounts[receipt.account_id].member_id != sale.member:
            raise DuplicateReceipt(ref=sale.ref)
        operation = self.operations.get(sale.key)
        if operation and operations.heeded(operation, sale.fingerprint):
            return self._replay(self.purchases[operation.result["purchase"]])
        return self._replay(receipt) if receipt else None

    def add(self, sale: Sale, done: Recorded, operation: Operation) -> None:
        """The rest of the batch must know this one too."""
        purchase = done.purchase
        if sale.ref:
            self.receipts[self.place(sale).pk, sale.ref] = purchase
        self.purchases[str(purchase.pk)] = purchase
        self.accounts[purchase.account_id] = done.account
        self.operations[sale.key] = operation

    def _replay(self, purchase: Purchase) -> Recorded:
        return Recorded(purchase, self.accounts[purchase.account_id], replayed=True)


def under_key(key: str, *, by: Actor) -> Purchase | None:
    """The sale that this actor has recorded under this key. Two statements, one where there is
    none.
    """
    done = Operation.objects.filter(source=by.source, key=key, verb="purchase").first()
    if done is None or "purchase" not in done.result:
        return None
    found: Purchase | None = Purchase.objects.filter(pk=done.result["purchase"]).first()
    return found


def operation_of(sale: Sale, purchase: Purchase, by: Actor) -> Operation:
    return operations.unsaved(
        "purchase",
        by,
        key=sale.key,
        print_=sale.fingerprint,
        at=sale.at,
        result={"purchase": str(purchase.pk), "points": purchase.earned},
    )
