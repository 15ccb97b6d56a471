"""What pricing a sale costs, by how many rules a shop has and by how many of them apply.

    python -m bench.pricing

Pure Python on one core: no database. CPU seconds, the median of rounds in turns; the figures to
keep are the ratios. The sales are of ninety days at all hours. Rules that do not apply are for
other hours, places, tiers and goods, or for larger sales.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from zoneinfo import ZoneInfo

from bench.stage import interleaved, table
from loyalty.conditions import read
from loyalty.policy import Caps, Exclude
from loyalty.pricing import Basket, Line, Price, Rule, Situation, Terms, reprice
from loyalty.tariff import Tariff

ROUNDS, SALES = 7, 4_000
ZONE = ZoneInfo("Europe/Berlin")
BEGINS = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
GOODS = [Line(f"sku {n}", "goods", amount=1 + 37 * n % 900) for n in range(5)]

Sale = tuple[Basket, Situation]


def main() -> None:
    bare, with_lines = sales(), sales(lines=GOODS)
    plain = applying(1)
    ways = {
        "one plain rule": (None, priced(plain, bare)),
        "10 rules, all apply": (10, priced(applying(10), bare)),
        "50 rules, all apply": (50, priced(applying(50), bare)),
        "10 rules, one applies": (1.5, priced(idle_but_one(10), bare)),
        "50 rules, one applies": (1.5, priced(idle_but_one(50), bare)),
        "500 rules, one applies": (1.5, priced(idle_but_one(500), bare)),
        "five lines, one plain rule": (None, priced(plain, with_lines)),
        "five lines, 500 rules, one applies": (None, priced(idle_but_one(500), with_lines)),
        "five lines, one of everything": (None, priced(everything(), with_lines)),
        "a plain sale and its snapshot": (None, priced(plain, bare, Price.snapshot)),
        "a plain sale repriced": (None, repriced(plain, bare)),
        "one of everything repriced": (None, repriced(everything(), with_lines)),
        "10 rules made ready for one sale": (None, compiled(idle_but_one(10).terms, bare)),
    }
    costs = [each / SALES for each in interleaved(ROUNDS, 1, *(way for _, way in ways.values()))]
    table(
        "Sales a second and core, and the cost of one as a multiple of one with a plain rule",
        [
            (name, f"{1 / cost:,.0f} / s", f"{cost / costs[0]:.2f} ×" + goal(limit))
            for (name, (limit, _)), cost in zip(ways.items(), costs, strict=True)
        ],
    )
    print(f"  a sale with one plain rule: {costs[0] * 1e6:.1f} µs")


def goal(limit: float | None) -> str:
    return f", goal ≤ {limit} ×" if limit else ""


def sales(lines: Sequence[Line] = ()) -> list[Sale]:
    """Sales at any minute of ninety days, of 1.00 to 80.00 beside their lines."""
    draw = random.Random(20260302)  # noqa: S311
    least = sum(line.amount for line in lines)
    return [
        (
            Basket(least + draw.randrange(100, 8000), lines=lines),
            Situation(
                BEGINS + dt.timedelta(minutes=draw.randrange(90 * 24 * 60)),
                location="Harbour",
                tier="Silver",
            ),
        )
        for _ in range(SALES)
    ]


def applying(count: int) -> Tariff:
    """So many plain rules, each of which gives something."""
    rules = [Rule(f"r{n}", "spend", 1, 100 + n) for n in range(count)]
    return Tariff(Terms(rules, zone=ZONE))


def idle_but_one(count: int) -> Tariff:
    """One plain rule, and others that never apply to these sales, for five kinds of reasons."""
    never = (
        lambda n: {"from": "2027-01-01", "days": ["tue"], "hours": f"{n % 12 + 8:02}:00-21:00"},
        lambda n: {"locations": [f"Station {n}"]},
        lambda n: {"tiers": [f"Tier {n}"]},
        lambda n: {"skus": [f"other {n}"]},
        lambda n: {"min_spend": 100_000 + n},
    )
    others = [
        Rule(f"o{n}", "spend", 1, 100, conditions=read(never[n % 5](n))) for n in range(count - 1)
    ]
    return Tariff(Terms([Rule("r", "spend", 1, 100), *others], zone=ZONE))


def everything() -> Tariff:
    """A café that uses all of it."""
    rules = [
        Rule("base", "spend", 1, 100),
        Rule("happy", "multiplier", factor=Fraction(2), conditions=read({"hours": "14:00-17:00"})),
        Rule("goods", "multiplier", factor=Fraction(3, 2), conditions=read({"skus": ["sku 1"]})),
        Rule("units", "item", 1, conditions=read({"skus": ["sku 2", "sku 3"]})),
        Rule("bonus", "bonus", 50, conditions=read({"min_spend": 5000, "days": ["tue", "wed"]})),
    ]
    exclude, caps = Exclude(skus=frozenset({"sku 4"})), Caps(points_per_day=150)
    return Tariff(Terms(rules, exclude=exclude, caps=caps, carries=True, zone=ZONE))


def priced(
    tariff: Tariff, made: Sequence[Sale], then: Callable[[Price], object] = bool
) -> Callable[[], None]:
    """Prices every sale, and does with it what follows."""

    def work() -> None:
        for basket, situation in made:
            then(tariff.price(basket, situation))

    return work


def repriced(tariff: Tariff, made: Sequence[Sale]) -> Callable[[], None]:
    """Prices what remains of every sale."""
    kept = [(tariff.price(*sale).snapshot(), sale[0]) for sale in made]

    def work() -> None:
        for snapshot, basket in kept:
            reprice(snapshot, basket)

    return work


def compiled(terms: Terms, made: Sequence[Sale]) -> Callable[[], None]:
    """Prices every sale with a tariff of its own, as a command that read the rules does."""

    def work() -> None:
        for basket, situation in made:
            Tariff(terms).price(basket, situation)

    return work


if __name__ == "__main__":
    main()
