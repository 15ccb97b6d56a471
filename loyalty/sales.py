"""What a sale is, what became of it, and which sales are in the books already."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from loyalty import operations
from loyalty.models import Account, Operation, Program, Purchase
from loyalty.pricing import Step
from loyalty.refusals import DuplicateReceipt, IdempotencyConflict
from tenants.actors import Actor
from tenants.models import Location


@dataclass(frozen=True, slots=True)
class Sale:
    """What happened at the counter. `total` in minor units; `ref` is the receipt's number, or
    "".
    """

    member: UUID
    total: int
    at: dt.datetime
    key: str
    ref: str = ""

    @property
    def fingerprint(self) -> str:
        """Tells a repetition from another command under the same key. The time is no part: a retry
        has a later one.
        """
        return operations.fingerprint("purchase", self.member, self.total, self.ref)


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
    member.
    """

    purchase: Purchase
    account: Account
    replayed: bool = False

    @property
    def points(self) -> int:
        return self.purchase.earned


@dataclass(frozen=True, slots=True)
class Voided:
    """A sale taken back: `points` were clawed back."""

    purchase: Purchase
    account: Account
    points: int
    replayed: bool = False


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
        receipts = Purchase.objects.filter(location=location, ref__in=refs) if refs else []
        self.receipts = {receipt.ref: receipt for receipt in receipts}
        replayed = {o.result["purchase"] for o in self.operations.values() if o.verb == "purchase"}
        self.purchases = {str(p.pk): p for p in self.receipts.values()}
        if unread := replayed - self.purchases.keys():
            self.purchases |= {str(p.pk): p for p in Purchase.objects.filter(pk__in=unread)}
        ids = {p.account_id for p in self.purchases.values()}
        accounts = Account.objects.filter(pk__in=ids).select_related("program") if ids else []
        self.accounts = {account.pk: account for account in accounts}

    def find(self, sale: Sale) -> Recorded | None:
        receipt = self.receipts.get(sale.ref) if sale.ref else None
        if receipt and self.accounts[receipt.account_id].member_id != sale.member:
            raise DuplicateReceipt(ref=sale.ref)
        if operation := self.operations.get(sale.key):
            if operation.fingerprint != sale.fingerprint:
                raise IdempotencyConflict
            return self._replay(self.purchases[operation.result["purchase"]])
        return self._replay(receipt) if receipt else None

    def add(self, sale: Sale, done: Recorded) -> None:
        """The rest of the batch must know this one too."""
        purchase = done.purchase
        if sale.ref:
            self.receipts[sale.ref] = purchase
        self.purchases[str(purchase.pk)] = purchase
        self.accounts[purchase.account_id] = done.account
        self.operations[sale.key] = operation_of(sale, purchase, self.by)

    def _replay(self, purchase: Purchase) -> Recorded:
        return Recorded(purchase, self.accounts[purchase.account_id], replayed=True)


def operation_of(sale: Sale, purchase: Purchase, by: Actor) -> Operation:
    return operations.unsaved(
        "purchase",
        by,
        key=sale.key,
        print_=sale.fingerprint,
        at=sale.at,
        result={"purchase": str(purchase.pk), "points": purchase.earned},
    )
