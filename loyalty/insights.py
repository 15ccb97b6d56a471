"""Figures for screens, each from the ledger and the sales themselves: nothing here is kept, so
nothing can be stale.

Days are the shop's local days. A sale that was taken back is no visit.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, F, FilteredRelation, Q, QuerySet, Sum, When
from django.db.models.functions import TruncDate

from loyalty.models import Account, Entry, Member, Program, Purchase
from tenants import shops

PAGE = 50
MANY = 5_000  # members: more are not sorted for one page
TOLD = ("purchase__staff", "refund__staff", "voucher__reward")  # what an entry is told with
SORTS = {
    "last": "-held__last_activity",
    "name": "name_key",
    "points": "-held__balance",
    "joined": "-enrolled_at",
}


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
class Totals:
    """What a member did here in all: sales that stand, and minor units spent."""

    visits: int
    spent: int


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
    bought = Purchase.objects.filter(_standing, occurred_at__gt=at - 2 * month, occurred_at__lte=at)
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
    limit: int = 10, *, kinds: Collection[str] = (), before: dt.datetime | None = None
) -> list[Entry]:
    """The latest entries of the ledger (of these kinds, before that moment), with their member,
    sale and who was at the till. One statement.
    """
    entries = Entry.objects.select_related("account__member", "account__program", *TOLD)
    if kinds:
        entries = entries.filter(kind__in=kinds)
    if before:
        entries = entries.filter(occurred_at__lt=before)
    return list(entries.order_by("-occurred_at", "-id")[:limit])


def newcomers(limit: int = 10) -> list[Member]:
    """Who became a member last. One statement."""
    return list(Member.objects.order_by("-enrolled_at", "-id")[:limit])


def last_sales(device_id: UUID, limit: int = 10) -> list[Purchase]:
    """The latest sales of one till, newest first. One statement."""
    sales = Purchase.objects.filter(device=device_id).select_related("account__member", "staff")
    return list(sales.order_by("-occurred_at", "-id")[:limit])


def members_page(found: QuerySet[Member], *, sort: str = "last", number: int = 1) -> Page[Any]:
    """A page of members, each with the `balance`, `last_activity` and `tier` of the program that is
    live, or was last. Three statements, four where there are very MANY.
    """
    program = Program.objects.exclude(status=Program.Status.DRAFT).order_by(
        Case(When(status=Program.Status.LIVE, then=0), default=1), "-id"
    )
    current = program.values_list("pk", flat=True).first()
    order = SORTS.get(sort, SORTS["last"])
    by = F(order.lstrip("-"))
    told = found.annotate(
        held=FilteredRelation("accounts", condition=Q(accounts__program=current)),
        balance=F("held__balance"),
        last_activity=F("held__last_activity"),
        tier=F("held__tier__name"),
    )
    ordered = told.order_by(by.desc(nulls_last=True) if order.startswith("-") else by.asc(), "pk")
    field = order.removeprefix("-held__")
    accounts = None
    if field != order:
        accounts = Account.objects.filter(
            program=current, member__in=found.values("pk"), **{f"{field}__isnull": False}
        ).order_by(f"-{field}", "member")
    in_order: Any = _InOrder(ordered, told, accounts, found.count())
    return Paginator(in_order, PAGE).get_page(number)


class _InOrder:
    """Members in an order, as a paginator wants them.

    A page of a big shop is read along the index of its accounts, so that its hundred thousands are
    not sorted for fifty. Members without a visit come after all others, and are read in the long
    way.
    """

    ordered = True

    def __init__(
        self,
        members: QuerySet[Member],
        told: QuerySet[Member],
        accounts: QuerySet[Account] | None,
        total: int,
    ) -> None:
        self.members, self.told, self.total = members, told, total
        self.accounts = accounts if total > MANY else None

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, cut: slice) -> list[Member]:
        if self.accounts is not None:
            ids = list(self.accounts[cut].values_list("member", flat=True))
            if len(ids) == cut.stop - cut.start:
                found = self.told.in_bulk(ids)
                return [found[pk] for pk in ids if pk in found]
        return list(self.members[cut])


def timeline(member: Member, *, limit: int = 50, before: dt.datetime | None = None) -> list[Entry]:
    """A member's entries, newest first, each with its sale. One statement."""
    entries = Entry.objects.filter(account__member=member.pk)
    if before:
        entries = entries.filter(occurred_at__lt=before)
    entries = entries.select_related("account", *TOLD)
    return list(entries.order_by("-occurred_at", "-id")[:limit])


def visits_of(member: Member, *, limit: int = 200) -> list[dt.datetime]:
    """When a member bought, newest first: what her rhythm is drawn from. One statement."""
    sales = Purchase.objects.filter(_standing, account__member=member.pk)
    return list(sales.order_by("-occurred_at").values_list("occurred_at", flat=True)[:limit])


def visits_of_each(
    members: Sequence[Member], *, since: dt.datetime
) -> dict[UUID, list[dt.datetime]]:
    """When each of these members bought since then, by the member's id. One statement."""
    found: dict[UUID, list[dt.datetime]] = defaultdict(list)
    sales = Purchase.objects.filter(
        _standing, account__member__in=[member.pk for member in members], occurred_at__gt=since
    )
    for member, at in sales.values_list("account__member", "occurred_at"):
        found[member].append(at)
    return found


def totals(account: Account | None) -> Totals:
    """All sales of an account that stand. One statement."""
    if account is None:
        return Totals(0, 0)
    summed = Purchase.objects.filter(_standing, account=account.pk).aggregate(
        visits=Count("pk"), spent=Sum("total")
    )
    return Totals(summed["visits"], summed["spent"] or 0)


def standing_before(account: Account, before: dt.datetime | None) -> int:
    """What stood in an account before that moment (now for None), debts as a minus."""
    now = account.balance - account.debt
    if before is None:
        return now
    later = Entry.objects.filter(account=account.pk, occurred_at__gte=before)
    return now - (later.aggregate(s=Sum("amount"))["s"] or 0)


def entries_of(member: Member, *, sign: int = 0) -> QuerySet[Entry]:
    """A member's entries in every program, newest first: those that gave (+1) or took (-1), or all
    of them (0).
    """
    entries = Entry.objects.filter(account__member=member.pk)
    if sign:
        entries = entries.filter(amount__gt=0) if sign > 0 else entries.filter(amount__lt=0)
    told: QuerySet[Entry] = entries.select_related("account__program", *TOLD)
    return told.order_by("-occurred_at", "-id")


def last_entries(account: Account, *, limit: int = 5) -> list[Entry]:
    """What a customer's card shows of her account, newest first. One statement."""
    rows = Entry.objects.filter(account=account.pk).select_related(*TOLD)
    return list(rows.order_by("-occurred_at", "-id")[:limit])


_standing = Q(total=0) | ~Q(refunded=F("total"))


def _sales(start: dt.datetime, end: dt.datetime) -> QuerySet[Purchase]:
    return Purchase.objects.filter(_standing, occurred_at__gte=start, occurred_at__lte=end)


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
