"""Who comes again: members by the month in which they joined, and in which months they bought.

Months are those of the shop's calendar. A sale that was taken back is no visit.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q
from django.db.models.functions import TruncMonth

from loyalty import flows
from loyalty.calendar import add_months, local_date, starts
from loyalty.models import Member, Purchase
from loyalty.tiers import STANDING


@dataclass(frozen=True, slots=True)
class Cohort:
    """The `members` who joined in a month. `bought[n]` of them bought in the n-th month after it;
    the first is that month itself, the last the one that is not over yet.
    """

    month: dt.date
    members: int
    bought: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Repeat:
    """Of the members who ever bought, how many did so twice or more."""

    bought: int
    again: int


def cohorts(at: dt.datetime, *, months: int = 12) -> list[Cohort]:
    """Those of the last `months` months, the oldest first. Three statements."""
    zone = flows.zone_of()
    this = local_date(at, zone).replace(day=1)
    each = [add_months(this, n - months + 1) for n in range(months)]
    since = starts(each[0], zone)
    members = _members(since, at, zone)
    bought = _bought(since, at, zone)
    return [
        Cohort(month, members[month], [bought[month, later] for later in each[n:]])
        for n, month in enumerate(each)
    ]


def repeat(at: dt.datetime) -> Repeat:
    """All sales until `at` that stand. One statement."""
    sales: Any = Purchase.objects.filter(STANDING, occurred_at__lte=at)
    each = sales.values("account__member").annotate(n=Count("pk"))
    told = each.aggregate(bought=Count("n"), again=Count("n", filter=Q(n__gte=2)))
    return Repeat(**told)


def active(at: dt.datetime, *, days: int = 90) -> int:
    """How many members bought in the last `days` days. One statement."""
    since = at - dt.timedelta(days=days)
    sales = Purchase.objects.filter(STANDING, occurred_at__gt=since, occurred_at__lte=at)
    return int(sales.aggregate(n=Count("account__member", distinct=True))["n"])


def _members(since: dt.datetime, at: dt.datetime, zone: ZoneInfo) -> Counter[dt.date]:
    joined = Member.everyone.filter(enrolled_at__gte=since, enrolled_at__lte=at)
    rows: Any = joined.exclude(status=Member.Status.MERGED)
    rows = rows.annotate(month=TruncMonth("enrolled_at", tzinfo=zone)).values("month")
    return Counter({_date(row["month"]): row["n"] for row in rows.annotate(n=Count("pk"))})


def _bought(
    since: dt.datetime, at: dt.datetime, zone: ZoneInfo
) -> Counter[tuple[dt.date, dt.date]]:
    """How many who joined in one month bought in another."""
    sales: Any = Purchase.objects.filter(
        STANDING, account__member__enrolled_at__gte=since, occurred_at__lte=at
    )
    rows = (
        sales.annotate(
            joined=TruncMonth("account__member__enrolled_at", tzinfo=zone),
            month=TruncMonth("occurred_at", tzinfo=zone),
        )
        .values("joined", "month")
        .annotate(n=Count("account__member", distinct=True))
    )
    return Counter({(_date(row["joined"]), _date(row["month"])): row["n"] for row in rows})


def _date(month: dt.datetime) -> dt.date:
    return month.date()
