"""Programs: what a shop opens with, and the terms of the one that is live."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from loyalty import conditions, policy
from loyalty.calendar import local_date
from loyalty.models import Account, EarnRule, Program, Reward
from loyalty.policy import Policy
from loyalty.tariff import Tariff
from loyalty.terms import Rule, Terms
from loyalty.tiers import Ladder, ladder_of
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


@dataclass(slots=True)
class Promise:
    """A program as its commands read it: the policy, and what is read only where it is asked for:
    the rules as a tariff, the tiers, the rewards that issue themselves.
    """

    program: Program
    policy: Policy
    zone: ZoneInfo
    _tariff: Tariff | None = None
    _ladder: Ladder | None = None
    _automatic: list[Reward] | None = None

    @property
    def tariff(self) -> Tariff:
        if self._tariff is None:
            self._tariff = Tariff(terms_of(self.program, zone=self.zone, policy=self.policy))
        return self._tariff

    @property
    def ladder(self) -> Ladder | None:
        if self._ladder is None and "tiers" in self.program.policy:
            self._ladder = ladder_of(self.program, self.policy.tiers, self.zone)
        return self._ladder

    @property
    def automatic(self) -> list[Reward]:
        """Rewards that are issued as soon as their cost is there, the dearest first."""
        if self._automatic is None:
            found = Reward.objects.filter(
                program=self.program.pk, is_auto=True, status=Reward.Status.LIVE
            )
            self._automatic = list(found.order_by("-cost", "id"))
        return self._automatic

    def available_at(self, at: dt.datetime) -> dt.datetime:
        """When what a sale at `at` earns can be spent."""
        return policy.available_at(self.policy, at, self.zone)

    def expires_at(self, at: dt.datetime) -> dt.datetime | None:
        """The first instant without points that were credited at `at`; None for never."""
        return policy.expires_at(self.policy, at, self.zone)

    def dies_of_silence(self, last_activity: dt.datetime) -> dt.datetime | None:
        """When points die because nobody came since; None where they do not."""
        return policy.inactive_at(self.policy, last_activity, self.zone)


def promise_of(program: Program, *, zone: str) -> Promise:
    """Raises BadPolicy where the row says what Policy does not know."""
    return Promise(program, Policy.read(program.policy), ZoneInfo(zone))


def terms_of(program: Program, *, zone: ZoneInfo, policy: Policy) -> Terms:
    """The program's rules, in the order they were made, ready for pricing. One statement."""
    rules = EarnRule.objects.filter(program=program.pk).order_by("id")
    return Terms(
        rules=tuple(rule_of(row) for row in rules),
        rounding=program.rounding,
        carries=program.carries,
        basis=policy.basis,
        tax=policy.tax,
        exclude=policy.exclude,
        caps=policy.caps,
        zone=zone,
    )


def rule_of(row: EarnRule) -> Rule:
    """A rule as pricing knows it."""
    return Rule(
        id=str(row.pk),
        kind=row.kind,
        points=row.points,
        per=row.per,
        is_smooth=row.is_smooth,
        factor=Fraction(row.factor),
        conditions=conditions.read(row.conditions),
        name=row.name,
    )


def set_rules(
    program: Program, rules: Sequence[dict[str, Any]], *, at: dt.datetime, by: Actor
) -> list[EarnRule]:
    """Replace the program's rules by these (EarnRule fields). Sales of before keep the old ones in
    their snapshot.

    Raises BadConditions, having changed nothing.
    """
    for rule in rules:
        conditions.read(rule.get("conditions", {}))
    with transaction.atomic():
        old = list(EarnRule.objects.filter(program=program.pk))
        for row in old:
            row.retire(at=at, by=by.who)
        new = [EarnRule.objects.create(program=program, **rule) for rule in rules]
        changed = {"retired": len(old), "made": len(new)}
        write(by, "rules.replaced", program.pk, at=at, after=changed)
    return new


def _look_at_all(program: Program, at: dt.datetime) -> None:
    """What time will do to these accounts has changed: whoever has points or a tier is due now, so
    that the next command, or the sweep, finds the new moment. Locked in the order of all commands.
    """
    accounts = Account.objects.filter(program=program.pk).exclude(balance=0, pending=0, tier=None)
    rows = accounts.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True)
    Account.objects.filter(pk__in=list(rows)).update(next_change_at=at)


def set_policy(program: Program, changes: dict[str, Any], *, at: dt.datetime, by: Actor) -> Program:
    """Change what the program promises beside its rules. `changes` are fields of Policy as data;
    one that is None goes back to its default. Raises BadPolicy, having changed nothing.

    Points that were given keep the dates they were given with. Where they are to die because nobody
    comes, that time begins with the day of this change.
    """
    with transaction.atomic():
        locked: Program = (
            Program.objects.select_for_update(of=("self",))
            .select_related("tenant")
            .get(pk=program.pk)
        )
        told = {k: v for k, v in {**locked.policy, **changes}.items() if v is not None}
        if Policy.read(told).expiry.mode == policy.INACTIVITY and "expiry" in changes:
            today = local_date(at, ZoneInfo(locked.tenant.zone))
            told["expiry"] = {"since": today.isoformat(), **told["expiry"]}
        if {"expiry", "tiers"} & changes.keys():
            _look_at_all(locked, at)
        before = {name: locked.policy.get(name) for name in changes}
        locked.policy = told
        locked.save(update_fields=["policy"])
        write(by, "program.changed", program.pk, at=at, before=before, after=changes)
    return locked
