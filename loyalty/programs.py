"""Programs: the terms of the one that is live. What a shop opens with: loyalty.presets."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Case, When
from django.utils.translation import gettext_lazy as _

from loyalty import conditions, policy
from loyalty.calendar import local_date
from loyalty.models import Account, EarnRule, Program, Reward
from loyalty.policy import Policy
from loyalty.refusals import BadSetting, Overtaken
from loyalty.tariff import Tariff
from loyalty.terms import Rule, Terms
from loyalty.tiers import Ladder, ladder_of
from tenants.actors import Actor
from tenants.trace import write

MOST = 10**9  # points or minor units of a rule: a database integer holds it
MOST_TIMES = 100
LONGEST_NAME, LONGEST_WORD = 80, 24


def live() -> Program | None:
    """The program that earns now."""
    found: Program | None = Program.objects.filter(status=Program.Status.LIVE).first()
    return found


def current() -> Program | None:
    """The program that is live, or was last: whose points a shop's figures are in. None before its
    first one is.
    """
    told = Program.objects.exclude(status=Program.Status.DRAFT).order_by(
        Case(When(status=Program.Status.LIVE, then=0), default=1), "-id"
    )
    found: Program | None = told.first()
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


def data_of(row: EarnRule) -> dict[str, Any]:
    """A rule as data (EarnRule fields as JSON), without what is at its default: two rules that
    promise the same have the same.
    """
    factor = Fraction(row.factor)
    found = {
        "name": row.name,
        "points": row.points,
        "per": row.per,
        "is_smooth": row.is_smooth,
        "factor": "" if factor == 1 else format(Decimal(row.factor).normalize(), "f"),
        "conditions": conditions.read(row.conditions).as_data(),
    }
    return {"kind": row.kind, **{name: value for name, value in found.items() if value}}


def rows_of(program: Program, rules: Sequence[dict[str, Any]]) -> list[EarnRule]:
    """A row for each of these rules (EarnRule fields): the one that is in force where it promises
    the same, whose limits go on counting, else one that is not saved.

    Raises BadConditions and BadSetting, which name the field.
    """
    found: list[EarnRule] = []
    living = list(EarnRule.objects.filter(program=program.pk).order_by("id"))
    told = [(row, data_of(row)) for row in living]
    for rule in rules:
        check_rule(rule)
        row = EarnRule(program=program, **rule)
        wanted = data_of(row)
        same = next((each for each in told if each[1] == wanted), None)
        if same:
            told.remove(same)
        found.append(same[0] if same else row)
    return found


def check_rule(rule: Mapping[str, Any]) -> None:
    """Raises BadConditions and BadSetting for a rule (EarnRule fields) that cannot be, by the name
    of its field.
    """
    kind, kinds = rule.get("kind"), EarnRule.Kind
    points, per = rule.get("points", 0), rule.get("per", 0)
    try:
        factor = Fraction(str(rule.get("factor") or 1))
    except (ValueError, ZeroDivisionError):
        factor = Fraction(0)
    wrong: list[tuple[bool, str, Any]] = [
        (kind not in kinds.values, "kind", _("There is no such kind of rule.")),
        (kind != kinds.MULTIPLIER and points < 1, "points", _("Say how many it gives.")),
        (kind == kinds.SPEND and per < 1, "per", _("Say for how much money.")),
        (max(points, per) > MOST, "points" if points > MOST else "per", _("That is too much.")),
        (not 1 <= factor <= MOST_TIMES, "factor", _("Give a number from 1 to 100.")),
        (len(rule.get("name", "")) > LONGEST_NAME, "name", _("That name is too long.")),
    ]
    for is_wrong, name, why in wrong:
        if is_wrong:
            raise BadSetting(name, why)
    conditions.read(rule.get("conditions", {}))


def set_rules(
    program: Program, rules: Sequence[dict[str, Any]], *, at: dt.datetime, by: Actor
) -> list[EarnRule]:
    """Replace the program's rules by these (EarnRule fields). One that promises what a rule of now
    promises is that rule, and its limits go on counting. Sales of before keep the old ones in their
    snapshot.

    Raises BadConditions and BadSetting, having changed nothing.
    """
    with transaction.atomic():
        new = rows_of(program, rules)
        kept = {row.pk for row in new}
        gone = [r for r in EarnRule.objects.filter(program=program.pk) if r.pk not in kept]
        for row in gone:
            row.retire(at=at, by=by.who)
        made = [row for row in new if row._state.adding]
        for row in made:
            row.save(force_insert=True)
        changed = {"retired": len(gone), "made": len(made)}
        write(by, "rules.replaced", program.pk, at=at, after=changed)
    return new


def set_figuring(
    program: Program, *, rounding: str, carries: bool, at: dt.datetime, by: Actor
) -> Program:
    """How fractions of a point are rounded, and whether what is left of a spend counts next time.
    The same again changes nothing. Raises BadSetting.
    """
    if rounding not in Program.Rounding.values:
        raise BadSetting("rounding", _("There is no such way to round."))
    with transaction.atomic():
        locked: Program = Program.objects.select_for_update(of=("self",)).get(pk=program.pk)
        before = {"rounding": locked.rounding, "carries": locked.carries}
        after = {"rounding": rounding, "carries": carries}
        if before != after:
            locked.rounding, locked.carries = rounding, carries
            locked.save(update_fields=["rounding", "carries"])
            write(by, "program.changed", program.pk, at=at, before=before, after=after)
    return locked


def seen_words(program: Program) -> str:
    """A name for the words that are before somebody's eyes; it changes with them."""
    return hashlib.sha256(json.dumps(program.unit_words, sort_keys=True).encode()).hexdigest()[:16]


def set_words(
    program: Program,
    words: Mapping[str, Sequence[str]],
    *,
    seen_as: str,
    at: dt.datetime,
    by: Actor,
) -> Program:
    """What the program's points are called: for a language its plural forms in CLDR's order. A
    language without any gets ours. Raises BadSetting, which names the language, and Overtaken.
    """
    told = {language: [form.strip() for form in forms] for language, forms in words.items()}
    for language, forms in told.items():
        if any(forms) and not all(forms):
            raise BadSetting(language, _("Fill in all of them, or none."))
        if any(len(form) > LONGEST_WORD for form in forms):
            raise BadSetting(language, _("That word is too long."))
    with transaction.atomic():
        locked: Program = Program.objects.select_for_update(of=("self",)).get(pk=program.pk)
        if seen_words(locked) != seen_as:
            raise Overtaken
        before, after = locked.unit_words, {key: forms for key, forms in told.items() if all(forms)}
        if before != after:
            locked.unit_words = after
            locked.save(update_fields=["unit_words"])
            changed = {"before": {"unit_words": before}, "after": {"unit_words": after}}
            write(by, "program.changed", program.pk, at=at, **changed)
    return locked


def without_nothing(found: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without those that are None, which are at their default."""
    return {name: value for name, value in found.items() if value is not None}


def look_at_all(program: Program, at: dt.datetime) -> None:
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
        told = without_nothing({**locked.policy, **changes})
        if Policy.read(told).expiry.mode == policy.INACTIVITY and "expiry" in changes:
            today = local_date(at, ZoneInfo(locked.tenant.zone))
            told["expiry"] = {"since": today.isoformat(), **told["expiry"]}
        if {"expiry", "tiers"} & changes.keys():
            look_at_all(locked, at)
        before = {name: locked.policy.get(name) for name in changes}
        locked.policy = told
        locked.save(update_fields=["policy"])
        write(by, "program.changed", program.pk, at=at, before=before, after=changes)
    return locked
