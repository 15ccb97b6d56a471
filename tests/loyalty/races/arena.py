"""Where a race takes place: a shop whose rows are committed, and a crew."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from loyalty import programs
from loyalty.enrolment import enrol, find
from loyalty.imports import import_members
from loyalty.models import Member, Reward
from portal.testbed import THOROUGH
from tenants.actors import Actor
from tenants.context import inside
from tenants.devices import pair
from tests.conftest import NOW, Shop, make_shop
from tests.loyalty.races.crew import HANDS, Crew, Outcomes

ROUNDS = 50 if os.environ.get(THOROUGH) == "1" else 2
_number = itertools.count(1)


@dataclass
class Arena:
    """A shop whose rows are committed, with a till for each hand."""

    shop: Shop
    crew: Crew
    tills: list[Actor]
    owner: Actor
    number: int = 0

    def rounds(self) -> Iterator[int]:
        yield from range(ROUNDS)

    def key(self) -> str:
        """A key, a card or a name that nothing else has."""
        self.number += 1
        return f"n{self.number}"

    def member(self, **told: Any) -> Member:
        """A new member."""
        return enrol(card=self.key(), at=NOW, by=self.owner, **told)

    def members(self, *points: int) -> list[Member]:
        """As many new members, each with so many points."""
        rows = [{"card": self.key(), "points": each} for each in points]
        import_members(rows, name=self.key(), at=NOW, by=self.owner)
        return [find(card=row["card"]) for row in rows]

    def reward(self, **told: Any) -> Reward:
        return Reward.objects.create(
            program=self.shop.program, name=self.key(), **{"kind": "gift", "cost": 50, **told}
        )

    def policy(self, **changes: Any) -> None:
        programs.set_policy(self.shop.program, changes, at=NOW, by=self.owner)

    def race(self, *calls: Callable[[], Any], seed: int) -> Outcomes:
        return self.crew.race(self.shop.tenant.pk, calls, seed=seed)

    def voucher(self, issue: Callable[..., Any], kind: str, **told: Any) -> Any:
        return issue(kind, at=NOW, by=self.owner, key=self.key(), **told)

    def call(self, verb: Callable[..., Any], *args: Any, **told: Any) -> partial[Any]:
        """A call under a key of its own."""
        return partial(verb, *args, key=self.key(), **told)

    def everybody(self, verb: Callable[..., Any], *args: Any, **told: Any) -> list[partial[Any]]:
        """The same call for each hand, each at its own till and under its own key."""
        return [self.call(verb, *args, by=till, **told) for till in self.tills]


@contextmanager
def opened(crew: Crew) -> Iterator[Arena]:
    """A new shop, entered."""
    shop = make_shop(f"race-{next(_number)}")
    with inside(shop.tenant):
        devices = [pair(f"Till {n}", shop.location, at=NOW)[0] for n in range(HANDS)]
        tills = [Actor.at_till(shop.cashier, device) for device in devices]
        yield Arena(shop, crew, tills, Actor.of_staff(shop.owner))
