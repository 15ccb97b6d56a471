"""One sale being added up, rule by rule: each says what it gave, and the sum is rounded once.

Points stay ints where they are whole; only smooth rules and broken factors make fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from loyalty.snapshots import Settled
from loyalty.terms import (
    BONUS,
    CAP,
    CEIL,
    MULTIPLIER,
    NEAREST,
    SPEND,
    TIER,
    VISIT,
    VISITS_PER_DAY,
    Line,
    Rule,
    Step,
)

Exact = int | Fraction
Places = Sequence[int]  # of lines in the sale


class Sum:
    """The sum of a sale of these lines, which are `whole` minor units together, before shares.

    add() every rule that applies, then close() once. After that `steps` are the arithmetic, `carry`
    what is left over, `used` the ids of the rules that gave something, `matched` those that count
    again when the sale is priced anew.
    """

    def __init__(self, settled: Settled, lines: Sequence[Line], whole: int) -> None:
        self.settled, self.lines, self.whole = settled, lines, whole
        self.numerator, self.denominator = settled.share
        self.places: Places = range(len(lines))
        self.carry = settled.carry
        self.carrying = settled.carrying
        self.matched: list[Rule] = []
        self.spends: list[tuple[Rule, Places]] = []
        self.multipliers: list[tuple[Rule, Places]] = []
        self.exact: Exact = 0
        self.bonus = 0
        self.steps: list[Step] = []
        self.bonus_steps: list[Step] = []
        self.used: list[str] = []

    def add(self, rule: Rule, places: Places) -> None:
        """A rule that applies, to the lines at these places."""
        self.matched.append(rule)
        if rule.kind == SPEND:
            self._spend(rule, places)
        elif rule.kind == MULTIPLIER:
            self.multipliers.append((rule, places))
        elif rule.kind == BONUS:
            self.bonus += rule.points
            self.bonus_steps.append(self._flat(rule, 1, 0))
        else:
            units = 1 if rule.kind == VISIT else sum(self.lines[n].qty for n in places)
            self.exact += units * rule.points
            self.steps.append(self._flat(rule, units, self._amount(places)))

    def close(self) -> int:
        """The points of the sale."""
        self._multiply()
        self._raise_by_tier()
        points = round_off(self.exact, self.settled.rounding) + self.bonus
        self.steps += self.bonus_steps
        points = self._capped(points)
        if not points:
            self.used.clear()
        return points

    def _spend(self, rule: Rule, places: Places) -> None:
        self.spends.append((rule, places))
        amount, steps = self._amount(places), 0
        points: Exact
        if rule.is_smooth:
            points = _over(
                self._total(places) * self.numerator * rule.points, self.denominator * rule.per
            )
        else:
            if rule is self.carrying:
                amount += self.carry
                steps = max(0, amount // rule.per)  # refunds may have taken more than this brings
                self.carry = amount - steps * rule.per
                self.carrying = None
            else:
                steps = amount // rule.per
            points = steps * rule.points
        self.exact += points
        if points:
            self.used.append(rule.id)
        self.steps.append(
            _told(rule, basis=amount, per=rule.per, steps=steps, each=rule.points, points=points)
        )

    def _flat(self, rule: Rule, units: int, amount: int) -> Step:
        points = units * rule.points
        if points:
            self.used.append(rule.id)
        return _told(rule, basis=amount, steps=units, each=rule.points, points=points)

    def _multiply(self) -> None:
        """What the best multiplier of each line adds to the points of what is spent."""
        if not self.multipliers or not self.spends:
            return
        for factor, group, rules in self._groups():
            gained = (factor - 1) * sum(self._points(spend, group) for spend in self.spends)
            if not gained:
                continue
            extra = _over(gained.numerator, gained.denominator)
            self.exact += extra
            self.used += [rule.id for rule in rules]
            each, per = factor.numerator, factor.denominator
            self.steps.append(
                _told(rules[0], basis=self._amount(group), per=per, each=each, points=extra)
            )

    def _groups(self) -> list[tuple[Fraction, list[int], list[Rule]]]:
        """Lines by their best factor, with the rules that gave it; the highest first."""
        best: dict[int, Rule] = {}
        for rule, places in self.multipliers:
            for n in places:
                if n not in best or _is_better(rule, best[n]):
                    best[n] = rule
        groups: dict[Fraction, list[int]] = {}
        for n in sorted(best):
            groups.setdefault(best[n].factor, []).append(n)
        return [
            (factor, groups[factor], list({best[n].id: best[n] for n in groups[factor]}.values()))
            for factor in sorted(groups, reverse=True)
            if factor > 1
        ]

    def _points(self, spend: tuple[Rule, Places], group: Sequence[int]) -> Exact:
        """What a spend rule gives for the lines of a group, without carried cents."""
        rule, places = spend
        total = self._total([n for n in group if n in places])
        if rule.is_smooth:
            return _over(total * self.numerator * rule.points, self.denominator * rule.per)
        return total * self.numerator // (self.denominator * rule.per) * rule.points

    def _raise_by_tier(self) -> None:
        tier, rate = self.settled.tier, self.settled.rate
        if rate == 1 or not self.exact:
            return
        gained = self.exact * (rate - 1)
        self.exact += gained
        self.steps.append(
            _step(tier, TIER, per=rate.denominator, each=rate.numerator, points=gained)
        )

    def _capped(self, points: int) -> int:
        cap = self.settled.cap
        if cap is None:
            return points
        if cap.name == VISITS_PER_DAY:
            # A sale too many is written down and counts for nothing, its cents neither.
            self.carry, self.matched = self.settled.carry, []
        if points <= cap.room:
            return points
        self.steps.append(_step(cap.name, CAP, each=cap.limit, points=cap.room - points))
        return cap.room

    def _total(self, places: Places) -> int:
        if places is self.places:
            return self.whole
        return sum(self.lines[n].amount for n in places)

    def _amount(self, places: Places) -> int:
        """The part of these lines that earns, in whole minor units."""
        if self.numerator == self.denominator:
            return self._total(places)
        return self._total(places) * self.numerator // self.denominator


def round_off(exact: Exact, how: str) -> int:
    """The whole points of a sale: dropped, to the nearest (a half goes up), or up."""
    if how == CEIL:
        return -(-exact.numerator // exact.denominator)
    if how == NEAREST:
        exact += Fraction(1, 2)
    return exact.numerator // exact.denominator


def _is_better(rule: Rule, than: Rule) -> bool:
    """The higher factor; of equal ones, one that cannot be used up, then the first by id."""
    if rule.factor != than.factor:
        return rule.factor > than.factor
    return (rule.conditions.is_limited, rule.id) < (than.conditions.is_limited, than.id)


def _over(numerator: int, denominator: int) -> Exact:
    """An exact quotient, as an int where it is one: fractions cost ten times as much."""
    whole, rest = divmod(numerator, denominator)
    return Fraction(numerator, denominator) if rest else whole


def _told(rule: Rule, **figures: Any) -> Step:
    step = _step(rule.id, rule.kind, **figures)
    if rule.name:
        step["name"] = rule.name
    return step


def _step(
    rule: str,
    kind: str,
    *,
    basis: int = 0,
    per: int = 0,
    steps: int = 0,
    each: int,
    points: Exact,
) -> Step:
    return {
        "rule": rule,
        "kind": kind,
        "basis": basis,
        "per": per,
        "steps": steps,
        "each": each,
        "points": str(points),
    }
