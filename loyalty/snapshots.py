"""What is settled about a sale once it is made, and how it is kept with the sale.

    {"steps": […], "rules": [["5f…", "spend", 1, 100, false]]}

Which rules were open is a fact of that day; so are the member's tier, the room that caps left, the
share that tax and a reward took, and the cents that came in. Selectors and minimum spends are asked
again of what remains. What is at its default is left out, and of SKUs and categories only those of
the sale are kept, so most snapshots are one rule long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from loyalty.conditions import Conditions
from loyalty.policy import NOTHING, Exclude
from loyalty.terms import FLOOR, SPEND, Line, Rule, Step

ONE = Fraction(1)


class Cap(NamedTuple):
    """The tightest cap: a field of policy.Caps, its figure, and the points it has room for."""

    name: str
    limit: int
    room: int


class Settled(NamedTuple):
    """`carrying` is the rule for which cents are carried over. `share` of what is on the bill
    earns, as numerator and denominator.
    """

    rules: Sequence[Rule]
    carrying: Rule | None = None
    rounding: str = FLOOR
    carry: int = 0
    share: tuple[int, int] = (1, 1)
    tier: str = ""
    rate: Fraction = ONE
    exclude: Exclude = NOTHING
    cap: Cap | None = None


def write(settled: Settled, steps: Iterable[Step], lines: Sequence[Line]) -> dict[str, object]:
    """The snapshot of a sale of these lines."""
    skus = {line.sku for line in lines}
    categories = {line.category for line in lines}
    # The rule that carries is told by its place: the first that counts in steps.
    rules = sorted(settled.rules, key=lambda rule: rule is not settled.carrying)
    exclude = Exclude(settled.exclude.skus & skus, settled.exclude.categories & categories)
    found: dict[str, object] = {
        "steps": list(steps),
        "rules": [_rule_data(rule, skus, categories) for rule in rules],
    }
    optional = {
        "rounding": settled.rounding if settled.rounding != FLOOR else None,
        "carries": True if rules and rules[0] is settled.carrying else None,
        "carry": settled.carry or None,
        "share": str(Fraction(*settled.share)) if settled.share[0] != settled.share[1] else None,
        "tier": [settled.tier, str(settled.rate)] if settled.tier or settled.rate != 1 else None,
        "exclude": [sorted(exclude.skus), sorted(exclude.categories)] if exclude else None,
        "cap": list(settled.cap) if settled.cap else None,
    }
    return found | {name: value for name, value in optional.items() if value is not None}


def read(snapshot: Mapping[str, Any]) -> Settled:
    """What was settled. Snapshots of the first version, without conditions, read the same."""
    rules = [_rule(data) for data in snapshot.get("rules", ())]
    stepped = (rule for rule in rules if rule.kind == SPEND and not rule.is_smooth)
    share = Fraction(snapshot.get("share", 1))
    tier, rate = snapshot.get("tier", ("", 1))
    skus, categories = snapshot.get("exclude", ((), ()))
    cap = snapshot.get("cap")
    return Settled(
        rules=rules,
        carrying=next(stepped, None) if snapshot.get("carries") else None,
        rounding=snapshot.get("rounding", FLOOR),
        carry=snapshot.get("carry", 0),
        share=(share.numerator, share.denominator),
        tier=tier,
        rate=Fraction(rate),
        exclude=Exclude(frozenset(skus), frozenset(categories)),
        cap=Cap(*cap) if cap else None,
    )


def _rule_data(rule: Rule, skus: set[str], categories: set[str]) -> list[object]:
    conditions = rule.conditions
    optional = {
        "factor": str(rule.factor) if rule.factor != 1 else None,
        "skus": sorted(conditions.skus & skus),
        "categories": sorted(conditions.categories & categories),
        "min_spend": conditions.min_spend,
        "name": rule.name,
    }
    more = {name: value for name, value in optional.items() if value}
    row: list[object] = [rule.id, rule.kind, rule.points, rule.per, rule.is_smooth]
    return [*row, more] if more else row


def _rule(data: Sequence[Any]) -> Rule:
    id_, kind, points, per, is_smooth, *more = data
    if not more:
        return Rule(id_, kind, points, per, is_smooth)
    (more,) = more
    return Rule(
        *(id_, kind, points, per, is_smooth),
        factor=Fraction(more.get("factor", 1)),
        name=more.get("name", ""),
        conditions=Conditions(
            skus=frozenset(more.get("skus", ())),
            categories=frozenset(more.get("categories", ())),
            min_spend=more.get("min_spend", 0),
        ),
    )
