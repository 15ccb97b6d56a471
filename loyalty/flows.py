"""Points that came and went: under which figure an entry counts, and what time has already ended
though nobody has written it down yet.

Whoever reports from the ledger asks here, so that all reports say the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, models, transaction
from django.db.models import F, OuterRef, Q, Sum
from psycopg import IsolationLevel

from loyalty import programs
from loyalty.lots import death
from loyalty.models import Entry, Lot, Program, Refund
from tenants.context import tenant_id
from tenants.models import Tenant

Kind = Entry.Kind
# What came; the rest of the kinds went. Whatever moved between two cards of one member is neither.
ISSUED = (Kind.EARN, Kind.BONUS, Kind.OPENING, Kind.ADJUST)
GONE = {
    "redeemed": (Kind.REDEEM, Kind.RESTORE),  # less what was given back
    "expired": (Kind.EXPIRE,),
    "clawed": (Kind.CLAWBACK,),
    "forfeited": (Kind.FORFEIT,),
}
AT_ONCE = 2_000  # rows of a stream


def sums() -> dict[str, Any]:
    """Aggregates of entries: issued, redeemed, expired, clawed, forfeited, each from zero up, and
    `outstanding`, what all of them leave: issued less the others.
    """
    found: dict[str, Any] = {"issued": Sum("amount", filter=Q(kind__in=ISSUED), default=0)}
    for name, kinds in GONE.items():
        found[name] = -Sum("amount", filter=Q(kind__in=kinds), default=0)
    found["outstanding"] = Sum("amount", default=0)
    return found


def standing_at(at: dt.datetime) -> Q:
    """The sales that had not been taken back whole by then."""
    later = Refund.objects.filter(purchase=OuterRef("pk"), amount__gt=0, occurred_at__gt=at)
    return Q(total=0) | ~Q(refunded=F("total")) | Q(models.Exists(later))


class Lapse(NamedTuple):
    """`amount` points of an account, given at `earned_at`, that ended `at` with no entry that says
    so.
    """

    account: UUID
    program: UUID
    earned_at: dt.datetime
    at: dt.datetime
    amount: int


def lapses(until: dt.datetime) -> Iterator[Lapse]:
    """What time has ended by then and neither a command nor the sweep has written yet. A stream;
    one statement, one more for each program where any is due.
    """
    zone = zone_of()
    for program in Program.everyone.all():
        promise = programs.promise_of(program, zone=str(zone))
        due = Lot.objects.filter(
            account__program=program.pk,
            account__next_change_at__lte=until,  # nothing ends before it (invariant I2)
            remaining__gt=0,
        ).select_related("account")
        for lot in due.iterator(AT_ONCE):
            when = death(lot, lot.account.last_activity, promise)
            if when is not None and when <= until:
                yield Lapse(lot.account_id, program.pk, lot.earned_at, when, lot.remaining)


def zone_of() -> ZoneInfo:
    """The time zone of the shop we are inside. One statement."""
    return ZoneInfo(Tenant.objects.values_list("zone", flat=True).get(pk=tenant_id()))


@contextmanager
def one_moment() -> Iterator[None]:
    """What is read in it is as of one moment, however many statements that takes, and streams are
    read as streams. Inside another transaction it is as of whatever that one sees.
    """
    if connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    connection.ensure_connection()
    raw: Any = connection.connection
    before = raw.isolation_level
    raw.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with transaction.atomic():
            yield
    finally:
        raw.isolation_level = before
