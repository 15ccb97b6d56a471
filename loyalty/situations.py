"""What pricing has to know about a sale besides its basket: where and when it is, how far its
member has come, and how much of every limit is used up.

Only what a program's caps and limits ask for is read. The account must be locked, so that two sales
of one member cannot both find room for the last point.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from uuid import UUID

from django.db.models import Count, F, Q, Sum

from loyalty.calendar import local_date, starts
from loyalty.models import Account, EarnRule, Purchase, RuleUse
from loyalty.programs import Promise
from loyalty.terms import Rule, Situation
from loyalty.windows import period
from tenants.models import Location

DAY = dt.timedelta(days=1)
USED_UP = 2**31  # more often than any rule counts
RETURNED = Q(purchase__total__gt=0, purchase__refunded=F("purchase__total"))


def asks_history(promise: Promise) -> bool:
    """Does pricing have to look at earlier sales?"""
    return _has_caps(promise) or bool(limited(promise))


def _has_caps(promise: Promise) -> bool:
    """Is there a cap on more than one sale?"""
    caps = promise.policy.caps
    over = (caps.points_per_day, caps.visits_per_day, caps.points_per_member)
    return any(cap is not None for cap in over)


def limited(promise: Promise) -> list[Rule]:
    """The rules that count only so often."""
    rules = promise.tariff.terms.rules
    return [rule for rule in rules if rule.conditions.is_limited]


def situation_of(
    account: Account, promise: Promise, *, at: dt.datetime, location: Location
) -> Situation:
    """One statement for caps, one for each rule with a limit, one for those that are for the first
    so many; none for a program without any.
    """
    tier = account.tier
    situation = Situation(
        at,
        location=location.name,
        tier=tier.name if tier else "",
        tier_rate=Fraction(tier.multiplier) if tier else Fraction(1),
        carry=account.carry,
    )
    if not asks_history(promise):
        return situation
    rules = limited(promise)
    used_up = [rule.id for rule in rules if _is_used_up(account, rule, promise, at)]
    today, visits, ever = _earned(account, promise, at) if _has_caps(promise) else (0, 0, 0)
    return replace(
        situation,
        uses=dict.fromkeys(used_up, USED_UP),
        total_uses=_used_by_all(rules),
        earned_today=today,
        visits_today=visits,
        earned_ever=ever,
    )


def _earned(account: Account, promise: Promise, at: dt.datetime) -> tuple[int, int, int]:
    """Points of the same local day, its sales that earned, and points of all sales so far."""
    today = local_date(at, promise.zone)
    sales = Purchase.objects.filter(account=account.pk)
    start, end = starts(today, promise.zone), starts(today + DAY, promise.zone)
    of_day = Q(occurred_at__gte=start, occurred_at__lt=end)
    if promise.policy.caps.points_per_member is None:
        sales = sales.filter(of_day)
    given = F("earned") - F("clawed")
    told = sales.aggregate(
        today=Sum(given, filter=of_day),
        visits=Count("pk", filter=of_day & Q(earned__gt=F("clawed"))),
        ever=Sum(given),
    )
    return told["today"] or 0, told["visits"], told["ever"] or 0


def _is_used_up(account: Account, rule: Rule, promise: Promise, at: dt.datetime) -> bool:
    """Whether a rule has counted as often as it may for this member, in the limit's period. A sale
    that was taken back does not count.
    """
    limit = rule.conditions.limit
    if limit is None:
        return False
    uses = RuleUse.objects.filter(account=account.pk, rule=UUID(rule.id)).exclude(RETURNED)
    if within := period(limit.per, at, promise.zone):
        uses = uses.filter(at__gte=within[0], at__lt=within[1])
    return uses.count() >= limit.times


def _used_by_all(rules: Iterable[Rule]) -> dict[str, int]:
    """How often each of the rules for the first so many has counted."""
    wanted = [rule.id for rule in rules if rule.conditions.total_uses is not None]
    if not wanted:
        return {}
    found = EarnRule.everyone.filter(pk__in=wanted).values_list("pk", "used")
    return {str(pk): used for pk, used in found}


def claim(rules: Iterable[Rule]) -> list[str]:
    """Count one more sale of the rules that are for the first so many; returns the ids of those
    that were gone already, and counts nothing then.
    """
    wanted = [rule for rule in rules if rule.conditions.total_uses is not None]
    claimed: list[Rule] = []
    gone: list[str] = []
    for rule in sorted(wanted, key=lambda rule: rule.id):
        left = EarnRule.everyone.filter(pk=rule.id, used__lt=rule.conditions.total_uses)
        if left.update(used=F("used") + 1):
            claimed.append(rule)
        else:
            gone.append(rule.id)
    if gone:
        release([rule.id for rule in claimed])
    return gone


def release(rule_ids: Iterable[str]) -> None:
    """A sale of these rules was taken back: somebody else may be among the first. Rows are locked
    in the order that claim() takes.
    """
    for pk in sorted(rule_ids):
        EarnRule.everyone.filter(pk=pk, used__gt=0).update(used=F("used") - 1)


def hold(promise: Promise) -> None:
    """Lock the rules that are for the first so many, in one order: for whoever records many sales
    at once, each of which may claim others. No statement where there are none.
    """
    wanted = [rule.id for rule in limited(promise) if rule.conditions.total_uses is not None]
    if wanted:
        rows = EarnRule.everyone.filter(pk__in=wanted).order_by("pk")
        list(rows.select_for_update(no_key=True).values_list("pk"))
