"""The nightly sweep: write down what time has done. Housekeeping only: every balance is right
without it, and every command does the same first for the accounts that it is about.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db.models import Q

from loyalty import automatic, ledger, operations
from loyalty.book import Book
from loyalty.models import Account, Program
from tenants.actors import Actor

BATCH = 200  # accounts locked at once: a till waits no longer than they take
NIGHTLY = Actor.command("sweep")


@dataclass(slots=True)
class Swept:
    """Accounts that time had changed, points of theirs that expired, and rewards that issued
    themselves.
    """

    accounts: int = 0
    expired: int = 0
    issued: int = 0


def sweep(at: dt.datetime, *, batch: int = BATCH, members: Collection[UUID] | None = None) -> Swept:
    """Settle every account of the live program, or those of these members, that is due at `at`:
    points that expired, points that can be spent from now on (which may fill a stamp card), tiers
    that ran out.

    Each `batch` is a transaction, so memory stays flat and a sweep that is ended in the middle
    goes on with the next one. A second call finds nothing to do; two at once share the work.
    """
    done = Swept()
    for found in _batches(at, batch, members):
        for each in operations.again_if_raced(partial(_settle_all, found, at)):
            done.accounts += each.accounts
            done.expired += each.expired
            done.issued += each.issued
    return done


def _settle_all(members: Collection[UUID], at: dt.datetime) -> list[Swept]:
    with ledger.opened(members) as book:
        book.read_shelves()
        return [_settle(account, book, at) for account in book.accounts.values()]


def _settle(account: Account, book: Book, at: dt.datetime) -> Swept:
    if account.next_change_at is None or account.next_change_at > at:
        return Swept()  # another sweep, or a sale, has just done it
    before = account.balance + account.pending
    book.settle(account, at)
    expired = before - account.balance - account.pending
    issued = (
        automatic.issue(account, book, at=at, operation=None, by=NIGHTLY)
        if account.member.is_open
        else []
    )
    return Swept(1, expired, len(issued))


def _batches(at: dt.datetime, batch: int, members: Collection[UUID] | None) -> Iterator[list[UUID]]:
    """Members whose accounts are due, the longest first. The next ones are looked for after the
    last were done, by the index of what is due, so it is never counted how many there are.
    """
    due = Account.objects.filter(
        next_change_at__lte=at, program__status=Program.Status.LIVE, program__is_active=True
    )
    if members is not None:
        due = due.filter(member__in=members)
    due = due.order_by("next_change_at", "id")
    rows = list(due.values_list("next_change_at", "id", "member")[:batch])
    while rows:
        yield [member for _, _, member in rows]
        when, last, _ = rows[-1]
        later = Q(next_change_at__gt=when) | Q(next_change_at=when, id__gt=last)
        rows = list(
            due.filter(later, next_change_at__gte=when).values_list(
                "next_change_at", "id", "member"
            )[:batch]
        )
