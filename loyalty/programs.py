"""Programs: what a shop opens with, and the terms of the one that is live."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from loyalty.models import EarnRule, Program
from loyalty.pricing import Rule, Terms
from tenants.actors import Actor
from tenants.trace import write

# Plural forms in CLDR's order: English one, other; Arabic zero, one, two, few, many, other.
POINTS = {
    "en": ["point", "points"],
    "ar": ["نقطة", "نقطة", "نقطتان", "نقاط", "نقطة", "نقطة"],
    "bn": ["পয়েন্ট", "পয়েন্ট"],
}
STAMPS = {
    "en": ["stamp", "stamps"],
    "ar": ["ختم", "ختم", "ختمان", "أختام", "ختمًا", "ختم"],
    "bn": ["স্ট্যাম্প", "স্ট্যাম্প"],
}


@dataclass(frozen=True, slots=True)
class Preset:
    """What a shop can begin with. `rules` are EarnRule fields; a `per` counts major units of its
    currency.
    """

    name: str
    unit: str
    words: dict[str, list[str]]
    rules: list[dict[str, Any]]
    options: dict[str, Any] = field(default_factory=dict)


PRESETS = {
    "points": Preset(
        "Points", Program.Unit.POINT, POINTS, [{"kind": "spend", "points": 1, "per": 1}]
    ),
    "visits": Preset("Visits", Program.Unit.STAMP, STAMPS, [{"kind": "visit", "points": 1}]),
    "cashback": Preset(
        "Cashback",
        Program.Unit.MONEY,
        {},
        [{"kind": "spend", "points": 5, "per": 100, "is_smooth": True}],
    ),
}


def start(preset: str, *, minor_units: int, at: dt.datetime, by: Actor) -> Program:
    """Make a preset the shop's live program. `minor_units` is how many its currency's unit has
    (100).

    A shop has one live program: a second start is refused by the database. KeyError for no preset.
    """
    begun = PRESETS[preset]
    program: Program = Program.objects.create(
        name=begun.name,
        unit=begun.unit,
        unit_words=begun.words,
        status=Program.Status.LIVE,
        **begun.options,
    )
    for rule in begun.rules:
        per = rule.get("per", 0) * minor_units
        EarnRule.objects.create(program=program, **{**rule, "per": per})
    write(by, "program.started", program.pk, at=at, after={"preset": preset})
    return program


def live() -> Program | None:
    """The program that earns now."""
    found: Program | None = Program.objects.filter(status=Program.Status.LIVE).first()
    return found


def terms_of(program: Program) -> Terms:
    """The program's rules, in the order they were made, ready for pricing. One statement."""
    rules = EarnRule.objects.filter(program=program.pk).order_by("id")
    return Terms(
        rules=tuple(Rule(str(r.pk), r.kind, r.points, r.per, r.is_smooth) for r in rules),
        rounding=program.rounding,
        carries=program.carries,
    )
