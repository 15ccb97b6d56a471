"""Regulars who are late by their own rhythm: one comes each Tuesday, another each quarter.

A member's rhythm is the median number of days between her last visits; once and a half of it after
the last one she is late. Several sales on one local day are one visit, one that was taken back is
none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import transaction
from django.db.models import Count
from django.db.models.functions import TruncDate

from loyalty import flows
from loyalty.calendar import local_date
from loyalty.models import Member, Purchase
from loyalty.tiers import STANDING

VISITS = 4  # from how many on there is a rhythm: three gaps
LAST = 12  # visits that it is drawn from
PATIENCE = Fraction(3, 2)
GIVEN_UP = 6  # rhythms without a visit: she is not late, she is gone
YEARS = dt.timedelta(days=2 * 365)  # how far back visits are looked at


@dataclass(frozen=True, slots=True)
class Late:
    """A member who usually comes every `rhythm` days and was last here on `last`, `days` ago."""

    member: Member
    rhythm: Fraction
    last: dt.date
    days: int

    @property
    def rhythms(self) -> Fraction:
        """How many of her rhythms have passed."""
        return self.days / self.rhythm


@dataclass(frozen=True, slots=True)
class _Absence:
    member: UUID
    rhythm: Fraction
    last: dt.date
    days: int


def late(at: dt.datetime, *, limit: int = 50) -> list[Late]:
    """Regulars who are late at `at`, those first whose rhythm has been broken for the shortest
    time: they are the easiest to win back. Three statements, of which one streams.
    """
    zone = flows.zone_of()
    today = local_date(at, zone)
    with transaction.atomic():
        absences = [gone for gone in _absences(at, today, zone) if _is_late(gone)]
    absences.sort(key=lambda gone: (gone.days / gone.rhythm, gone.member))
    members = Member.objects.in_bulk([gone.member for gone in absences[:limit]])
    return [
        Late(members[gone.member], gone.rhythm, gone.last, gone.days)
        for gone in absences[:limit]
        if gone.member in members
    ]


def rhythm_of(days: Sequence[dt.date]) -> Fraction | None:
    """The median gap between visits on these days, oldest first; None for too few of them."""
    if len(days) < VISITS:
        return None
    gaps = [Fraction((later - earlier).days) for earlier, later in pairwise(days[-LAST:])]
    return median(gaps)


def _absences(at: dt.datetime, today: dt.date, zone: dt.tzinfo) -> Iterator[_Absence]:
    day = TruncDate("occurred_at", tzinfo=zone)
    sales: Any = Purchase.objects.filter(
        STANDING,
        occurred_at__gt=at - YEARS,
        occurred_at__lte=at,
        account__member__status=Member.Status.ACTIVE,
        account__member__is_active=True,
        account__member__erase_at=None,
    )
    rows = (
        sales.values("account__member")
        .annotate(visits=Count(day, distinct=True))
        .filter(visits__gte=VISITS)
        .annotate(days=ArrayAgg(day, distinct=True, order_by=day))
    )
    for row in rows.values_list("account__member", "days").iterator(flows.AT_ONCE):
        member, days = row
        if rhythm := rhythm_of(days):
            yield _Absence(member, rhythm, days[-1], (today - days[-1]).days)


def _is_late(gone: _Absence) -> bool:
    return gone.rhythm * PATIENCE < gone.days <= gone.rhythm * GIVEN_UP
