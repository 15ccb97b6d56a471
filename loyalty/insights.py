"""Figures for screens, each from the ledger and the sales themselves: nothing here is kept, so
nothing can be stale.

Days are the shop's local days. A sale that was taken back is no visit.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from loyalty.history import STANDING, TOLD, Place, older_than
from loyalty.models import Account, Entry, Member, Program, Purchase
from tenants import shops


@dataclass(frozen=True, slots=True)
class Today:
    """The day so far. `visits_before` is last week's same weekday until the same time; `that_day`
    all of it.
    """

    at: dt.datetime
    visits: int
    visits_before: int
    that_day: int
    by_hour: list[int]
    by_hour_before: list[int]
    people: int
    points_given: int
    spent: int
    joined: int


@dataclass(frozen=True, slots=True)
class Returning:
    """Of `bought` members in the 30 days before the last 30, `came_back` bought again within
    them.
    """

    bought: int
    came_back: int

    @property
    def percent(self) -> float | None:
        return 100 * self.came_back / self.bought if self.bought else None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the shop owes now: points its members could spend, and how many members there are; what
    was given and `used` (redeemed, less what came back) in the last 30 days.
    """

    members: int
    outstanding: int
    given: int
    given_before: int
    used: int


@dataclass(frozen=True, slots=True)
class Day:
    date: dt.date
    visits: int
    points: int
    spent: int


def today(at: dt.datetime) -> Today:
    """Today's figures at `at`. Four statements."""
    zone = _zone()
    start = _midnight(at, zone)
    week_ago = at - dt.timedelta(days=7)
    before = _midnight(week_ago, zone)
    told = _sales(start, at).values_list("occurred_at", "account_id", "total")
    earlier = _sales(before, _midnight(before + dt.timedelta(hours=36), zone))
    times = list(earlier.values_list("occurred_at", flat=True))
    sales = list(told)
    given = _given(start, at)
    return Today(
        at=at,
        visits=len(sales),
        visits_before=sum(time <= week_ago for time in times),
        that_day=len(times),
        by_hour=_by_hour((time for time, _, _ in sales), zone),
        by_hour_before=_by_hour(times, zone),
        people=len({account for _, account, _ in sales}),
        points_given=given,
        spent=sum(total for _, _, total in sales),
        joined=Member.objects.filter(enrolled_at__gte=start, enrolled_at__lte=at).count(),
    )


def returning(at: dt.datetime) -> Returning:
    """Who of those who bought 30 to 60 days ago came back in the last 30. One statement."""
    month = dt.timedelta(days=30)
    bought = Purchase.objects.filter(STANDING, occurred_at__gt=at - 2 * month, occurred_at__lte=at)
    seen = bought.values("account").annotate(
        earlier=Count("pk", filter=Q(occurred_at__lte=at - month)),
        later=Count("pk", filter=Q(occurred_at__gt=at - month)),
    )
    rows = [row for row in seen if row["earlier"]]
    return Returning(len(rows), sum(1 for row in rows if row["later"]))


def standing(at: dt.datetime) -> Standing:
    """What is owed, and what was given in the last 30 days and in the 30 before. Five
    statements.
    """
    month = dt.timedelta(days=30)
    owed = Account.objects.filter(program__status=Program.Status.LIVE).aggregate(s=Sum("balance"))
    return Standing(
        members=Member.objects.exclude(status=Member.Status.MERGED).count(),
        outstanding=owed["s"] or 0,
        given=_given(at - month, at),
        given_before=_given(at - 2 * month, at - month),
        used=_used(at - month, at),
    )


def thirty_days(at: dt.datetime, days: int = 30) -> list[Day]:
    """One Day for each of the last `days`, today last; days without sales are zeros. One
    statement.
    """
    zone = _zone()
    first = (at.astimezone(zone) - dt.timedelta(days=days - 1)).date()
    start = dt.datetime.combine(first, dt.time(), zone)
    rows = (
        _sales(start, at)
        .annotate(date=TruncDate("occurred_at", tzinfo=zone))
        .values("date")
        .annotate(visits=Count("pk"), points=Sum("earned"), spent=Sum("total"))
    )
    found = {row["date"]: row for row in rows}
    dates = [first + dt.timedelta(days=n) for n in range(days)]
    return [
        Day(date, row["visits"], row["points"], row["spent"])
        if (row := found.get(date))
        else Day(date, 0, 0, 0)
        for date in dates
    ]


def at_the_counter(
    limit: int = 10, *, kinds: Collection[str] = (), before: Place | None = None
) -> list[Entry]:
    """The latest entries of the ledger (of these kinds, older than that place), with their member,
    sale and who was at the till. One statement.
    """
    entries = Entry.objects.select_related("account__member", "account__program", *TOLD)
    if kinds:
        entries = entries.filter(kind__in=kinds)
    if before:
        entries = older_than(entries, before)
    return list(entries.order_by("-occurred_at", "-id")[:limit])


def newcomers(limit: int = 10) -> list[Member]:
    """Who became a member last. One statement."""
    return list(Member.objects.order_by("-enrolled_at", "-id")[:limit])


def last_sales(device_id: UUID, limit: int = 10) -> list[Purchase]:
    """The latest sales of one till, newest first. One statement."""
    sales = Purchase.objects.filter(device=device_id).select_related("account__member", "staff")
    return list(sales.order_by("-occurred_at", "-id")[:limit])


def _sales(start: dt.datetime, end: dt.datetime) -> QuerySet[Purchase]:
    return Purchase.objects.filter(STANDING, occurred_at__gte=start, occurred_at__lte=end)


def _given(start: dt.datetime, end: dt.datetime) -> int:
    """Points given, less what was taken back."""
    moved = Entry.objects.filter(occurred_at__gt=start, occurred_at__lte=end)
    kinds = (Entry.Kind.EARN, Entry.Kind.CLAWBACK)
    return moved.filter(kind__in=kinds).aggregate(s=Sum("amount"))["s"] or 0


def _used(start: dt.datetime, end: dt.datetime) -> int:
    """Points redeemed, less what was given back."""
    moved = Entry.objects.filter(occurred_at__gt=start, occurred_at__lte=end)
    kinds = (Entry.Kind.REDEEM, Entry.Kind.RESTORE)
    return -(moved.filter(kind__in=kinds).aggregate(s=Sum("amount"))["s"] or 0)


def _zone() -> ZoneInfo:
    return ZoneInfo(shops.front().zone)


def _midnight(at: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(at.astimezone(zone).date(), dt.time(), zone)


def _by_hour(times: Iterable[dt.datetime], zone: ZoneInfo) -> list[int]:
    hours = Counter(time.astimezone(zone).hour for time in times)
    return [hours[hour] for hour in range(24)]
