"""The book that a command writes: credits and debits of accounts under lock.

Every line is an entry that is never changed; every credit makes a lot; every debit says by
allocations which lots it took from. What time alone has changed since the last command is written
first (`settle`). At its end the book is closed: one INSERT a table, however many sales it was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from django.db import models

from loyalty import lots, programs, tiers
from loyalty.lots import Shelf
from loyalty.models import Account, Allocation, Entry, Lot, Purchase, Refund, Voucher
from loyalty.programs import Promise
from loyalty.rows import Rows, save_sums
from tenants.ids import uuid7


class Book:
    """Accounts under lock, by member, and what is being written about them."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self.accounts = {account.member_id: account for account in accounts}
        self._touched: dict[UUID, Account] = {}
        self._rows = Rows()
        self._shelves: dict[UUID, Shelf] = {}
        self._promises: dict[UUID, Promise] = {}

    def promise(self, account: Account) -> Promise:
        """What the account's program promises, read once a book."""
        program = account.program
        if program.pk not in self._promises:
            self._promises[program.pk] = programs.promise_of(program, zone=account.tenant.zone)
        return self._promises[program.pk]

    def has_automatic(self, account: Account) -> bool:
        """Does the account's program issue rewards by itself? Read with its lock."""
        return bool(getattr(account, "has_automatic", False))

    def keep(self, *rows: models.Model) -> None:
        """Write these rows too."""
        self._rows.add(*rows)

    def touch(self, account: Account, at: dt.datetime) -> None:
        """Something happened on this account, even if it moved no points: its time of inactivity
        begins anew.
        """
        account.last_activity = max(account.last_activity or at, at)
        if dies := self.promise(account).dies_of_silence(account.last_activity):
            self.due(account, dies)
        self.mark(account)

    def mark(self, account: Account) -> None:
        """Write this account's sums."""
        self._touched[account.pk] = account

    # What time does

    def settle(self, account: Account, at: dt.datetime) -> None:
        """Write what time has done to this account until `at`: lots expired or became spendable,
        a tier ran out.
        """
        if account.next_change_at is None or account.next_change_at > at:
            return
        promise, shelf = self.promise(account), self.shelf(account)
        for lot, when in shelf.dead(at, account.last_activity, promise):
            entry = self._entry(account, Entry.Kind.EXPIRE, -lot.remaining, when, None)
            self._take(entry, lot, lot.remaining)
        if ladder := promise.ladder:
            self.flush()
            tiers.pass_time(account, ladder, at)
        self.recount(account, at)
        self.mark(account)

    def recount(self, account: Account, at: dt.datetime) -> None:
        """Sums and the next change of this account from its lots, as of `at`."""
        promise, shelf = self.promise(account), self.shelf(account)
        account.balance, account.pending = shelf.sums(at)
        changes = [shelf.next_change(at, account.last_activity, promise)]
        if ladder := promise.ladder:
            changes.append(tiers.due_at(account, ladder, at))
        account.next_change_at = min((c for c in changes if c), default=None)

    def shelf(self, account: Account) -> Shelf:
        """The account's lots that hold points, read once a book."""
        if account.pk not in self._shelves:
            self._shelves[account.pk] = Shelf(account, self._rows.lots_of(account))
        return self._shelves[account.pk]

    def read_shelves(self) -> None:
        """Read the lots of all accounts of the book, in one statement."""
        unread = {a.pk: a for a in self.accounts.values() if a.pk not in self._shelves}
        for pk, found in lots.of_each(unread).items():
            account = unread[pk]
            self._shelves[pk] = Shelf(account, self._rows.lots_of(account), found)

    # Credits and debits

    def credit(
        self,
        account: Account,
        amount: int,
        *,
        kind: str,
        at: dt.datetime,
        operation: UUID | None,
        purchase: Purchase | None = None,
        voucher: Voucher | None = None,
        reason: str = "",
        expires_at: dt.datetime | None = None,
        counts: bool = True,
    ) -> Entry:
        """Give `amount` points. They repay a debt first; the rest becomes a lot.

        The lot expires as the program says, or at `expires_at`. Only what a sale earns waits the
        program's days. `counts` is false for points that are not earned anew.
        """
        entry = self._entry(
            account, kind, amount, at, operation, purchase=purchase, voucher=voucher, reason=reason
        )
        promise = self.promise(account)
        waits = kind == Entry.Kind.EARN
        lot = Lot(
            entry=entry,
            purchase=purchase,
            earned_at=at,
            available_at=promise.available_at(at) if waits else at,
            expires_at=expires_at or promise.expires_at(at),
        )
        if counts:
            account.lifetime += amount
        self._put(account, lot, amount, at)
        self.touch(account, at)
        return entry

    def debit(
        self,
        account: Account,
        amount: int,
        *,
        kind: str,
        at: dt.datetime,
        operation: UUID | None,
        voucher: Voucher | None = None,
        reason: str = "",
        source: Iterable[Lot] | None = None,
    ) -> Entry:
        """Take `amount` points: the soonest to expire first; what is not there becomes a debt, so
        whoever may not owe is asked before. Pending points are taken last, and only before a debt.
        `source` are other lots to take from, in their order.
        """
        entry = self._entry(account, kind, -amount, at, operation, voucher=voucher, reason=reason)
        order = self.shelf(account).spending(at) if source is None else source
        account.debt += self._take_from(entry, order, amount)
        self.recount(account, at)
        self.touch(account, at)
        return entry

    def claw_back(
        self,
        account: Account,
        amount: int,
        *,
        at: dt.datetime,
        operation: UUID,
        purchase: Purchase,
        refund: Refund,
        forgives: bool = False,
    ) -> int:
        """Take back what a sale gave: from its own lots, other spendable ones, pending ones, then
        as a debt, or not at all where the shop `forgives`. Returns how many were taken.
        """
        shelf = self.shelf(account)
        there = min(amount, shelf.total()) if forgives else amount
        account.lifetime -= amount
        if there:
            entry = self._entry(
                account,
                Entry.Kind.CLAWBACK,
                -there,
                at,
                operation,
                purchase=purchase,
                refund=refund,
            )
            order = shelf.clawing(purchase.pk, at)
            account.debt += self._take_from(entry, order, there)
            self.recount(account, at)
        self.touch(account, at)
        return there

    def give_back(
        self,
        account: Account,
        taken: Entry,
        amount: int,
        *,
        kind: str,
        at: dt.datetime,
        operation: UUID | None,
        voucher: Voucher | None = None,
        refund: Refund | None = None,
        not_before: dt.datetime | None = None,
        source: Iterable[Allocation] | None = None,
        skip: int = 0,
    ) -> Entry:
        """Give back `amount` of what the entry `taken` took, as new lots with the dates of those
        it came from (but none dead before `not_before`). `skip` points were given back before.

        What had expired meanwhile is given back and expires at once.
        """
        entry = self._entry(
            account, kind, amount, at, operation, voucher=voucher, refund=refund, reverses=taken
        )
        found = source if source is not None else _allocations(taken)
        for lot, part in lots.parts(found, amount, skip):
            expires = lot.expires_at
            if expires and not_before and expires < not_before:
                expires = not_before
            self._put(account, lots.copy(lot, entry, expires), part, at)
        self.touch(account, at)
        if account.next_change_at and account.next_change_at <= at:
            self.settle(account, at)
        return entry

    # Closing

    def flush(self) -> None:
        """Write the rows now: what comes next asks the database about them."""
        self._rows.write()
        lots.save(self._shelves.values())

    def close(self) -> None:
        """Write everything that is not written yet."""
        self.flush()
        if self._touched:
            save_sums(self._touched.values())
            self._touched.clear()

    # Inside

    def _entry(
        self,
        account: Account,
        kind: str,
        amount: int,
        at: dt.datetime,
        operation: UUID | None,
        **about: object,
    ) -> Entry:
        entry = Entry(
            id=uuid7(),
            account=account,
            kind=kind,
            amount=amount,
            occurred_at=at,
            operation=operation,
            **about,
        )
        self.keep(entry)
        return entry

    def _put(self, account: Account, lot: Lot, amount: int, at: dt.datetime) -> None:
        """A debt is repaid first; what is left is laid on the shelf."""
        repaid = min(account.debt, amount)
        account.debt -= repaid
        if amount == repaid:
            return
        lot.account, lot.amount, lot.remaining = account, amount - repaid, amount - repaid
        self.keep(lot)
        if account.pk in self._shelves:
            self._shelves[account.pk].add(lot)
        if lot.available_at > at:
            account.pending += lot.amount
            self.due(account, lot.available_at)
        else:
            account.balance += lot.amount
        if lot.expires_at:
            self.due(account, lot.expires_at)

    def _take_from(self, entry: Entry, order: Iterable[Lot], amount: int) -> int:
        """Take from these lots in their order; returns what they did not have."""
        for lot in order:
            if not amount:
                break
            part = min(lot.remaining, amount)
            amount -= part
            self._take(entry, lot, part)
        return amount

    def _take(self, entry: Entry, lot: Lot, amount: int) -> None:
        self.keep(Allocation(entry=entry, lot=lot, amount=amount))
        lot.remaining -= amount
        if not lot._state.adding:
            self.shelf(entry.account).change(lot)

    def due(self, account: Account, when: dt.datetime) -> None:
        """Time will change this account then, if not before."""
        account.next_change_at = min(account.next_change_at or when, when)


def _allocations(entry: Entry) -> list[Allocation]:
    rows = Allocation.objects.filter(entry=entry.pk).select_related("lot")
    return sorted(rows, key=lambda row: lots.spending_order(row.lot))
