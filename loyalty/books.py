"""Walk a shop's books and say what is wrong in them.

The verbs promise that certain things are always so (the invariants I1-I9, docs/decisions.md, "The
ledger"), and PostgreSQL holds them to most of it. This looks whether it is so, with statements of
its own (loyalty.checks): whatever wrote a row, a fault of ours or a hand in the database, is found.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min, Q

from loyalty import flows, programs
from loyalty.checks import people, points, sales, vouchers
from loyalty.checks.check import Check
from loyalty.models import Account, BooksCheck, Entry, Program
from loyalty.programs import Promise
from tenants.context import tenant_id

CHECKS = (*points.CHECKS, *sales.CHECKS, *vouchers.CHECKS, *people.CHECKS)
EVER = "-infinity"
KEPT_FAULTS = 100
KEPT_FOR = dt.timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that cannot be: `amount` points, minor units or pieces wrong on the card with this
    code (never a name; "" where it is on none). `sentence` tells it, for whoever looks after the
    portal.
    """

    kind: str
    member: str
    account: UUID | None
    amount: int
    sentence: str

    def __str__(self) -> str:
        card = f"card {self.member}: " if self.member else ""
        return f"{card}{self.sentence} ({self.kind}, {self.amount:+})"


def walk(at: dt.datetime | None = None) -> Iterator[Fault]:
    """Every fault in the books of the shop we are inside; none where all is well.

    Each check is one statement and so of one moment: sales may go on meanwhile. `at` is the time in
    the shop: accounts that something was due on by then may wait for the sweep. Without it, each
    account is taken at its word.
    """
    for check in CHECKS:
        yield from _faults(check, at)
    for program in Program.everyone.all():
        yield from _overdue(program, at)


def check(at: dt.datetime) -> BooksCheck:
    """Walk the books and keep what was found, for the owner and for whoever looks after the portal.

    A second call with the same `at` keeps the later result. Older results than KEPT_FOR go.
    """
    faults = list(walk(at))
    kept, _ = BooksCheck.objects.update_or_create(
        at=at,
        defaults={
            "entries": Entry.objects.count(),
            "wrong": len(faults),
            "faults": [_as_data(fault) for fault in faults[:KEPT_FAULTS]],
        },
    )
    BooksCheck.objects.filter(at__lt=at - KEPT_FOR).delete()
    return kept


def last_check() -> BooksCheck | None:
    """The latest result, if there is one. One statement."""
    return BooksCheck.objects.order_by("-at").first()


def _faults(check: Check, at: dt.datetime | None) -> Iterator[Fault]:
    with connection.cursor() as cursor:
        cursor.execute(check.query, {"tenant": tenant_id(), "at": at or EVER})
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        told = check.sentence.format(**row)
        yield Fault(check.kind, row["member"], row["account"], int(row["amount"]), told)


def _overdue(program: Program, at: dt.datetime | None) -> list[Fault]:
    """Accounts that do not know when silence ends their points, or when a tier runs out: what the
    program says of that is no SQL. One statement that streams, none where the program says nothing.
    """
    promise = programs.promise_of(program, zone=str(flows.zone_of()))
    is_tiered = promise.ladder is not None
    dies = promise.policy.expiry.mode == "inactivity"
    if not (is_tiered or dies):
        return []
    rows: Any = Account.objects.filter(program=program.pk)
    rows = rows.annotate(
        first=Min("lots__available_at", filter=Q(lots__remaining__gt=0)),
        earned=Min("lots__earned_at", filter=Q(lots__remaining__gt=0)),
    ).select_related("member")
    with transaction.atomic():
        accounts = rows.filter(Q(first__isnull=False) | Q(tier_until__isnull=False))
        faults = (_late(account, promise, at) for account in accounts.iterator(flows.AT_ONCE))
        return list(chain.from_iterable(faults))


def _late(account: Any, promise: Promise, at: dt.datetime | None) -> Iterator[Fault]:
    due: list[tuple[str, dt.datetime | None]] = []
    if account.first is not None:
        active = max(account.last_activity or account.earned, account.first)
        due.append(("All points end", promise.dies_of_silence(active)))
    if promise.ladder and account.tier_until:
        # In its days of grace an account waits for their end.
        due.append(("The tier ends", promise.ladder.grace_ends(account.tier_until)))
    known = account.next_change_at
    for what, when in due:
        is_late = when is not None and (known is None or known > when)
        if is_late and when is not None and (at is None or when <= at):
            sentence = f"{what} at {when}, but the account expects its next change at {known}."
            points = account.balance + account.pending
            yield Fault("due", account.member.code, account.pk, points, sentence)


def _as_data(fault: Fault) -> dict[str, object]:
    told = asdict(fault)
    del told["account"]
    return told
