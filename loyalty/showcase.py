"""What a shop's program promises, as its customers' pages show it: kept for a while, for display
only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from loyalty import conditions, programs
from loyalty.models import EarnRule, Program, Reward, Tier
from loyalty.policy import Policy
from tenants.models import Shop
from tenants.reads import Kept


@dataclass(frozen=True, slots=True)
class Prize:
    """A reward that is offered; `cost` is in points, 0 where the payer chooses."""

    id: UUID
    name: str
    kind: str
    cost: int
    value: int
    conditions: dict[str, Any]
    per_member: int | None = None
    stock: int | None = None
    is_auto: bool = False

    @property
    def is_limited(self) -> bool:
        return self.per_member is not None or bool(self.conditions.get("limit"))

    def reward(self, program: UUID) -> Reward:
        """The row as commands take it; unsaved."""
        return Reward(
            id=self.id,
            program_id=program,
            name=self.name,
            kind=self.kind,
            cost=self.cost,
            value=self.value,
            conditions=self.conditions,
            per_member=self.per_member,
            stock=self.stock,
            is_auto=self.is_auto,
        )


@dataclass(frozen=True, slots=True)
class Rung:
    """A tier."""

    id: UUID
    name: str
    threshold: int


@dataclass(frozen=True, slots=True)
class Earning:
    """The rule that gives points for most sales: so many `points` for `per` minor units spent (0:
    for a visit).
    """

    kind: str
    points: int
    per: int


@dataclass(frozen=True, slots=True)
class Showcase:
    """The live program; without one all of it is empty. `bonus` is what joining gives, `metric` by
    what tiers are climbed, `proof_above` from how many points on a reward needs the code on the
    customer's screen.
    """

    program: UUID | None = None
    unit: str = Program.Unit.POINT
    unit_words: dict[str, list[str]] = field(default_factory=dict)
    bonus: int = 0
    earning: Earning | None = None
    prizes: tuple[Prize, ...] = ()
    rungs: tuple[Rung, ...] = ()
    metric: str = ""
    proof_above: int | None = None

    @property
    def is_live(self) -> bool:
        return self.program is not None

    @property
    def first_prize(self) -> Prize | None:
        """What one gets first."""
        priced = [prize for prize in self.prizes if prize.cost and prize.stock != 0]
        return min(priced, key=lambda prize: prize.cost, default=None)

    @property
    def way(self) -> int:
        """How many visits, or minor units, lead to the first prize; 0 where nobody can say."""
        prize, earning = self.first_prize, self.earning
        if prize is None or earning is None or not earning.points:
            return 0
        steps = math.ceil(max(0, prize.cost - self.bonus) / earning.points)
        return steps * (earning.per or 1)

    def needs_proof(self, cost: int) -> bool:
        return self.proof_above is not None and cost > self.proof_above


SHOWCASE = Kept("showcase", Showcase, seconds=60, of=[EarnRule, Program, Reward, Shop, Tier])


def showcase() -> Showcase:
    """The showcase of the shop we are inside: no statement, or five."""
    return SHOWCASE.get(_read)


def _read() -> Showcase:
    program = programs.live()
    if program is None:
        return Showcase()
    policy = Policy.read(program.policy)
    offered = Reward.objects.filter(program=program.pk, status=Reward.Status.LIVE)
    tiers = Tier.objects.filter(program=program.pk).order_by("threshold")
    return Showcase(
        program=program.pk,
        unit=program.unit,
        unit_words=program.unit_words,
        bonus=policy.enrol_bonus,
        earning=_earning(program),
        prizes=tuple(_prize(row) for row in offered.order_by("position", "cost", "id")),
        rungs=tuple(Rung(row.pk, row.name, row.threshold) for row in tiers),
        metric=policy.tiers.metric,
        proof_above=Shop.objects.values_list("proof_above", flat=True).get(),
    )


def _prize(row: Reward) -> Prize:
    return Prize(
        id=row.pk,
        name=row.name,
        kind=row.kind,
        cost=row.cost,
        value=row.value,
        conditions=row.conditions,
        per_member=row.per_member,
        stock=row.stock,
        is_auto=row.is_auto,
    )


def _earning(program: Program) -> Earning | None:
    """The first rule that holds for everybody, always and for everything."""
    kinds = (EarnRule.Kind.SPEND, EarnRule.Kind.VISIT)
    for row in EarnRule.objects.filter(program=program.pk, kind__in=kinds).order_by("id"):
        if conditions.read(row.conditions) == conditions.NONE:
            return Earning(row.kind, row.points, row.per if row.kind == "spend" else 0)
    return None
