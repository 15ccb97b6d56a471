"""Points move here and nowhere else: a command opens the book on the accounts it is about, which
locks them, and closes it at its end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from loyalty import programs
from loyalty.book import Book
from loyalty.models import Account, Member, Program, Reward
from loyalty.rows import AT_ONCE
from tenants.failpoints import failpoint


@contextmanager
def opened(members: Collection[UUID], *, at: dt.datetime | None = None) -> Iterator[Book]:
    """One transaction with the live program's accounts of these members locked, in the order of
    their ids, and settled until `at` where one is given.

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
        if at is not None:
            for account in found:
                book.settle(account, at)
        yield book
        failpoint("before_ledger")
        book.close()
        failpoint("after_ledger")


@contextmanager
def opened_everywhere(
    members: Collection[UUID], *, at: dt.datetime
) -> Iterator[tuple[dict[UUID, Member], list[Book]]]:
    """The same with the accounts of every program, paused and ended ones too: the members, locked
    like them, and a book for each program that one of them was ever in, the live one first. None
    gets an account.
    """
    with transaction.atomic(savepoint=False):
        by_program: dict[UUID, list[Account]] = {}
        accounts = _told(Account.objects.filter(member__in=members))
        for account in accounts.select_for_update(of=("self",), no_key=True).order_by("pk"):
            by_program.setdefault(account.program_id, []).append(account)
        # All accounts before all members: with opened(), which takes both together in the order of
        # the accounts, that makes one order.
        people = Member.everyone.select_for_update(no_key=True).order_by("pk").in_bulk(members)
        failpoint("after_lock")
        found = sorted(by_program.values(), key=lambda accounts: not accounts[0].program.is_live)
        books = [Book(accounts) for accounts in found]
        for book in books:
            for account in book.accounts.values():
                account.member = people[account.member_id]
                book.settle(account, at)
        yield people, books
        failpoint("before_ledger")
        for book in books:
            book.close()
        failpoint("after_ledger")


def _locked(members: Collection[UUID]) -> list[Account]:
    accounts = Account.objects.filter(
        member__in=members, program__status=Program.Status.LIVE, program__is_active=True
    )
    # With her row, so that a sale that waited for a merge or an erasure reads what became of her:
    # PostgreSQL reads again only what is locked.
    locked = _told(accounts).select_for_update(of=("self", "member"), no_key=True)
    return list(locked.order_by("pk"))


def _told(accounts: QuerySet[Account]) -> QuerySet[Account]:
    """With everything that commands ask of an account."""
    automatic = Reward.objects.filter(
        program=OuterRef("program"), is_auto=True, status=Reward.Status.LIVE
    )
    told = accounts.select_related("program", "member", "tenant", "tier", "floor_tier")
    return told.annotate(has_automatic=Exists(automatic))


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


def account_of(member: Member) -> Account | None:
    """The member's account in the live program, with program and tier. One statement."""
    return (
        Account.objects.filter(member=member.pk, program__status=Program.Status.LIVE)
        .select_related("program", "tenant", "tier", "floor_tier")
        .first()
    )
