"""What a sale earns."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from fractions import Fraction

from loyalty import conditions, pricing, programs, purchases, situations, sums, tariff, tiers
from loyalty.policy import NOTHING
from loyalty.windows import Window
from tests.loyalty.planted.planting import Patch, bug


@bug("M-EARN-06")
def compounding_multipliers(patch: Patch) -> None:
    def compounded(self):
        factors, rules = {}, [rule for rule, _ in self.multipliers]
        for rule, places in self.multipliers:
            for n in places:
                factors[n] = factors.get(n, Fraction(1)) * rule.factor
        groups = {}
        for n, factor in factors.items():
            groups.setdefault(factor, []).append(n)
        return [(factor, places, rules) for factor, places in groups.items()]

    patch.setattr(sums.Sum, "_groups", compounded)


@bug("M-EARN-06")
def the_rule_edited_last_wins(patch: Patch) -> None:
    patch.setattr(sums, "_is_better", lambda rule, than: True)


@bug("ROUND-01", "EARN-10")
def a_factor_counts_once_too_often(patch: Patch) -> None:
    """A factor of 3 adds three times the points, not twice."""
    groups = sums.Sum._groups

    def once_too_often(self):
        return [(factor + 1, places, rules) for factor, places, rules in groups(self)]

    patch.setattr(sums.Sum, "_groups", once_too_often)


@bug("P-FLOAT")
def float_rounding(patch: Patch) -> None:
    def multiplied(self):
        for factor, group, _ in self._groups():
            points = float(sum(self._points(spend, group) for spend in self.spends))
            self.exact += Fraction((float(factor) - 1) * points)

    patch.setattr(sums.Sum, "_multiply", multiplied)


@bug("P-ROUND")
def rounding_of_each_rule(patch: Patch) -> None:
    spend = sums.Sum._spend

    def rounded(self, rule, places):
        spend(self, rule, places)
        self.exact = sums.round_off(self.exact, self.settled.rounding)

    patch.setattr(sums.Sum, "_spend", rounded)


@bug("ROUND-02", "ROUND-03")
def rounding_always_down(patch: Patch) -> None:
    round_off = sums.round_off
    patch.setattr(sums, "round_off", lambda exact, how: round_off(exact, "floor"))


@bug("TIER-02")
def the_lifting_sale_earns_the_new_rate(patch: Patch) -> None:
    priced = purchases.Counter._priced

    def lifted(self, sale, account, place):
        if ladder := self.book.promise(account).ladder:
            spent = tiers.metric_of(account, ladder, *ladder.window(sale.occurred_at))
            account.tier = ladder.reached(spent + sale.total) or account.tier
        return priced(self, sale, account, place)

    patch.setattr(purchases.Counter, "_priced", lifted)


@bug("EARN-11", "REF-05")
def minimum_spend_exclusive(patch: Patch) -> None:
    read = conditions.read

    def stricter(data):
        found = read(data)
        return replace(found, min_spend=found.min_spend + 1) if found.min_spend else found

    patch.setattr(conditions, "read", stricter)


@bug("EARN-05", "EARN-07", "M-EARN-04")
def exclusions_ignored(patch: Patch) -> None:
    eligible = pricing._eligible
    patch.setattr(pricing, "_eligible", lambda basket, exclude: eligible(basket, NOTHING))


@bug("EARN-14", "EARN-16")
def the_whole_bill_earns(patch: Patch) -> None:
    """Tax and what a reward took off it too."""
    patch.setattr(tariff, "_share", lambda basket, terms: (1, 1))


@bug("M-EARN-02")
def carried_cents_are_lost(patch: Patch) -> None:
    give = purchases.Counter._give

    def forgetful(self, priced, account, purchase, operation):
        give(self, priced, account, purchase, operation)
        account.carry = 0

    patch.setattr(purchases.Counter, "_give", forgetful)


@bug("WIN-02", "WIN-03", "EXP-01", "M-EXP-02", "PEND-01")
def utc_midnight(patch: Patch) -> None:
    promise_of = programs.promise_of
    patch.setattr(programs, "promise_of", lambda program, *, zone: promise_of(program, zone="UTC"))


@bug("CAP-02", "M-CAP-02")
def caps_by_utc_day(patch: Patch) -> None:
    situation_of = situations.situation_of

    def in_utc(account, promise, **told):
        return situation_of(account, replace(promise, zone=dt.UTC), **told)

    patch.setattr(situations, "situation_of", in_utc)


@bug("CAP-01", "CAP-02", "CAP-03", "M-CAP-01")
def caps_ignored(patch: Patch) -> None:
    patch.setattr(tariff, "_tightest", lambda caps, situation: None)


@bug("CAP-04", "M-CAP-02", "M-CAP-03")
def limits_ignored(patch: Patch) -> None:
    patch.setattr(situations, "_is_used_up", lambda *_: False)


@bug("WIN-04", "WIN-08")
def a_happy_hour_a_minute_longer(patch: Patch) -> None:
    holds = Window.holds

    def longer(self, date, minute):
        return holds(self, date, minute) or holds(self, date, minute - 1)

    patch.setattr(Window, "holds", longer)


@bug("WIN-05", "M-WIN-03")
def the_night_belongs_to_the_morning(patch: Patch) -> None:
    holds = Window.holds

    def of_the_day(self, date, minute):
        if self.hours and self.hours.is_overnight:
            begin, end = self.hours
            return self.begins_on(date) and (minute >= begin or minute < end)
        return holds(self, date, minute)

    patch.setattr(Window, "holds", of_the_day)
