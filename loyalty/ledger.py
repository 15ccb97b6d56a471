"""Points move here and nowhere else.

A command opens the book on the accounts it is about, which locks them, writes credits and debits
into it, and closes it: one INSERT a table, however many sales it was. Every line is an entry that
is never changed; every credit makes a lot; every debit says by allocations which lots it took
from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import models, transaction

from loyalty import programs
from loyalty.models import Account, Allocation, Entry, Lot, Member, Program, Purchase, Refund
from tenants.failpoints import failpoint

KEPT_SUMS = ["balance", "pending", "debt", "carry", "lifetime", "last_activity", "next_change_at"]
AT_ONCE = 1_000  # rows an INSERT


class Book:
    """Accounts under lock, by member, and what is being written about them."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self.accounts = {account.member_id: account for account in accounts}
        self._touched: dict[UUID, Account] = {}
        self._rows: dict[type[models.Model], list[models.Model]] = {}

    def keep(self, *rows: models.Model) -> None:
        """Write these rows too, before the entries that point at them."""
        for row in rows:
            self._rows.setdefault(type(row), []).append(row)

    def touch(self, account: Account, at: dt.datetime) -> None:
        """Something happened on this account, even if it moved no points."""
        account.last_activity = max(account.last_activity or at, at)
        self._touched[account.pk] = account

    def credit(
        self,
        account: Account,
        amount: int,
        *,
        kind: str,
        at: dt.datetime,
        operation: UUID,
        purchase: Purchase | None = None,
    ) -> Entry:
        """Give `amount` points. They repay a debt first; the rest becomes a lot."""
        entry = Entry(
            account=account,
            kind=kind,
            amount=amount,
            occurred_at=at,
            operation=operation,
            purchase=purchase,
        )
        self.keep(entry)
        repaid = min(account.debt, amount)
        account.debt -= repaid
        account.lifetime += amount
        if amount > repaid:
            account.balance += amount - repaid
            self.keep(
                Lot(
                    account=account,
                    entry=entry,
                    purchase=purchase,
                    amount=amount - repaid,
                    remaining=amount - repaid,
                    earned_at=at,
                    available_at=at,
                )
            )
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
    ) -> Entry:
        """Take back what a sale gave: from its own lots, then the soonest to expire, then as a
        debt.
        """
        entry = Entry(
            account=account,
            kind=Entry.Kind.CLAWBACK,
            amount=-amount,
            occurred_at=at,
            operation=operation,
            purchase=purchase,
            refund=refund,
        )
        self.keep(entry)
        owed = amount
        changed: list[Lot] = []
        for lot in _open_lots(account, purchase):
            if not owed:
                break
            taken = min(lot.remaining, owed)
            lot.remaining -= taken
            owed -= taken
            changed.append(lot)
            self.keep(Allocation(entry=entry, lot=lot, amount=taken))
        Lot.objects.bulk_update(changed, ["remaining"])
        account.balance -= amount - owed
        account.debt += owed
        account.lifetime -= amount
        self.touch(account, at)
        return entry

    def close(self) -> None:
        """Write everything: what is pointed at before what points at it."""
        last: list[type[models.Model]] = [Entry, Lot, Allocation]
        for kind in [*(kind for kind in self._rows if kind not in last), *last]:
            if rows := self._rows.get(kind):
                kind._default_manager.bulk_create(rows, batch_size=AT_ONCE)
        if self._touched:
            # The rows are locked and known, so this is one UPDATE for any number of them.
            Account.objects.bulk_create(
                self._touched.values(),
                batch_size=AT_ONCE,
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=KEPT_SUMS,
            )


@contextmanager
def opened(members: Collection[UUID]) -> Iterator[Book]:
    """One transaction with the live program's accounts of these members locked, in the order of
    their ids.

    A member with no account in the live program gets one. The book is closed at the end of the
    body.
    """
    with transaction.atomic(savepoint=False):
        found = _locked(members)
        if missing := set(members) - {account.member_id for account in found}:
            known = Member.everyone.filter(pk__in=missing).values_list("pk", flat=True)
            open_accounts(known)
            found = _locked(members)
        failpoint("after_lock")
        book = Book(found)
        yield book
        failpoint("before_ledger")
        book.close()
        failpoint("after_ledger")


def _locked(members: Collection[UUID]) -> list[Account]:
    accounts = Account.objects.filter(
        member__in=members, program__status=Program.Status.LIVE, program__is_active=True
    )
    return list(
        accounts.select_related("program", "member").select_for_update(of=("self",)).order_by("pk")
    )


def open_accounts(members: Iterable[UUID]) -> None:
    """Give members an account in the live program; who has one keeps it. None is made while no
    program is live: whoever needs one finds none, and says why.
    """
    if program := programs.live():
        Account.objects.bulk_create(
            [Account(member_id=pk, program=program) for pk in members],
            batch_size=AT_ONCE,
            ignore_conflicts=True,
        )


def _open_lots(account: Account, purchase: Purchase) -> list[Lot]:
    """Lots that still hold points: this sale's first, then the soonest to expire, then the
    oldest.
    """
    lots = Lot.objects.filter(account=account, remaining__gt=0)
    last = dt.datetime.max.replace(tzinfo=dt.UTC)
    return sorted(
        lots,
        key=lambda lot: (lot.purchase_id != purchase.pk, lot.expires_at or last, lot.earned_at),
    )


def account_of(member: Member) -> Account | None:
    """The member's account in the live program, with the program. One statement."""
    return (
        Account.objects.filter(member=member.pk, program__status=Program.Status.LIVE)
        .select_related("program")
        .first()
    )
