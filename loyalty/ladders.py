"""What an owner does with tiers: add, change and remove them. Whom that moves, reached.py tells.

Tiers are told apart by their names, because rules and rewards name them: a new name is written
there too. Nobody falls because a threshold rose: what was reached lasts its time. Whoever has
reached a lower one rises with her next sale.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loyalty import programs
from loyalty.models import Account, Draft, EarnRule, Program, Reward, Tier
from loyalty.policy import SPEND, Policy, TierPolicy
from loyalty.refusals import BadSetting, Overtaken
from tenants.actors import Actor
from tenants.trace import write

FIELDS = ("name", "threshold", "multiplier", "perks")
MOST, MOST_TIMES, MOST_TIERS = 10**12, 100, 12
LONGEST_NAME, LONGEST_PERK, MOST_PERKS = 40, 120, 12


def all_of(program: Program) -> list[Tier]:
    """The program's tiers, lowest first."""
    return list(Tier.objects.filter(program=program.pk).order_by("threshold"))


def seen(tier: Tier) -> str:
    """A name for a tier as it is before somebody's eyes; it changes with it."""
    times = str(Decimal(tier.multiplier).normalize())
    told = json.dumps([tier.name, tier.threshold, times, tier.perks])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def create(program: Program, *, at: dt.datetime, by: Actor, **fields: Any) -> Tier:
    """A new tier of the program; `fields` are FIELDS. The first one begins at 0, where everybody
    starts.

    Raises BadSetting, having changed nothing.
    """
    with transaction.atomic():
        locked = _lock(program)
        tier = Tier(program=locked, **fields)
        others = all_of(locked)
        if len(others) >= MOST_TIERS:
            raise BadSetting("name", _("Nobody can tell so many tiers apart."))
        _check(tier, others)
        tier.save(force_insert=True)
        if "tiers" not in locked.policy:
            programs.set_policy(locked, {"tiers": {"metric": SPEND}}, at=at, by=by)
        else:
            programs.look_at_all(locked, at)
        write(by, "tier.created", tier.pk, at=at, after=_told(tier))
    return tier


def change(tier: Tier, *, seen_as: str, at: dt.datetime, by: Actor, **fields: Any) -> Tier:
    """Another name, threshold, multiplier, other perks. Raises BadSetting and Overtaken, having
    changed nothing.
    """
    with transaction.atomic():
        program = _lock(tier.program)
        locked: Tier = Tier.objects.select_for_update().get(pk=tier.pk)
        if seen(locked) != seen_as:
            raise Overtaken
        before, old = _told(locked), locked.name
        for name, value in fields.items():
            setattr(locked, name, value)
        _check(locked, [each for each in all_of(program) if each.pk != tier.pk])
        locked.save(update_fields=list(FIELDS))
        if old != locked.name:
            _rename(program, old, locked.name)
        programs.look_at_all(program, at)
        write(by, "tier.changed", tier.pk, at=at, before=before, after=_told(locked))
    return locked


def remove(tier: Tier, *, at: dt.datetime, by: Actor) -> None:
    """Take a tier away; whoever is in it is in the next lower one. Again changes nothing.

    Raises BadSetting where a rule or a reward is for its members, and for the lowest while there
    are others.
    """
    with transaction.atomic():
        program = _lock(tier.program)
        tiers = all_of(program)
        place = next((n for n, each in enumerate(tiers) if each.pk == tier.pk), None)
        if place is None:
            return
        if place == 0 and len(tiers) > 1:
            raise BadSetting("name", _("Everybody starts in the lowest tier. Remove it last."))
        if _named(program, tier.name):
            raise BadSetting(
                "name", _("A rule or a reward is for its members. Change that one first.")
            )
        below = tiers[place - 1] if place else None
        _step_down(program, tier, below)
        tiers[place].retire(at=at, by=by.who)
        if below is None:
            programs.set_policy(program, {"tiers": None}, at=at, by=by)
        else:
            programs.look_at_all(program, at)
        write(by, "tier.removed", tier.pk, at=at, before=_told(tier))


def seen_window(program: Program, tiers: Collection[Tier]) -> str:
    """A name for how one climbs as it is before somebody's eyes: by what, over which time, and
    where each tier begins.
    """
    begins = sorted([str(tier.pk), tier.threshold] for tier in tiers)
    told = json.dumps([program.policy.get("tiers"), begins], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def set_window(
    program: Program,
    told: Mapping[str, Any],
    *,
    thresholds: Mapping[UUID, int] | None = None,
    keeps: bool = False,
    seen_as: str,
    at: dt.datetime,
    by: Actor,
) -> Program:
    """By what tiers are earned, and over which time (policy.TierPolicy as data).

    By something else (visits, and no longer money) a threshold means something else: each tier
    above the lowest needs a new one then, in `thresholds` by its id, or `keeps` says that the
    numbers stay. Otherwise `thresholds` are not read.

    Raises BadPolicy, BadSetting ("thresholds.<id>") and Overtaken, having changed nothing.
    """
    with transaction.atomic():
        locked = _lock(program)
        tiers = all_of(locked)
        if seen_window(locked, tiers) != seen_as:
            raise Overtaken
        before = policy_of(locked).metric
        changed = programs.set_policy(locked, {"tiers": dict(told)}, at=at, by=by)
        if policy_of(changed).metric != before:
            _begin_elsewhere(tiers, thresholds or {}, keeps=keeps, at=at, by=by)
    return changed


# Inside


def _begin_elsewhere(
    tiers: list[Tier],
    thresholds: Mapping[UUID, int],
    *,
    keeps: bool,
    at: dt.datetime,
    by: Actor,
) -> None:
    """Give each tier above the lowest its new threshold; where `keeps`, some may have none."""
    upper = [tier for tier in tiers if tier.threshold]
    before = {tier.pk: _told(tier) for tier in upper}
    for tier in upper:
        if tier.pk not in thresholds and not keeps:
            raise BadSetting(f"thresholds.{tier.pk}", _("Say where it begins by the new measure."))
        tier.threshold = thresholds.get(tier.pk, tier.threshold)
    for tier in upper:
        try:
            _check_threshold(tier, [each for each in tiers if each.pk != tier.pk])
        except BadSetting as refusal:
            raise BadSetting(f"thresholds.{tier.pk}", refusal.figures["why"]) from refusal
    moved = [tier for tier in upper if _told(tier) != before[tier.pk]]
    for place, tier in enumerate(moved, 1):  # out of each other's way: no two may begin at one
        Tier.objects.filter(pk=tier.pk).update(threshold=MOST + place)
    for tier in moved:
        tier.save(update_fields=["threshold"])
        write(by, "tier.changed", tier.pk, at=at, before=before[tier.pk], after=_told(tier))


def _lock(program: Program) -> Program:
    found: Program = Program.objects.select_for_update(of=("self",)).get(pk=program.pk)
    return found


def _told(tier: Tier) -> dict[str, Any]:
    return {**{name: getattr(tier, name) for name in FIELDS}, "multiplier": str(tier.multiplier)}


def _check(tier: Tier, others: Collection[Tier]) -> None:
    tier.name = " ".join(tier.name.split())
    tier.perks = [perk for each in tier.perks if (perk := " ".join(each.split()))]
    times = Decimal(tier.multiplier)
    names = {each.name.casefold() for each in others}
    wrong: list[tuple[bool, str, Any]] = [
        (not tier.name, "name", _("Give it a name that guests understand.")),
        (len(tier.name) > LONGEST_NAME, "name", _("That name is too long.")),
        (tier.name.casefold() in names, "name", _("Another tier has that name.")),
        (not 0 < times <= MOST_TIMES, "multiplier", _("Give a number from 1 to 100.")),
        (len(tier.perks) > MOST_PERKS, "perks", _("That is too much.")),
        (
            any(len(perk) > LONGEST_PERK for perk in tier.perks),
            "perks",
            _("Keep each line under 120 letters."),
        ),
    ]
    for is_wrong, field, why in wrong:
        if is_wrong:
            raise BadSetting(field, why)
    _check_threshold(tier, others)


def _check_threshold(tier: Tier, others: Collection[Tier]) -> None:
    taken = {each.threshold for each in others}
    wrong: list[tuple[bool, Any]] = [
        (not 0 <= tier.threshold <= MOST, _("That is too much.")),
        (
            0 not in taken and tier.threshold != 0,
            _("The lowest tier begins at 0: it is where everybody starts."),
        ),
        (tier.threshold in taken, _("Another tier begins there.")),
    ]
    for is_wrong, why in wrong:
        if is_wrong:
            raise BadSetting("threshold", why)


def _naming(program: Program) -> list[Any]:
    """The rows whose conditions may name a tier."""
    rules = EarnRule.objects.filter(program=program.pk)
    rewards = Reward.objects.filter(program=program.pk).exclude(status=Reward.Status.ENDED)
    return [*rules, *rewards]


def _named(program: Program, name: str) -> bool:
    drafts = Draft.objects.filter(program=program.pk, applied_at=None)
    told = [row.conditions for row in _naming(program)]
    told += [rule.get("conditions", {}) for draft in drafts for rule in draft.rules]
    return any(name in each.get("tiers", ()) for each in told)


def _rename(program: Program, old: str, new: str) -> None:
    """Whatever names the tier goes on doing so."""
    for row in _naming(program):
        if old in row.conditions.get("tiers", ()):
            row.conditions = _renamed(row.conditions, old, new)
            row.save(update_fields=["conditions"])
    for draft in Draft.objects.filter(program=program.pk, applied_at=None):
        rules = [
            {**rule, "conditions": _renamed(rule["conditions"], old, new)}
            if old in rule.get("conditions", {}).get("tiers", ())
            else rule
            for rule in draft.rules
        ]
        if rules != draft.rules:
            draft.rules = rules
            told = draft.rehearsal or {}
            if told.get("version") == draft.version:  # the promise is the same, so it stays true
                draft.rehearsal = {**told, "version": draft.version + 1}
            draft.version += 1
            draft.save(update_fields=["rules", "rehearsal", "version"])


def _renamed(conditions: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    names = sorted({new if name == old else name for name in conditions["tiers"]})
    return {**conditions, "tiers": names}


def _step_down(program: Program, tier: Tier, below: Tier | None) -> None:
    """Whoever is in the tier, or was granted it, has the one below. Locked in the order of all
    commands.
    """
    held = Account.objects.filter(Q(tier=tier.pk) | Q(floor_tier=tier.pk), program=program.pk)
    held = held.select_for_update(no_key=True)
    rows = list(held.order_by("pk").values_list("pk", flat=True))
    mine = Account.objects.filter(pk__in=rows)
    lasts: dict[str, Any] = {"tier": below}
    if below is None or below.threshold == 0:
        lasts["tier_until"] = None
    mine.filter(tier=tier.pk).update(**lasts)
    floor = below if below and below.threshold else None
    mine.filter(floor_tier=tier.pk).update(floor_tier=floor)


def policy_of(program: Program) -> TierPolicy:
    """By what the program's tiers are earned."""
    return Policy.read(program.policy).tiers
