"""Groups of members that a screen can show: behind each figure of the day-book stands the list of
those whom it counts.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from loyalty import flows, programs, regulars
from loyalty.calendar import local_date
from loyalty.cards import listed
from loyalty.models import Account, Entry, Member, Program, Purchase, Tier
from loyalty.tiers import STANDING
from tenants.reads import Kept

MONTH = dt.timedelta(days=30)
MOST_LATE = 2_000
LATE, TODAY, BOUGHT, RETURNED = "late", "today", "bought", "returned"
REDEEMED, NEW, BIRTHDAY, BLOCKED = "redeemed", "new", "birthday", "blocked"


@dataclass(frozen=True, slots=True)
class Late:
    """Regulars who are late by their own rhythm, by their ids; MOST_LATE at most."""

    members: list[UUID]


@dataclass(frozen=True, slots=True)
class TierSize:
    id: UUID
    name: str
    members: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many members there are, in each segment, and in each tier of the live program, the
    lowest first.
    """

    everybody: int
    of: dict[str, int]
    tiers: list[TierSize]


# Who is late is read from two years of sales: up to a minute old, whatever is sold meanwhile.
KEPT_LATE = Kept("late", Late, seconds=60, of=[Member])
SIZES = Kept("sizes", Sizes, seconds=60, of=[Account, Entry, Member, Program, Purchase, Tier])


def late(at: dt.datetime) -> list[UUID]:
    """Who is late at `at`, or was up to a minute before. No statement, or four."""
    return KEPT_LATE.get(
        lambda: Late([each.member.pk for each in regulars.late(at, limit=MOST_LATE)])
    ).members


def sizes(at: dt.datetime) -> Sizes:
    """How many there are of each at `at`, or up to a minute before if nothing was written since. No
    statement, or six and those of late().
    """
    return SIZES.get(lambda: _sizes(at))


def narrowed(members: QuerySet[Member], segment: str, *, at: dt.datetime) -> QuerySet[Member]:
    """Those of the members who are in a segment: one of SEGMENTS, or a tier's id. All of them for
    anything else.
    """
    if wanted := _WANTED.get(segment):
        return members.filter(*wanted(at))
    tier = _uuid(segment)
    if tier is None:
        return members
    held = Account.objects.filter(member=OuterRef("pk"), tier=tier)
    return members.filter(Exists(held.filter(program__status=Program.Status.LIVE)))


# Inside


def _late(at: dt.datetime) -> list[Any]:
    return [Q(pk__in=late(at))]


def _today(at: dt.datetime) -> list[Any]:
    return [Exists(_sold().filter(occurred_at__gte=_midnight(at, flows.zone_of())))]


def _bought(at: dt.datetime) -> list[Any]:
    return [Exists(_sold().filter(occurred_at__gt=at - MONTH))]


def _returned(at: dt.datetime) -> list[Any]:
    before = _sold().filter(occurred_at__gt=at - 2 * MONTH, occurred_at__lte=at - MONTH)
    return [*_bought(at), Exists(before)]


def _redeemed(at: dt.datetime) -> list[Any]:
    used = Entry.objects.filter(account__member=OuterRef("pk"), kind=Entry.Kind.REDEEM)
    return [Exists(used.filter(occurred_at__gt=at - MONTH))]


def _new(at: dt.datetime) -> list[Any]:
    return [Q(enrolled_at__gt=at - MONTH)]


def _birthday(at: dt.datetime) -> list[Any]:
    return [Q(birth_date__month=local_date(at, flows.zone_of()).month)]


def _blocked(_at: dt.datetime) -> list[Any]:
    return [Q(status=Member.Status.BLOCKED)]


_WANTED: dict[str, Callable[[dt.datetime], list[Any]]] = {
    LATE: _late,
    TODAY: _today,
    BOUGHT: _bought,
    RETURNED: _returned,
    REDEEMED: _redeemed,
    NEW: _new,
    BIRTHDAY: _birthday,
    BLOCKED: _blocked,
}
SEGMENTS = tuple(_WANTED)


def _sold() -> QuerySet[Purchase]:
    return Purchase.objects.filter(STANDING, account__member=OuterRef("pk"))


def _sizes(at: dt.datetime) -> Sizes:
    zone = flows.zone_of()
    people = Member.objects.filter(listed())
    month = local_date(at, zone).month
    told = people.aggregate(
        everybody=Count("pk"),
        new=Count("pk", filter=Q(enrolled_at__gt=at - MONTH)),
        birthday=Count("pk", filter=Q(birth_date__month=month)),
        blocked=Count("pk", filter=Q(status=Member.Status.BLOCKED)),
    )
    everybody = told.pop("everybody")
    redeemed = Entry.objects.filter(
        listed("account__member__"), kind=Entry.Kind.REDEEM, occurred_at__gt=at - MONTH
    )
    told[REDEEMED] = redeemed.aggregate(n=Count("account__member", distinct=True))["n"]
    told[LATE] = len(late(at))
    return Sizes(everybody, {**told, **_buyers(at, zone)}, _tiers())


def _buyers(at: dt.datetime, zone: dt.tzinfo) -> Counter[str]:
    """Of whom some bought today, some in the last month, some in both of the last two."""
    midnight, month = _midnight(at, zone), at - MONTH
    since = at - 2 * MONTH
    sold: Any = Purchase.objects.filter(
        STANDING, listed("account__member__"), occurred_at__gt=since
    )
    seen = sold.values("account__member").annotate(
        today=Count("pk", filter=Q(occurred_at__gte=midnight)),
        later=Count("pk", filter=Q(occurred_at__gt=month)),
        earlier=Count("pk", filter=Q(occurred_at__lte=month)),
    )
    found: Counter[str] = Counter()
    for today, later, earlier in seen.values_list("today", "later", "earlier"):
        found[TODAY] += bool(today)
        found[BOUGHT] += bool(later)
        found[RETURNED] += bool(later and earlier)
    return found


def _tiers() -> list[TierSize]:
    program = programs.live()
    if program is None:
        return []
    held: Any = Account.objects.filter(listed("member__"), program=program.pk)
    size = dict(held.values_list("tier").annotate(Count("pk")))
    found = Tier.objects.filter(program=program.pk).order_by("threshold")
    return [TierSize(tier.pk, tier.name, size.get(tier.pk, 0)) for tier in found]


def _midnight(at: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    return dt.datetime.combine(at.astimezone(zone).date(), dt.time(), zone)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
