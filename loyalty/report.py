"""What the shop's points come to at any instant, past ones too: the accountant's figures.

    issued = redeemed + expired + clawed + forfeited + outstanding

All of it follows from entries, which are never changed, and from what time has ended since; so the
report of a day says the same whenever it is asked for, but for entries that reach us late.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from loyalty import flows
from loyalty.models import Allocation, Entry, Member, Merge, Program, Purchase
from loyalty.policy import Policy

CREDITED = (*flows.ISSUED,)


@dataclass(frozen=True, slots=True)
class Report:
    """Points, and how many members there were (`repeat` of them had made two sales or more).

    `issued` is what was earned and given, less what was taken by hand; `redeemed` less what was
    given back; `outstanding` what members hold, less what they owe. `liability` is what that is
    worth in minor units, rounded down.
    """

    at: dt.datetime
    issued: int
    redeemed: int
    expired: int
    clawed: int
    forfeited: int
    outstanding: int
    members: int
    repeat: int
    liability: int


@dataclass(frozen=True, slots=True)
class Breakage:
    """Of the points that were given in a month: how many, and how many of them have expired."""

    month: dt.date
    credited: int
    expired: int

    @property
    def share(self) -> Fraction | None:
        """The part that nobody used in time; None where nothing was given."""
        return Fraction(self.expired, self.credited) if self.credited > 0 else None


def report(at: dt.datetime) -> Report:
    """The figures as they stood at `at`, whether or not anybody has swept. Six statements."""
    with flows.one_moment():
        by_program = _sums(at)
        for lapse in flows.lapses(at):
            by_program[lapse.program]["expired"] += lapse.amount
            by_program[lapse.program]["outstanding"] -= lapse.amount
        totals: Counter[str] = Counter()
        for sums in by_program.values():
            totals.update(sums)
        return Report(
            at=at,
            members=_members(at).count(),
            repeat=_repeat(at),
            liability=_liability({pk: sums["outstanding"] for pk, sums in by_program.items()}),
            **{name: totals[name] for name in flows.sums()},
        )


def breakage(at: dt.datetime) -> list[Breakage]:
    """Each month in which points were given, the oldest first, and what has become of them by `at`.

    Points that moved to another card, or were given back, stay those of the month in which they
    were first given. Four statements.
    """
    zone = flows.zone_of()
    with flows.one_moment():
        given = Entry.objects.filter(kind__in=CREDITED, amount__gt=0, occurred_at__lte=at)
        credited = _by_month(given, TruncMonth("occurred_at", tzinfo=zone))
        ended = Allocation.objects.filter(entry__kind=Entry.Kind.EXPIRE, entry__occurred_at__lte=at)
        expired = _by_month(ended, TruncMonth("lot__earned_at", tzinfo=zone))
        for month, amount in _lapsed_by_month(at, zone):
            expired[month] += amount
    months = sorted(credited.keys() | expired.keys())
    return [Breakage(month, credited[month], expired[month]) for month in months]


def _sums(at: dt.datetime) -> defaultdict[UUID, Counter[str]]:
    """What entries until `at` come to, by program."""
    rows: Any = Entry.objects.filter(occurred_at__lte=at).values("account__program")
    found: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    for row in rows.annotate(**flows.sums()):
        found[row.pop("account__program")].update(row)
    return found


def _members(at: dt.datetime) -> QuerySet[Member]:
    """Who was a member then: enrolled, and neither merged into another card nor gone."""
    away = Merge.objects.filter(gone=OuterRef("pk"), at__lte=at).filter(
        Q(undone_at=None) | Q(undone_at__gt=at)
    )
    found: QuerySet[Member] = Member.everyone.filter(enrolled_at__lte=at)
    return found.filter(Q(deleted_at=None) | Q(deleted_at__gt=at)).exclude(Exists(away))


def _repeat(at: dt.datetime) -> int:
    """How many members had made two sales that stood then."""
    sales: Any = Purchase.objects.filter(flows.standing_at(at), occurred_at__lte=at)
    again = sales.values("account__member").annotate(n=Count("pk")).filter(n__gte=2)
    return int(again.count())


def _liability(outstanding: dict[UUID, int]) -> int:
    """Minor units, rounded down: a fraction of a cent is owed to nobody."""
    policies = Program.everyone.filter(pk__in=outstanding).values_list("pk", "policy")
    values = {pk: Policy.read(policy).point_value for pk, policy in policies}
    worth = sum((points * values[pk] for pk, points in outstanding.items()), Fraction(0))
    return worth.numerator // worth.denominator


def _by_month(rows: QuerySet[Any], month: TruncMonth) -> Counter[dt.date]:
    summed: Any = rows.annotate(month=month).values("month").annotate(s=Sum("amount"))
    return Counter({row["month"].date(): row["s"] for row in summed})


def _lapsed_by_month(at: dt.datetime, zone: dt.tzinfo) -> Iterator[tuple[dt.date, int]]:
    for lapse in flows.lapses(at):
        yield lapse.earned_at.astimezone(zone).date().replace(day=1), lapse.amount
