"""A sale → its points, and the arithmetic behind them. Pure: no rows, no clock, the same answer
for ever.

Quote, purchase, import and (later) refund and rehearsal all ask here. Amounts are minor units,
points are ints, what is between them is an exact fraction, and there is one rounding a sale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypedDict

SPEND, VISIT = "spend", "visit"
FLOOR, NEAREST, CEIL = "floor", "nearest", "ceil"


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to earn, as loyalty.models.EarnRule keeps it."""

    id: str
    kind: str
    points: int
    per: int = 0
    is_smooth: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What a program promises for a sale: its rules, its rounding, whether cents are carried
    over.
    """

    rules: Sequence[Rule]
    rounding: str = FLOOR
    carries: bool = False


class Step(TypedDict):
    """One line of the arithmetic: `basis` made `steps` times `each` = `points`.

    For a spend rule `steps` are full `per`s of `basis` minor units, for a visit it is 1. A smooth
    rule has no steps: its points are a fraction, written "12/5", until the sale is rounded.
    """

    rule: str
    kind: str
    basis: int
    per: int
    steps: int
    each: int
    points: str


@dataclass(frozen=True, slots=True)
class Price:
    """What a sale earns. `carry` is what is left over for the next one, in minor units."""

    points: int
    carry: int
    steps: tuple[Step, ...]

    def as_data(self, terms: Terms) -> dict[str, object]:
        """The snapshot a purchase keeps: the arithmetic, and the terms to price what remains of
        it.
        """
        rules = [[r.id, r.kind, r.points, r.per, r.is_smooth] for r in terms.rules]
        return {
            "steps": list(self.steps),
            "rules": rules,
            "rounding": terms.rounding,
            "carries": terms.carries,
        }


def price(total: int, terms: Terms, *, carry: int = 0) -> Price:
    """Price a sale of `total` minor units, after earlier sales left `carry` over.

    Every spend rule counts full steps of its own, and what rules give is added up. With carry-over,
    the cents that made no step of the first spend rule count next time.
    """
    basis = total + (carry if terms.carries else 0)
    steps = tuple(_step(rule, basis) for rule in terms.rules if total > 0)
    exact = sum((Fraction(step["points"]) for step in steps), Fraction(0))
    left = carry
    if terms.carries and steps:
        first = next((r for r in terms.rules if r.kind == SPEND and not r.is_smooth), None)
        left = basis % first.per if first else 0
    return Price(round_off(exact, terms.rounding), left, steps)


def _step(rule: Rule, basis: int) -> Step:
    if rule.kind == VISIT:
        steps, points = 1, Fraction(rule.points)
    elif rule.is_smooth:
        steps, points = 0, Fraction(basis * rule.points, rule.per)
    else:
        steps = basis // rule.per
        points = Fraction(steps * rule.points)
    return Step(
        rule=rule.id,
        kind=rule.kind,
        basis=basis,
        per=rule.per,
        steps=steps,
        each=rule.points,
        points=str(points),
    )


def round_off(exact: Fraction, how: str) -> int:
    """The whole points of a sale: dropped, to the nearest (a half goes up), or up."""
    if how == CEIL:
        return -(-exact.numerator // exact.denominator)
    if how == NEAREST:
        exact += Fraction(1, 2)
    return exact.numerator // exact.denominator
