"""Who is in which tier, and who would be: what an owner sees before she changes one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from operator import itemgetter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Count, F, OuterRef, Q, QuerySet, Subquery, Sum

from loyalty.cards import listed
from loyalty.models import Account, Entry, Program, Purchase
from loyalty.policy import SPEND, VISITS, TierPolicy
from loyalty.tiers import EARNING, STANDING, Ladder


def holders(program: Program) -> dict[UUID, int]:
    """How many members are in each tier. One statement."""
    rows = _accounts(program).filter(tier__isnull=False)
    return dict(rows.values_list("tier").annotate(n=Count("pk")).values_list("tier", "n"))


def reaching(
    program: Program, thresholds: Collection[int], policy: TierPolicy, zone: str, at: dt.datetime
) -> dict[int, int]:
    """How many members have reached each of these thresholds by what they did in the window that
    ends at `at`. One statement; everybody has reached 0.
    """
    wanted = {t for t in thresholds if t > 0}
    if not wanted:
        return {}
    start, end = Ladder([], policy, ZoneInfo(zone)).window(at)
    counts = {f"of_{t}": Count("pk", filter=Q(metric__gte=t)) for t in wanted}
    accounts = _accounts(program)
    found = accounts.annotate(metric=_metric(policy, start, end)).aggregate(**counts)
    return {int(name.removeprefix("of_")): n for name, n in found.items()}


def standing(
    program: Program,
    thresholds: Mapping[UUID, int],
    policy: TierPolicy,
    zone: str,
    at: dt.datetime,
) -> dict[UUID, int]:
    """How many members would be in each tier, if it began at this threshold, by nothing but what
    they did in the window that ends at `at`. Two statements.
    """
    reached = reaching(program, thresholds.values(), policy, zone, at)
    reached[0] = _accounts(program).count()
    counts, above = {}, 0
    for tier, threshold in sorted(thresholds.items(), key=itemgetter(1), reverse=True):
        have = reached.get(threshold, 0)
        counts[tier], above = have - above, have
    return counts


# Inside


def _accounts(program: Program) -> QuerySet[Account]:
    """Those of the members whom the list shows."""
    found: QuerySet[Account] = Account.objects.filter(listed("member__"), program=program.pk)
    return found


def _metric(policy: TierPolicy, start: dt.datetime, end: dt.datetime) -> Any:
    """What an account comes to in the window, as a subquery."""
    within = {"occurred_at__gte": start, "occurred_at__lt": end, "account": OuterRef("pk")}
    rows: Any
    if policy.metric == SPEND:
        rows = Purchase.objects.filter(**within).values("account")
        rows = rows.annotate(m=Sum(F("total") - F("refunded")))
    elif policy.metric == VISITS:
        rows = Purchase.objects.filter(STANDING, **within).values("account")
        rows = rows.annotate(m=Count("pk"))
    else:
        rows = Entry.objects.filter(kind__in=EARNING, **within).values("account")
        rows = rows.annotate(m=Sum("amount"))
    return Subquery(rows.values("m"), output_field=BigIntegerField())
