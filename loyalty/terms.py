"""What a sale is made of, and what a program promises for it: the words in which pricing is asked
and answers. Amounts are minor units of the shop's currency, points are ints.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NotRequired, TypedDict

from loyalty.conditions import NONE, Conditions
from loyalty.policy import INCL, NET, NO_CAPS, NOTHING, Caps, Exclude
from loyalty.refusals import LinesExceedTotal, NegativeAmount

SPEND, VISIT, ITEM, BONUS, MULTIPLIER = "spend", "visit", "item", "bonus", "multiplier"
TIER, CAP = "tier", "cap"  # steps that no rule made
FLOOR, NEAREST, CEIL = "floor", "nearest", "ceil"
PER_PURCHASE, PER_DAY = "points_per_purchase", "points_per_day"
PER_MEMBER, VISITS_PER_DAY = "points_per_member", "visits_per_day"


@dataclass(frozen=True, slots=True)
class Line:
    """`qty` units of one thing for `amount` together, before the reward's discount."""

    sku: str = ""
    category: str = ""
    qty: int = 1
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Basket:
    """What is on the bill: `total` with `tax` in it, before `reward_discount` was taken off.

    Lines may be missing, or make up less than the total: the rest is one thing of no name. Raises
    LinesExceedTotal where they make up more, NegativeAmount where one is below zero.
    """

    total: int
    tax: int = 0
    reward_discount: int = 0
    lines: Sequence[Line] = ()

    def __post_init__(self) -> None:
        if self.lines and self.total >= 0:
            if any(line.amount < 0 or line.qty < 0 for line in self.lines):
                raise NegativeAmount
            if sum(line.amount for line in self.lines) > self.total:
                raise LinesExceedTotal


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to earn, as loyalty.models.EarnRule keeps it.

    spend: `points` for every full `per`, or exactly in proportion where `is_smooth`. visit:
    `points` for the sale. item: `points` for each unit. bonus: `points` once a sale, multiplied by
    nothing. multiplier: `factor` times the points of what is spent; of several, the highest.
    """

    id: str
    kind: str
    points: int = 0
    per: int = 0
    is_smooth: bool = False
    factor: Fraction = Fraction(1)
    conditions: Conditions = NONE
    name: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a program promises for a sale. The order of `rules` is that in which they are told, and
    nothing else.
    """

    rules: Sequence[Rule]
    rounding: str = FLOOR
    carries: bool = False
    basis: str = NET
    tax: str = INCL
    exclude: Exclude = NOTHING
    caps: Caps = NO_CAPS
    zone: dt.tzinfo = dt.UTC


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a sale happens and how far its member has come.

    `location` and `tier` by name, "" for none. `carry`: minor units that earlier sales left over,
    or that refunds took back (negative). `uses`: how often a limited rule counted already, by its
    id, in its limit's period; `total_uses`: for everybody, where a rule has that limit too.
    `earned_today`, `visits_today` (sales that earned): this local day; `earned_ever`: in all.
    """

    at: dt.datetime
    location: str = ""
    tier: str = ""
    tier_rate: Fraction = Fraction(1)
    carry: int = 0
    uses: Mapping[str, int] = field(default_factory=dict)
    total_uses: Mapping[str, int] = field(default_factory=dict)
    earned_today: int = 0
    visits_today: int = 0
    earned_ever: int = 0


class Step(TypedDict):
    """One line of the arithmetic: how `points` came about. They add up to what the sale earned
    before it was rounded; a fraction is written "12/5".

    spend: `basis` minor units made `steps` full `per`s at `each` points; a smooth rule has no
    steps. visit, item, bonus: `steps` times `each`. multiplier, tier: what a factor of `each`/`per`
    added, to the points of `basis` minor units or to all before it; `rule` of a tier is its name.
    cap: what was too much for `rule`, a field of policy.Caps, whose figure is `each`.
    """

    rule: str
    kind: str
    basis: int
    per: int
    steps: int
    each: int
    points: str
    name: NotRequired[str]
