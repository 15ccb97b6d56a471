"""Each day's figures, kept (DailyStat): made when the day is over, anew when something reaches it
late, and verified by making them again.

A night's work is that of the new day and of the days that changed, however long the shop's history
is. Days are the shop's local days; every day has a row, from the first on which anything happened.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count, F, Min, QuerySet, Sum
from django.db.models.functions import TruncDate

from loyalty import flows
from loyalty.calendar import DAY, ends, local_date, starts
from loyalty.models import DailyStat, Entry, Member, Purchase, Refund
from loyalty.tiers import STANDING
from tenants.ids import first_of, made_at, uuid7
from tenants.models import AuditEntry

POINTS = ("issued", *flows.GONE)
FIGURES = (*POINTS, "unwritten", "visits", "spent", "people", "joined")
# A command may be written down so much later than its rows were numbered, and by another clock.
SLACK = dt.timedelta(hours=1)
Figures = Counter[str]


@dataclass(frozen=True, slots=True)
class Difference:
    """That a day's row says `kept` where the books say `found`."""

    date: dt.date
    figure: str
    kept: int
    found: int

    def __str__(self) -> str:
        return f"{self.date} says {self.figure} {self.kept}, the books {self.found} (daily)"


def build(at: dt.datetime) -> int:
    """Make the rows of the days that are over by `at`; returns how many rows were written. A second
    call finds nothing to write.
    """
    with transaction.atomic():
        # Whoever comes second finds what the first has made.
        DailyStat.objects.order_by("-date").select_for_update().values("pk")[:1].first()
        zone, seen = flows.zone_of(), uuid7()
        yesterday = local_date(at, zone) - DAY
        rows = {row.date: row for row in DailyStat.objects.filter(date__lte=yesterday)}
        dirty = _dirty(rows, yesterday, zone)
        if not dirty:
            return 0
        found = _figures(dirty, zone)
        written = _changed(rows, found, min(dirty), yesterday)
        for row in written:
            row.seen = seen
        if written:
            DailyStat.objects.bulk_create(
                written,
                batch_size=1_000,
                update_conflicts=True,
                unique_fields=["date"],
                update_fields=[*FIGURES, "outstanding", "seen"],
            )
        _note(rows, yesterday, seen)
        return len(written)


def rebuild(at: dt.datetime) -> int:
    """Make all rows anew: after the shop's time zone has changed, say."""
    with transaction.atomic():
        DailyStat.objects.all().delete()
        return build(at)


def verify() -> Iterator[Difference]:
    """Every figure that the next build() would leave as it is, and that is not what the books say.
    Five statements, and what build() asks.
    """
    rows = {row.date: row for row in DailyStat.objects.order_by("date")}
    if not rows:
        return
    zone = flows.zone_of()
    last = max(rows)
    dirty = _dirty(rows, last, zone)
    days = list(_days(min(rows), last))
    found = _figures(days, zone)
    for date in days:
        if date in dirty:
            continue
        for figure in FIGURES:
            kept = getattr(rows[date], figure)
            if kept != found[date][figure]:
                yield Difference(date, figure, kept, found[date][figure])
    yield from _broken_chain(rows)


def _broken_chain(rows: dict[dt.date, DailyStat]) -> Iterator[Difference]:
    """What is outstanding is what was so the day before, and what the day added."""
    outstanding = 0
    for date in sorted(rows):
        outstanding += _net(rows[date])
        if rows[date].outstanding != outstanding:
            yield Difference(date, "outstanding", rows[date].outstanding, outstanding)
            outstanding = rows[date].outstanding


def _changed(
    rows: dict[dt.date, DailyStat], found: dict[dt.date, Figures], first: dt.date, last: dt.date
) -> list[DailyStat]:
    """The rows that say something else now, new ones among them."""
    before = rows.get(first - DAY)
    outstanding = before.outstanding if before else 0
    written = []
    for date in _days(first, last):
        row = rows.get(date)
        was = row and [getattr(row, figure) for figure in (*FIGURES, "outstanding")]
        row = row or DailyStat(date=date)
        for figure in FIGURES if date in found else ():
            setattr(row, figure, found[date][figure])
        outstanding += _net(row)
        row.outstanding = outstanding
        if was != [getattr(row, figure) for figure in (*FIGURES, "outstanding")]:
            written.append(row)
    return written


def _note(rows: dict[dt.date, DailyStat], last: dt.date, seen: UUID) -> None:
    """The last row says what has been looked at, even if that changed nothing."""
    if last in rows:
        DailyStat.objects.filter(date=last).update(seen=seen)


def _dirty(rows: dict[dt.date, DailyStat], last: dt.date, zone: ZoneInfo) -> set[dt.date]:
    """The days until `last` that have no row, or a row that may be out of date."""
    first = _first_day(zone)
    if first is None:
        return set()
    lapsed = {local_date(lapse.at, zone) for lapse in flows.lapses(ends(last, zone))}
    if not rows:
        return set(_days(first, last))
    dirty = {date for date in _days(min(first, *rows), last) if date not in rows}
    dirty |= {date for date, row in rows.items() if row.unwritten} | lapsed
    seen = rows[max(rows)].seen
    since = first_of(made_at(seen) - SLACK)
    return dirty | {date for date in _touched(since, zone) if date <= last}


def _first_day(zone: ZoneInfo) -> dt.date | None:
    """The first on which anything happened. Three statements, each the first row of an index."""
    firsts = [
        rows.aggregate(first=Min(field))["first"]
        for rows, field in (
            (Entry.objects.all(), "occurred_at"),
            (Purchase.objects.all(), "occurred_at"),
            (Member.everyone.all(), "enrolled_at"),
        )
    ]
    return min((local_date(first, zone) for first in firsts if first), default=None)


def _touched(since: UUID, zone: ZoneInfo) -> set[dt.date]:
    """The days that something is about which was recorded since that key."""
    late: list[tuple[QuerySet[Any], str]] = [
        (Entry.objects.filter(pk__gte=since), "occurred_at"),
        (Purchase.objects.filter(pk__gte=since), "occurred_at"),
        (Refund.objects.filter(pk__gte=since), "purchase__occurred_at"),
        (Member.everyone.filter(pk__gte=since), "enrolled_at"),
        (_of_merged(since), "occurred_at"),
    ]
    found: set[dt.date] = set()
    for rows, field in late:
        dates: Any = rows.annotate(day=TruncDate(field, tzinfo=zone)).values_list("day", flat=True)
        found.update(dates.order_by("day").distinct())
    return found


def _of_merged(since: UUID) -> QuerySet[Any]:
    """Sales of cards that became one, or two again: the same sales are of fewer people, or more."""
    acts = AuditEntry.objects.filter(pk__gte=since, act__in=["members.merged", "members.parted"])
    pairs = acts.values_list("subject", "after")
    members = {UUID(str(pk)) for kept, told in pairs for pk in (kept, told["gone"])}
    return Purchase.objects.filter(account__member__in=members)


def _figures(dates: Iterable[dt.date], zone: ZoneInfo) -> dict[dt.date, Figures]:
    """The figures of these days. Three statements for each run of days."""
    found: dict[dt.date, Figures] = {date: Counter() for date in sorted(dates)}
    for first, last in _runs(list(found)):
        for date, figures in _of_run(first, last, zone).items():
            found[date].update(figures)
    if found:
        for lapse in flows.lapses(ends(max(found), zone)):
            if (date := local_date(lapse.at, zone)) in found:
                found[date].update(expired=lapse.amount, unwritten=lapse.amount)
    return found


def _of_run(first: dt.date, last: dt.date, zone: ZoneInfo) -> dict[dt.date, Figures]:
    within = (starts(first, zone), ends(last, zone))
    sales: QuerySet[Any] = Purchase.objects.filter(STANDING)
    groups: list[tuple[QuerySet[Any], str, dict[str, Any]]] = [
        (Entry.objects.all(), "occurred_at", {n: flows.sums()[n] for n in POINTS}),
        (
            sales,
            "occurred_at",
            {
                "visits": Count("pk"),
                "spent": Sum(F("total") - F("refunded")),
                "people": Count("account__member", distinct=True),
            },
        ),
        (Member.everyone.all(), "enrolled_at", {"joined": Count("pk")}),
    ]
    found: dict[dt.date, Figures] = defaultdict(Counter)
    for rows, field, sums in groups:
        of_days = rows.filter(**{f"{field}__gte": within[0], f"{field}__lt": within[1]})
        days: Any = of_days.annotate(day=TruncDate(field, tzinfo=zone)).values("day")
        for row in days.annotate(**sums).order_by("day"):
            found[row.pop("day")].update(row)
    return found


def _net(row: DailyStat) -> int:
    gone: int = sum(getattr(row, figure) for figure in flows.GONE)
    return row.issued - gone


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    return (first + n * DAY for n in range((last - first).days + 1))


def _runs(dates: list[dt.date]) -> Iterator[tuple[dt.date, dt.date]]:
    """Sorted days as runs without a gap."""
    if not dates:
        return
    first = dates[0]
    for one, other in pairwise(dates):
        if other - one > DAY:
            yield first, one
            first = other
    yield first, dates[-1]
