"""What a program's first rule comes to: so much spent, so many points, such a reward, so many per
cent given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.db.models import Avg

from loyalty.models import Program, Purchase, Reward
from loyalty.policy import Policy
from loyalty.terms import SPEND, VISIT

LATELY = 500  # sales, for what a sale usually comes to
SAMPLE = 100  # full steps, where there is no reward to reach


@dataclass(frozen=True, slots=True)
class GiveBack:
    """`spend` minor units (or so many `visits`, then `spend` is what they usually come to) give
    `points`, which buy `reward` (None: they are worth money by themselves) at `value` minor units.

    `share` is the part of the spending that is given back, `cost` what it costs the shop; None
    where that is not known.
    """

    spend: int
    visits: int
    points: int
    reward: Reward | None
    value: int
    share: Fraction | None
    cost: Fraction | None


def give_back(
    program: Program,
    rules: Sequence[dict[str, Any]],
    policy: Policy,
    rewards: Sequence[Reward],
    usual: int,
) -> GiveBack | None:
    """What the rules come to; None where none is for everybody and always. `usual` is what a sale
    comes to, in minor units (0: not known).
    """
    always = [rule for rule in rules if not rule.get("conditions")]
    rule = next((r for kind in (SPEND, VISIT) for r in always if r["kind"] == kind), None)
    if rule is None or not rule.get("points"):
        return None
    goal = next((r for r in rewards if r.cost and worth(r, usual)), None)
    points = goal.cost if goal else rule["points"] * SAMPLE
    times = -(-points // rule["points"])
    visits = times if rule["kind"] == VISIT else 0
    spend = usual * times if visits else times * rule["per"]
    if rule["kind"] == SPEND and rule.get("is_smooth"):
        spend = -(-points * rule["per"] // rule["points"])
    value = worth(goal, usual) if goal else int(points * point_worth(program, policy))
    cost = goal.unit_cost if goal else None
    return GiveBack(
        spend=spend,
        visits=visits,
        points=points if goal else times * rule["points"],
        reward=goal,
        value=value,
        share=Fraction(value, spend) if spend and value else None,
        cost=Fraction(cost, spend) if spend and cost else None,
    )


def point_worth(program: Program, policy: Policy) -> Fraction:
    """Minor units that a point is worth by itself; a point of a money program is one."""
    return Fraction(1) if program.unit == Program.Unit.MONEY else policy.point_value


def worth(reward: Reward | None, usual: int) -> int:
    """What a reward takes off, or the thing costs, in minor units; of a percentage, off a usual
    sale.
    """
    if reward is None:
        return 0
    if reward.kind == Reward.Kind.PERCENT:
        return int(usual * reward.value // 100)
    return int(reward.value)


def usual_sale(rewards: Sequence[Reward], rules: Sequence[dict[str, Any]] = ()) -> int:
    """What the last sales came to on average, in minor units; 0 where there are none. One
    statement, and none where neither a percentage nor a visit needs it.
    """
    is_asked = any(reward.kind == Reward.Kind.PERCENT for reward in rewards)
    if not is_asked and all(rule["kind"] != VISIT for rule in rules):
        return 0
    last = Purchase.objects.order_by("-pk").values("total")[:LATELY]
    return int(last.aggregate(a=Avg("total"))["a"] or 0)


def buyable() -> list[Reward]:
    """The rewards that points buy now, in the order of the card."""
    found = Reward.objects.filter(status=Reward.Status.LIVE).exclude(kind=Reward.Kind.PAY)
    return list(found.order_by("position", "cost", "id"))
