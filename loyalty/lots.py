"""Lots: the credits of an account that still hold points, in the orders they are taken in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from typing import Protocol
from uuid import UUID

from django.db.models import QuerySet

from loyalty.models import Account, Allocation, Entry, Lot

NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)


class Silence(Protocol):
    """A program, as seen from here: when points die because nobody came."""

    def dies_of_silence(self, last_activity: dt.datetime) -> dt.datetime | None: ...


def spending_order(lot: Lot) -> tuple[dt.datetime, dt.datetime, UUID]:
    """The soonest to expire first, those that never do last, the oldest of equals first."""
    return (lot.expires_at or NEVER, lot.earned_at, lot.pk)


class Shelf:
    """The lots of one account that hold points; read when it is made, unless they were `read`
    before; changed in memory.
    """

    def __init__(
        self, account: Account, fresh: Iterable[Lot] = (), read: Iterable[Lot] | None = None
    ) -> None:
        kept = _open([account.pk]) if read is None else read
        self._lots = [*kept, *fresh]
        self._changed: dict[UUID, Lot] = {}

    def __iter__(self) -> Iterator[Lot]:
        return iter(sorted((lot for lot in self._lots if lot.remaining), key=spending_order))

    def add(self, lot: Lot) -> None:
        self._lots.append(lot)

    def change(self, lot: Lot) -> None:
        """A lot that is in the database holds less than there."""
        self._changed[lot.pk] = lot

    def written(self) -> list[Lot]:
        """The lots to write; asked again, none."""
        changed, self._changed = list(self._changed.values()), {}
        return changed

    def total(self) -> int:
        return sum(lot.remaining for lot in self._lots)

    def sums(self, at: dt.datetime) -> tuple[int, int]:
        """(spendable, pending) points at `at`."""
        balance = sum(lot.remaining for lot in self._lots if lot.available_at <= at)
        return balance, self.total() - balance

    def spending(self, at: dt.datetime) -> list[Lot]:
        """Spendable lots in the order of spending, then pending ones."""
        return sorted(self, key=lambda lot: (lot.available_at > at, spending_order(lot)))

    def clawing(self, purchase: UUID, at: dt.datetime) -> list[Lot]:
        """The sale's own lots, then other spendable ones, then pending ones."""
        return sorted(
            self,
            key=lambda lot: (
                lot.purchase_id != purchase,
                lot.available_at > at,
                spending_order(lot),
            ),
        )

    def dead(
        self, at: dt.datetime, last_activity: dt.datetime | None, promise: Silence
    ) -> list[tuple[Lot, dt.datetime]]:
        """The lots that time has ended by `at`, each with when, in that order."""
        ends = ((lot, death(lot, last_activity, promise)) for lot in self)
        gone = [(lot, when) for lot, when in ends if when is not None and when <= at]
        return sorted(gone, key=lambda each: (each[1], spending_order(each[0])))

    def next_change(
        self, at: dt.datetime, last_activity: dt.datetime | None, promise: Silence
    ) -> dt.datetime | None:
        """The first moment after `at` at which a lot becomes spendable or ends."""
        times = [lot.available_at for lot in self if lot.available_at > at]
        ends = (death(lot, last_activity, promise) for lot in self)
        return min([*times, *(when for when in ends if when)], default=None)


def of_each(accounts: Collection[UUID]) -> dict[UUID, list[Lot]]:
    """The lots of many accounts that hold points, by account. One statement."""
    found: dict[UUID, list[Lot]] = {account: [] for account in accounts}
    for lot in _open(accounts):
        found[lot.account_id].append(lot)
    return found


def save(shelves: Iterable[Shelf]) -> None:
    """Write what is left in the lots that were taken from. One statement for any number of
    accounts, none where nothing was taken.
    """
    changed = [lot for shelf in shelves for lot in shelf.written()]
    Lot.objects.bulk_update(changed, ["remaining"], batch_size=500)


def _open(accounts: Collection[UUID]) -> QuerySet[Lot]:
    return Lot.objects.filter(account__in=accounts, remaining__gt=0)


def death(lot: Lot, last_activity: dt.datetime | None, promise: Silence) -> dt.datetime | None:
    """When this lot ends: on its own day, or when nobody has come for as long as the program
    says. A lot that was pending meanwhile begins that time when it becomes spendable.
    """
    silent = promise.dies_of_silence(max(last_activity or lot.earned_at, lot.available_at))
    return min((end for end in (lot.expires_at, silent) if end), default=None)


def copy(lot: Lot, entry: Entry, expires_at: dt.datetime | None) -> Lot:
    """A new lot with the dates and the sale of another."""
    return Lot(
        entry=entry,
        purchase_id=lot.purchase_id,
        earned_at=lot.earned_at,
        available_at=lot.available_at,
        expires_at=expires_at,
    )


def parts(
    allocations: Iterable[Allocation], amount: int, skip: int = 0
) -> Iterator[tuple[Lot, int]]:
    """From which lots `amount` points came, after the first `skip`; what an entry took as a debt
    came from none.
    """
    for row in allocations:
        passed = min(skip, row.amount)
        skip -= passed
        part = min(row.amount - passed, amount)
        if part:
            amount -= part
            yield row.lot, part
