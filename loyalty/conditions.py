"""When a rule or a reward applies: what its `conditions` may say, read strictly.

    {"from": "2026-05-01", "until": "2026-05-31", "days": ["tue"], "hours": "14:00-17:00",
     "skus": [], "categories": ["cakes"], "tiers": ["Gold"], "locations": ["Harbour"],
     "min_spend": 1000, "limit": {"times": 1, "per": "day"}, "total_uses": 100,
     "max_discount": 1500, "max_percent": 50, "min": 500, "rate": {"points": 1, "value": 1}}

Every key may be left out. Amounts are minor units, days and hours those of the shop.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from loyalty import windows
from loyalty.reading import Fields
from loyalty.refusals import BadConditions
from loyalty.windows import ALL, ALWAYS, PERIODS, Opening, Window


@dataclass(frozen=True, slots=True)
class Limit:
    """So many times for each member in each period (windows.period), or at all."""

    times: int
    per: str = ALL


@dataclass(frozen=True, slots=True)
class Rate:
    """`points` pay `value` minor units."""

    points: int
    value: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """When a rule or a reward applies; at its defaults, always.

    `skus` and `categories`: the lines it is about, which match by either. `min_spend`: what the
    sale must come to, inclusive. `limit`: for each member; `total_uses`: for all together.
    `max_discount`, `max_percent` (of the bill), `min_points` and `rate` are for rewards.
    """

    window: Window = ALWAYS
    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    locations: frozenset[str] = frozenset()
    min_spend: int = 0
    limit: Limit | None = None
    total_uses: int | None = None
    max_discount: int | None = None
    max_percent: int | None = None
    min_points: int = 0
    rate: Rate | None = None

    @property
    def selects(self) -> bool:
        """Is it about some lines only?"""
        return bool(self.skus or self.categories)

    @property
    def is_limited(self) -> bool:
        """Can it be used up?"""
        return self.limit is not None or self.total_uses is not None

    def matches(self, sku: str, category: str) -> bool:
        """Is it about such a line?"""
        return not self.selects or sku in self.skus or category in self.categories

    def is_open(self, at: dt.datetime, zone: dt.tzinfo) -> bool:
        """Is its window open at that instant?"""
        return not self.window or self.window.is_open(at, zone)

    def is_for(self, tier: str, location: str) -> bool:
        """Is it for members of that tier, at that location? Both by name, "" for none."""
        return (not self.tiers or tier in self.tiers) and (
            not self.locations or location in self.locations
        )

    def as_data(self) -> dict[str, object]:
        """The JSON that reads back as these conditions."""
        found = windows.as_data(self.window)
        for name in ("skus", "categories", "tiers", "locations"):
            if names := getattr(self, name):
                found[name] = sorted(names)
        if self.limit:
            found["limit"] = {"times": self.limit.times, "per": self.limit.per}
        if self.rate:
            found["rate"] = {"points": self.rate.points, "value": self.rate.value}
        for name, value in (
            ("min_spend", self.min_spend or None),
            ("total_uses", self.total_uses),
            ("max_discount", self.max_discount),
            ("max_percent", self.max_percent),
            ("min", self.min_points or None),
        ):
            if value is not None:
                found[name] = value
        return found


NONE = Conditions()


def read(found: Mapping[str, object]) -> Conditions:
    """The conditions in a rule's or a reward's JSON. {} is none at all.

    Raises BadConditions, which names the field: a value that cannot be, or a key nobody knows.
    """
    if not found:
        return NONE
    given = Fields(found, BadConditions)
    conditions = Conditions(
        window=windows.read(given),
        skus=given.names("skus"),
        categories=given.names("categories"),
        tiers=given.names("tiers"),
        locations=given.names("locations"),
        min_spend=given.number("min_spend"),
        limit=_limit(given),
        total_uses=given.whole("total_uses", least=1),
        max_discount=given.whole("max_discount"),
        max_percent=given.whole("max_percent", least=1, most=100),
        min_points=given.number("min"),
        rate=_rate(given),
    )
    given.done()
    return conditions


def next_windows(
    conditions: Conditions, at: dt.datetime, zone: dt.tzinfo, n: int = 3
) -> list[Opening]:
    """The next `n` times the conditions are open, in UTC; the first may have begun already."""
    return windows.next_openings(conditions.window, at, zone, n)


def _limit(given: Fields) -> Limit | None:
    if not given.has("limit"):
        given.whole("limit")
        return None
    part = given.part("limit")
    times = part.whole("times", least=1)
    limit = Limit(times or 1, part.choice("per", PERIODS))
    part.done()
    if times is None:
        raise part.refuse("times", _("Say how many times."))
    return limit


def _rate(given: Fields) -> Rate | None:
    if not given.has("rate"):
        given.whole("rate")
        return None
    part = given.part("rate")
    points, value = part.whole("points", least=1), part.whole("value", least=1)
    part.done()
    if points is None or value is None:
        name = "value" if points else "points"
        raise part.refuse(name, _("Say how many points pay how much."))
    return Rate(points, value)
