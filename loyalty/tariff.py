"""A program's terms, made ready to price many sales: what a sale costs grows with the rules that
apply to it, not with those the shop has.

Whatever a day, a place and a tier decide about a rule is decided once for all sales of the kind and
remembered; rules about some goods are found by the goods, those from some amount on by the amount.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Sequence

from loyalty.calendar import DAY
from loyalty.conditions import NONE
from loyalty.policy import EXCL, NET, Caps
from loyalty.pricing import SPEND, Basket, Price, Rule, Situation, Terms, evaluate
from loyalty.snapshots import Cap, Settled
from loyalty.terms import PER_DAY, PER_MEMBER, PER_PURCHASE, VISITS_PER_DAY
from loyalty.windows import Window

MOST_DAYS = 512  # that are remembered; whatever is forgotten is made again
MOST_PLANS = 512


class Tariff:
    """Terms, compiled. Safe to share: what it remembers can always be made again."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.carrying = _carrying(terms)
        places = range(len(terms.rules))
        self._timed = [place for place in places if terms.rules[place].conditions.window]
        self._is_local = any(rule.conditions.locations for rule in terms.rules)
        self._is_tiered = any(rule.conditions.tiers for rule in terms.rules)
        self._is_capped = bool(terms.caps)
        self._days: dict[dt.date, _Day] = {}
        self._plans: dict[tuple[tuple[int, ...], str, str], _Plan] = {}

    def price(self, basket: Basket, situation: Situation) -> Price:
        """What the sale earns. A basket of nothing, or less, earns nothing.

        Rules whose limit is used up by the situation's counts are not open.
        """
        terms = self.terms
        share = _share(basket, terms)
        plan = self._plan(situation)
        rules = plan.rules(basket, share)
        if plan.is_limited:
            rules = [rule for rule in rules if _has_room(rule, situation)]
        settled = Settled(
            rules,
            self.carrying,
            terms.rounding,
            situation.carry,
            share,
            situation.tier,
            situation.tier_rate,
            terms.exclude,
            _tightest(terms.caps, situation) if self._is_capped else None,
        )
        return evaluate(settled, basket)

    def _plan(self, situation: Situation) -> _Plan:
        location = situation.location if self._is_local else ""
        tier = situation.tier if self._is_tiered else ""
        key = self._open(situation.at) if self._timed else (), location, tier
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
            plan = self._plans[key] = _Plan(self._rules(*key))
        return plan

    def _open(self, at: dt.datetime) -> tuple[int, ...]:
        """The places of the rules with a window that is open at that instant."""
        local = at.astimezone(self.terms.zone)
        date = local.date()
        day = self._days.get(date)
        if day is None:
            if len(self._days) >= MOST_DAYS:
                self._days.clear()
            windows = [(place, self.terms.rules[place].conditions.window) for place in self._timed]
            day = self._days[date] = _Day(date, windows)
        return day.open(local.hour * 60 + local.minute)

    def _rules(self, opened: tuple[int, ...], location: str, tier: str) -> list[Rule]:
        """The rules that apply there, to members of that tier, while these windows are open."""
        closed = set(self._timed).difference(opened)
        return [
            rule
            for place, rule in enumerate(self.terms.rules)
            if place not in closed and rule.conditions.is_for(tier, location)
        ]


class _Day:
    """Which windows are open on one day, in sections between which one begins or ends."""

    def __init__(self, date: dt.date, windows: Sequence[tuple[int, Window]]) -> None:
        mine = [
            (place, window)
            for place, window in windows
            if window.begins_on(date)
            or (window.hours and window.hours.is_overnight and window.begins_on(date - DAY))
        ]
        self.marks = sorted({mark for _, window in mine for mark in window.hours or ()})
        self.sections = [
            tuple(place for place, window in mine if window.holds(date, minute))
            for minute in (0, *self.marks)
        ]

    def open(self, minute: int) -> tuple[int, ...]:
        return self.sections[bisect_right(self.marks, minute)]


class _Plan:
    """The rules of one kind of moment, to be found by what is sold and what it comes to."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.all = rules
        self.is_limited = any(rule.conditions.is_limited for rule in rules)
        self.plain: list[int] = []  # places of the rules about the whole sale
        self.by_sku: dict[str, list[int]] = {}
        self.by_category: dict[str, list[int]] = {}
        for place, rule in enumerate(rules):
            if not rule.conditions.selects:
                self.plain.append(place)
            for sku in rule.conditions.skus:
                self.by_sku.setdefault(sku, []).append(place)
            for category in rule.conditions.categories:
                self.by_category.setdefault(category, []).append(place)
        self.selects = len(self.plain) < len(rules)
        self.levels = sorted({rules[place].conditions.min_spend for place in self.plain})
        self.by_level: dict[int, tuple[list[int], list[Rule]]] = {}

    def rules(self, basket: Basket, share: tuple[int, int]) -> Sequence[Rule]:
        """Those that can match, in the order of the terms."""
        most = basket.total * share[0] // share[1]
        level = bisect_right(self.levels, most)
        places, rules = self.by_level.get(level) or self._reached(level)
        if not (self.selects and basket.lines):
            return rules
        about: set[int] = set()
        for line in basket.lines:
            about.update(self.by_sku.get(line.sku, ()))
            about.update(self.by_category.get(line.category, ()))
        return [self.all[place] for place in sorted(about.union(places))] if about else rules

    def _reached(self, level: int) -> tuple[list[int], list[Rule]]:
        """The plain rules whose minimum spend is among the first `level` of them."""
        reached = self.levels[:level]
        most = reached[-1] if reached else -1
        places = [p for p in self.plain if self.all[p].conditions.min_spend <= most]
        self.by_level[level] = places, [self.all[place] for place in places]
        return self.by_level[level]


def _carrying(terms: Terms) -> Rule | None:
    """The rule for which cents are carried over: of those that count in steps the first by id,
    rather one that always applies.
    """
    steps = [rule for rule in terms.rules if rule.kind == SPEND and not rule.is_smooth]
    if not terms.carries or not steps:
        return None
    return min(steps, key=lambda rule: (rule.conditions != NONE, rule.id))


def _share(basket: Basket, terms: Terms) -> tuple[int, int]:
    """The part of every line that earns, as numerator and denominator."""
    off = basket.reward_discount if terms.basis == NET else 0
    off += basket.tax if terms.tax == EXCL else 0
    return (max(0, basket.total - off), basket.total) if off and basket.total > 0 else (1, 1)


def _has_room(rule: Rule, situation: Situation) -> bool:
    """Has a limited rule not counted as often as it may?"""
    conditions, used = rule.conditions, situation.uses.get(rule.id, 0)
    if conditions.limit and used >= conditions.limit.times:
        return False
    total = situation.total_uses.get(rule.id, used)
    return conditions.total_uses is None or total < conditions.total_uses


def _tightest(caps: Caps, situation: Situation) -> Cap | None:
    """The cap that leaves least; of equal ones, a sale too many before points too many."""
    if caps.visits_per_day is not None and situation.visits_today >= caps.visits_per_day:
        return Cap(VISITS_PER_DAY, caps.visits_per_day, 0)
    rooms = [
        Cap(name, limit, max(0, limit - given))
        for name, limit, given in (
            (PER_PURCHASE, caps.points_per_purchase, 0),
            (PER_DAY, caps.points_per_day, situation.earned_today),
            (PER_MEMBER, caps.points_per_member, situation.earned_ever),
        )
        if limit is not None
    ]
    return min(rooms, key=lambda cap: cap.room, default=None)
