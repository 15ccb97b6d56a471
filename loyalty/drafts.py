"""Drafts: what a shop means to promise from some day on, edited by several people, put in force in
one transaction.

A program has one open draft. Whoever edits says what she had before her eyes (`seen`); if it is no
longer so, she is told instead of writing over it. Every verb locks the program first.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from loyalty import programs
from loyalty.calendar import local_date
from loyalty.models import Draft, EarnRule, Program
from loyalty.policy import INACTIVITY, Policy
from loyalty.refusals import BadSetting, BadStart, NoDraft, NothingChanges, Overtaken
from tenants.actors import Actor
from tenants.trace import write

OF_PROGRAM = ("rounding", "carries")  # what a draft's `policy` says of the program's own columns
AHEAD = dt.timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Said:
    """All that a draft can change: rules (EarnRule fields) in their order, and the policy as data,
    with `rounding` and `carries` in it.
    """

    rules: Sequence[dict[str, Any]]
    policy: Mapping[str, Any]

    @property
    def promises(self) -> Policy:
        """The policy without the program's own columns."""
        return Policy.read({k: v for k, v in self.policy.items() if k not in OF_PROGRAM})


def in_force(program: Program) -> Said:
    """What the program says now. One statement."""
    rows = EarnRule.objects.filter(program=program.pk).order_by("id")
    policy = {**Policy.read(program.policy).as_data(), **_of_program(program)}
    return Said([programs.data_of(row) for row in rows], policy)


def open_draft(program: Program) -> Draft | None:
    """The program's draft, if somebody is at one."""
    found: Draft | None = Draft.objects.filter(program=program.pk, applied_at=None).first()
    return found


def said(draft: Draft, now: Said) -> Said:
    """What the program would say, `now` being what it says."""
    return Said(draft.rules, programs.without_nothing({**now.policy, **draft.policy}))


def seen(draft: Draft | None, now: Said) -> str:
    """A name for what is before somebody's eyes: this edit of the draft, or what is in force."""
    if draft:
        return f"{draft.pk}.{draft.version}"
    told = json.dumps([now.rules, now.policy], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def edit(
    program: Program, wanted: Said, *, seen_as: str, at: dt.datetime, by: Actor
) -> Draft | None:
    """Make the draft say this; None where that is in force and there was no draft. A draft that had
    a day has none any more: what began on it would be something else than was decided. Where it
    says this already, nothing changes.

    Raises Overtaken, and BadSetting and its kin, which name the field; nothing has changed then.
    """
    with transaction.atomic():
        program, draft, now = _locked(program, seen_as)
        wanted = _tidied(program, wanted)
        if not differences(said(draft, now) if draft else now, wanted):
            return draft
        draft = draft or Draft(program=program, version=0)
        draft.rules, draft.policy = list(wanted.rules), _differences(now.policy, wanted.policy)
        draft.version += 1
        draft.made_at, draft.made_by = at, by.who
        told: dict[str, Any] = {"version": draft.version}
        if draft.starts_on:
            draft.starts_on = told["starts_on"] = None
        draft.save()
        write(by, "draft.edited", draft.pk, at=at, after=told)
    return draft


def throw_away(program: Program, *, seen_as: str, at: dt.datetime, by: Actor) -> None:
    """The program goes on as it is. Raises NoDraft, Overtaken."""
    with transaction.atomic():
        draft = _opened(program, seen_as)
        write(by, "draft.thrown_away", draft.pk, at=at)
        draft.delete()


def schedule(program: Program, day: dt.date, *, seen_as: str, at: dt.datetime, by: Actor) -> Draft:
    """Let the draft come into force at the beginning of a local day; today means now.

    Raises BadStart, NothingChanges, NoDraft, Overtaken, and what put_in_force() raises.
    """
    with transaction.atomic():
        draft = _opened(program, seen_as)
        today = local_date(at, _zone(draft.program))
        if not today <= day <= today + AHEAD:
            raise BadStart
        now = in_force(draft.program)
        if not differences(now, said(draft, now)):
            raise NothingChanges
        draft.starts_on = day
        draft.save(update_fields=["starts_on"])
        write(by, "draft.scheduled", draft.pk, at=at, after={"starts_on": day.isoformat()})
        return _put_in_force(draft, at, by) if day == today else draft


def put_back(program: Program, *, seen_as: str, at: dt.datetime, by: Actor) -> Draft:
    """The draft has no day any more, and waits. Raises NoDraft, Overtaken."""
    with transaction.atomic():
        draft = _opened(program, seen_as)
        draft.starts_on = None
        draft.save(update_fields=["starts_on"])
        write(by, "draft.scheduled", draft.pk, at=at, after={"starts_on": None})
    return draft


def start_due(at: dt.datetime, *, by: Actor) -> Draft | None:
    """Put in force the draft whose day has come; None where there is none. Again changes nothing.

    What begins is what the day was set for, because edit() takes the day off under the same lock. A
    draft that says what cannot be any more (BadSetting) stays a draft.
    """
    program = programs.live()
    if program is None:
        return None
    with transaction.atomic():
        locked = _lock(program)
        draft = open_draft(locked)
        if not (draft and draft.starts_on and draft.starts_on <= local_date(at, _zone(locked))):
            return None
        draft.program = locked
        return _put_in_force(draft, at, by)


def differences(now: Said, wanted: Said) -> int:
    """In how many rules and promises the two differ; the order of rules is none."""
    gone, come = list(now.rules), []
    for rule in wanted.rules:
        if rule in gone:
            gone.remove(rule)
        else:
            come.append(rule)
    return max(len(gone), len(come)) + len(_differences(now.policy, wanted.policy))


# Rehearsing: the sales are replayed by the worker (loyalty.tasks)


def begin_rehearsal(program: Program, *, seen_as: str, at: dt.datetime) -> Draft:
    """Note that the draft is being rehearsed. Raises NoDraft, Overtaken."""
    with transaction.atomic():
        draft = _opened(program, seen_as)
        draft.rehearsing_since = at
        draft.save(update_fields=["rehearsing_since"])
    return draft


def keep_rehearsal(draft: Draft, told: dict[str, Any]) -> None:
    """Keep what was rehearsed of this version, unless a later one is there already."""
    kept = Draft.objects.filter(pk=draft.pk, version=draft.version, applied_at=None)
    kept.update(rehearsal={**told, "version": draft.version}, rehearsing_since=None)


def is_rehearsed(draft: Draft) -> bool:
    """Was the draft rehearsed as it is now? A replay that was refused is no rehearsal."""
    told = draft.rehearsal or {}
    return told.get("version") == draft.version and "sales" in told


# Inside


def _put_in_force(draft: Draft, at: dt.datetime, by: Actor) -> Draft:
    program = draft.program
    now = in_force(program)
    changed = dict(draft.policy)
    figuring = {name: changed.pop(name, now.policy[name]) for name in OF_PROGRAM}
    programs.set_rules(program, draft.rules, at=at, by=by)
    programs.set_figuring(program, **figuring, at=at, by=by)
    if changed:
        programs.set_policy(program, changed, at=at, by=by)
    draft.before = {"rules": list(now.rules), "policy": dict(now.policy)}
    draft.applied_at = at
    draft.starts_on = local_date(at, _zone(program))
    draft.rehearsing_since = None
    draft.save()
    write(by, "draft.put_in_force", draft.pk, at=at)
    return draft


def _lock(program: Program) -> Program:
    found: Program = (
        Program.objects.select_for_update(of=("self",)).select_related("tenant").get(pk=program.pk)
    )
    return found


def _locked(program: Program, seen_as: str) -> tuple[Program, Draft | None, Said]:
    """The program, its draft and what is in force, if they are as they were seen."""
    program = _lock(program)
    draft, now = open_draft(program), in_force(program)
    if seen(draft, now) != seen_as:
        last = draft or Draft.objects.filter(program=program).order_by("applied_at").last()
        if last is None:
            raise Overtaken
        raise Overtaken(last.made_by, last.applied_at or last.made_at)
    return program, draft, now


def _opened(program: Program, seen_as: str) -> Draft:
    """The draft that was seen, with its program locked."""
    locked = _lock(program)
    draft = open_draft(locked)
    if draft is None:
        raise NoDraft
    if f"{draft.pk}.{draft.version}" != seen_as:
        raise Overtaken(draft.made_by, draft.made_at)
    draft.program = locked
    return draft


def _of_program(program: Program) -> dict[str, Any]:
    return {name: getattr(program, name) for name in OF_PROGRAM}


def _differences(now: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What is wanted and is not so; None for what goes back to its default. Since when points die
    of silence is no wish of anybody's: a new promise begins with its own day.
    """
    names = [*now, *(name for name in wanted if name not in now)]
    pairs = {name: (_timeless(name, now), _timeless(name, wanted)) for name in names}
    return {name: wanted.get(name) for name, (one, other) in pairs.items() if one != other}


def _timeless(name: str, found: Mapping[str, Any]) -> Any:
    value = found.get(name)
    if name == "expiry" and value and value.get("mode") == INACTIVITY:
        return {key: each for key, each in value.items() if key != "since"}
    return value


def _tidied(program: Program, wanted: Said) -> Said:
    """The same, said as what is in force is said; refuses what cannot be."""
    rules = [programs.data_of(row) for row in programs.rows_of(program, wanted.rules)]
    figuring = {name: wanted.policy[name] for name in OF_PROGRAM}
    if figuring["rounding"] not in Program.Rounding.values:
        raise BadSetting("rounding", _("There is no such way to round."))
    return Said(rules, {**wanted.promises.as_data(), **figuring})


def _zone(program: Program) -> ZoneInfo:
    return ZoneInfo(program.tenant.zone)
