"""A sale → its points, and the arithmetic behind them. Pure: no rows, no clock, the same answer
for ever.

Quote, purchase, import, refund and rehearsal all come here. Bases add up, of several multipliers
the best one wins for each line, the member's tier multiplies, there is one rounding a sale, bonuses
are added, caps come last. The order of rules changes no figure. What is between ints is an exact
fraction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loyalty import snapshots
from loyalty.conditions import NONE
from loyalty.policy import Exclude
from loyalty.snapshots import Settled
from loyalty.sums import Places, Sum, round_off
from loyalty.terms import (
    BONUS,
    CAP,
    CEIL,
    FLOOR,
    ITEM,
    MULTIPLIER,
    NEAREST,
    SPEND,
    TIER,
    VISIT,
    Basket,
    Line,
    Rule,
    Situation,
    Step,
    Terms,
)

__all__ = [
    "BONUS",
    "CAP",
    "CEIL",
    "FLOOR",
    "ITEM",
    "MULTIPLIER",
    "NEAREST",
    "SPEND",
    "TIER",
    "VISIT",
    "Basket",
    "Line",
    "Price",
    "Rule",
    "Situation",
    "Step",
    "Terms",
    "evaluate",
    "reprice",
    "round_off",
]


@dataclass(frozen=True, slots=True)
class Price:
    """What a sale earns. `carry` is what is left over for the next one, in minor units; `used` the
    ids of the rules that gave something.
    """

    points: int
    carry: int
    steps: tuple[Step, ...] = ()
    used: tuple[str, ...] = ()
    settled: Settled = field(default=Settled(()), repr=False, compare=False)
    lines: Sequence[Line] = field(default=(), repr=False, compare=False)

    def snapshot(self) -> dict[str, object]:
        """What the purchase keeps: the arithmetic, and all that reprice() asks of the past."""
        return snapshots.write(self.settled, self.steps, self.lines)


def reprice(snapshot: Mapping[str, Any], basket: Basket) -> Price:
    """What remains of a sale earns, by the sale's own snapshot and never by today's rules.

    `basket` is what was not given back: its total, and its lines with the quantities and amounts
    that are left. Tax and reward keep the share they had of the sale. Less never earns more.
    """
    settled = snapshots.read(snapshot)
    # When a multiplier falls away, lines may join those of a lesser one, and cents of both make one
    # more step. So the rules that fell away are asked too, and the least counts.
    levels = {rule.conditions.min_spend for rule in settled.rules if rule.kind == MULTIPLIER}
    prices = [evaluate(settled, basket, reached=level) for level in sorted({0, *levels})]
    return min(prices, key=lambda price: price.points)


def evaluate(settled: Settled, basket: Basket, *, reached: int = 0) -> Price:
    """Price a basket by what is settled about it.

    Minimum spends are met by what earns (of the whole sale, after exclusions, tax and reward), or
    by `reached` where that is more.
    """
    lines = _eligible(basket, settled.exclude)
    share, whole = settled.share, basket.total
    if basket.lines:
        whole = sum(line.amount for line in lines)
    if basket.total <= 0 or share[0] <= 0 or not lines:
        return Price(0, settled.carry, settled=settled._replace(rules=()), lines=basket.lines)
    sale = Sum(settled, lines, whole)
    for rule in settled.rules:
        conditions = rule.conditions
        places: Places = sale.places
        if conditions is not NONE:
            if max(whole * share[0], reached * share[1]) < conditions.min_spend * share[1]:
                continue
            if conditions.selects:
                places = [n for n in places if conditions.matches(lines[n].sku, lines[n].category)]
                if not places:
                    continue
        sale.add(rule, places)
    points = sale.close()
    return Price(
        points,
        sale.carry,
        tuple(sale.steps),
        tuple(sale.used),
        settled._replace(rules=sale.matched),
        basket.lines,
    )


def _eligible(basket: Basket, exclude: Exclude) -> Sequence[Line]:
    """The lines that may earn, and what is on the bill beside its lines."""
    if not basket.lines:
        return (Line(amount=basket.total),)
    rest = basket.total - sum(line.amount for line in basket.lines)
    lines = [
        line
        for line in basket.lines
        # Of a thing for which money was given back no whole one is left, but it is still there.
        if (line.qty or line.amount)
        and line.sku not in exclude.skus
        and line.category not in exclude.categories
    ]
    return [*lines, Line(amount=rest)] if rest else lines
