"""What the counter of a shop is used to: the amounts that sales come to, how they earn, and what
people collect for. For the screens of the till; kept for a little while, never decided by.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from loyalty.models import EarnRule, Program, Purchase, Reward
from tenants.reads import Kept

LEARNT_FROM = 200  # sales
OFFERED = 5  # usual amounts
OFTEN = 3  # so often at least, or it is no habit


@dataclass(frozen=True, slots=True)
class Goal:
    """A reward that people collect for."""

    name: str
    cost: int


@dataclass(frozen=True, slots=True)
class Habits:
    """`amounts` are the usual totals in minor units, from small to large. `unit` and its words are
    those of the live program ("" without one), `counts_items` whether it gives so much for each
    thing sold.
    `goals` are what can be collected for, the cheapest first.
    """

    amounts: tuple[int, ...] = ()
    unit: str = ""
    unit_words: dict[str, list[str]] = field(default_factory=dict)
    counts_items: bool = False
    goals: tuple[Goal, ...] = ()

    @property
    def stamps(self) -> bool:
        """Is a card stamped here, rather than money counted?"""
        return self.unit == Program.Unit.STAMP

    def next_goal(self, points: int) -> Goal | None:
        """The cheapest that so many points do not reach."""
        return next((goal for goal in self.goals if goal.cost > points), None)


# Not the sales: what is usual does not change with one of them, and each would end it.
HABITS = Kept("habits", Habits, seconds=60, of=[EarnRule, Program, Reward], remembered=5)


def habits() -> Habits:
    """Those of the shop we are inside, up to a minute old. No statement, or four."""
    return HABITS.get(_read)


def usual(totals: list[int]) -> tuple[int, ...]:
    """The amounts that come again and again among these, from small to large."""
    seen = Counter(total for total in totals if total > 0)
    often = [total for total, times in seen.most_common(OFFERED) if times >= OFTEN]
    return tuple(sorted(often))


def _read() -> Habits:
    program = Program.objects.filter(status=Program.Status.LIVE).first()
    if program is None:
        return Habits()
    kinds = set(EarnRule.objects.filter(program=program.pk).values_list("kind", flat=True))
    live = Reward.objects.filter(program=program.pk, status=Reward.Status.LIVE, cost__gt=0)
    goals = live.order_by("cost", "position", "id").values_list("name", "cost")
    latest = Purchase.objects.order_by("-occurred_at").values_list("total", flat=True)
    return Habits(
        amounts=usual(list(latest[:LEARNT_FROM])),
        unit=program.unit,
        unit_words=program.unit_words,
        counts_items=EarnRule.Kind.ITEM in kinds,
        goals=tuple(Goal(name, cost) for name, cost in goals),
    )
