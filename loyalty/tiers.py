"""Tiers: which one a member has reached, how long it lasts, and what follows it.

Upgrades are immediate, spending points lowers nothing, and the sale that lifts still earns at the
old rate. A tier lasts for the program's window; then what the window is worth decides anew, after
days of grace in which a sale may save it. A tier that a person granted is a floor.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, Sum

from loyalty.calendar import add_months, local_date, starts
from loyalty.models import Account, Entry, Program, Purchase, Tier
from loyalty.policy import TierPolicy

DAY = dt.timedelta(days=1)
STANDING = Q(total=0) | ~Q(refunded=F("total"))  # a sale that was taken back is none
EARNING = (Entry.Kind.EARN, Entry.Kind.BONUS, Entry.Kind.CLAWBACK)


@dataclass(frozen=True, slots=True)
class Ladder:
    """A program's tiers, lowest first, and by what one climbs them."""

    tiers: Sequence[Tier]
    policy: TierPolicy
    zone: ZoneInfo

    def reached(self, metric: int) -> Tier | None:
        """The highest tier that so much is enough for."""
        return next((t for t in reversed(self.tiers) if t.threshold <= metric), None)

    def below(self, tier: Tier) -> Tier | None:
        """The next lower one."""
        return next((low for low, high in pairwise(self.tiers) if high.pk == tier.pk), None)

    def is_lowest(self, tier: Tier | None) -> bool:
        return tier is None or tier.pk == self.tiers[0].pk

    def window(self, at: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
        """The instants [from, until) whose sales count at `at`. A sale at `at` counts, because
        `until` is a microsecond later.
        """
        today = local_date(at, self.zone)
        if self.policy.window == "calendar_year":
            first = today.replace(month=1, day=1)
        else:
            first = add_months(today, -self.policy.months)
        return starts(first, self.zone), at + dt.timedelta(microseconds=1)

    def closing_window(self, at: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
        """The window that a tier which ends at `at` is renewed by: the year that has just ended,
        or the last months.
        """
        if self.policy.window == "calendar_year":
            year = local_date(at - dt.timedelta(microseconds=1), self.zone).year
            return (
                starts(dt.date(year, 1, 1), self.zone),
                starts(dt.date(year + 1, 1, 1), self.zone),
            )
        first, _ = self.window(at)
        return first, at

    def lasts_until(self, at: dt.datetime) -> dt.datetime:
        """The first instant without a tier that was reached at `at`."""
        today = local_date(at, self.zone)
        if self.policy.window == "calendar_year":
            return starts(dt.date(today.year + 2, 1, 1), self.zone)
        return starts(add_months(today, self.policy.months) + DAY, self.zone)

    def renewed_until(self, at: dt.datetime) -> dt.datetime:
        """The same, of one that was renewed at the end of its time, `at`."""
        today = local_date(at, self.zone)
        if self.policy.window == "calendar_year":
            return starts(dt.date(today.year + 1, 1, 1), self.zone)
        return starts(add_months(today, self.policy.months) + DAY, self.zone)

    def grace_ends(self, until: dt.datetime) -> dt.datetime:
        days = dt.timedelta(days=self.policy.grace_days)
        return starts(local_date(until, self.zone) + days, self.zone)


def ladder_of(program: Program, policy: TierPolicy, zone: ZoneInfo) -> Ladder | None:
    """The program's tiers; None where it has none. One statement."""
    tiers = list(Tier.objects.filter(program=program.pk).order_by("threshold"))
    return Ladder(tiers, policy, zone) if tiers else None


def metric_of(account: Account, ladder: Ladder, start: dt.datetime, end: dt.datetime) -> int:
    """What she spent (minor units, less refunds), earned or came for, in [start, end). One
    statement.
    """
    if ladder.policy.metric == "points":
        # Entries stay on the cards that were joined with hers; sales have come over.
        joined = Q(pk=account.pk) | Q(member__merged_into__accounts=account.pk)
        hers = Account.objects.filter(joined, program=ladder.tiers[0].program_id)
        moved = Entry.objects.filter(
            account__in=hers.values("pk"),
            kind__in=EARNING,
            occurred_at__gte=start,
            occurred_at__lt=end,
        )
        return max(0, moved.aggregate(s=Sum("amount"))["s"] or 0)
    sales = Purchase.objects.filter(account=account.pk, occurred_at__gte=start, occurred_at__lt=end)
    if ladder.policy.metric == "visits":
        return int(sales.filter(STANDING).aggregate(n=Count("pk"))["n"])
    return int(sales.aggregate(s=Sum(F("total") - F("refunded")))["s"] or 0)


def begin(account: Account, ladder: Ladder, at: dt.datetime) -> None:
    """Whoever has no tier yet has the lowest."""
    if account.tier_id is None:
        _place(account, ladder.reached(0), None, at)


def lift(account: Account, ladder: Ladder, at: dt.datetime) -> bool:
    """After a sale: a higher tier if she has reached it, or the one in its grace renewed. Says
    whether anything changed. The sale must be in the books.
    """
    begin(account, ladder, at)
    reached = ladder.reached(metric_of(account, ladder, *ladder.window(at)))
    is_higher = reached and _above(reached, account.tier)
    in_grace = account.tier_until is not None and at >= account.tier_until
    renews = in_grace and reached and not _above(account.tier, reached)
    if not (is_higher or renews):
        return False
    _place(account, reached, ladder.lasts_until(at), at)
    return True


def pass_time(account: Account, ladder: Ladder, at: dt.datetime) -> None:
    """Everything that time did to her tier until `at`: renewed, or in grace, or lower. Changes the
    account in memory.
    """
    begin(account, ladder, at)
    while account.tier_until is not None and account.tier_until <= at:
        until = account.tier_until
        reached = ladder.reached(metric_of(account, ladder, *ladder.closing_window(until)))
        if reached and not _above(account.tier, reached):
            _place(account, account.tier, ladder.renewed_until(until), account.tier_since or until)
            continue
        ends = ladder.grace_ends(until)
        if ends > at:
            return
        _lower(account, ladder, until, ends)


def due_at(account: Account, ladder: Ladder, at: dt.datetime) -> dt.datetime | None:
    """When time will change her tier next, after `at`."""
    if account.tier_until is None or account.tier_until > at:
        return account.tier_until
    return ladder.grace_ends(account.tier_until)


def look_again(account: Account, ladder: Ladder, without: Purchase, at: dt.datetime) -> None:
    """After a refund: she keeps her tier unless it would not have been granted without that sale.
    What was given back must be in the books.
    """
    since = account.tier_since
    if since is None or ladder.is_lowest(account.tier):
        return
    start, end = ladder.window(since)
    if not start <= without.occurred_at < end:
        return
    then = ladder.reached(metric_of(account, ladder, start, end))
    now = ladder.reached(metric_of(account, ladder, *ladder.window(at)))
    best = _highest(then, now, account.floor_tier)
    if best and _above(account.tier, best):
        _place(account, best, None if ladder.is_lowest(best) else account.tier_until, since)


def _lower(account: Account, ladder: Ladder, until: dt.datetime, at: dt.datetime) -> None:
    """Down: by one, or to what the last window is worth; never below what was granted."""
    windows = {ladder.closing_window(until), ladder.closing_window(at)}
    if ladder.policy.window != "calendar_year":
        windows = {ladder.closing_window(at)}
    worth = _highest(*(ladder.reached(metric_of(account, ladder, *w)) for w in windows))
    if ladder.policy.downgrade == "one_down" and account.tier:
        worth = _highest(worth, ladder.below(account.tier))
    tier = _highest(worth, account.floor_tier)
    lasts = None if ladder.is_lowest(tier) else ladder.renewed_until(at)
    if tier and account.floor_tier and tier.pk == account.floor_tier.pk:
        lasts = None
    _place(account, tier, lasts, at)


def _place(
    account: Account, tier: Tier | None, until: dt.datetime | None, since: dt.datetime
) -> None:
    account.tier, account.tier_until, account.tier_since = tier, until, since


def _above(one: Tier | None, other: Tier | None) -> bool:
    return one is not None and (other is None or one.threshold > other.threshold)


def _highest(*tiers: Tier | None) -> Tier | None:
    return max((t for t in tiers if t), key=lambda tier: tier.threshold, default=None)
