"""What a program promised when: its versions by date, and how each differs from the one before, as
sentences with what came and what went. Made of the drafts that came into force.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import NamedTuple

from loyalty import programs, wording
from loyalty.drafts import OF_PROGRAM, Said
from loyalty.models import Draft, EarnRule, Program
from loyalty.policy_words import of_policy
from loyalty.wording import Voice
from tenants.ids import made_at

SAME, COME, GONE = "same", "ins", "del"
ENOUGH = 0.4  # of two sentences alike: less is another sentence, not a change of one


class Piece(NamedTuple):
    """Some words that stayed, came or went."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Version:
    """What was promised from `at` on. `draft` is None for what the program began with; `who` is an
    Actor's; `changes` are sentences, `sentences` all that was said.
    """

    at: dt.datetime
    who: str
    draft: Draft | None
    changes: list[list[Piece]]
    sentences: list[str]


def history(program: Program, now: Said, voice: Voice, *, most: int = 50) -> list[Version]:
    """The program's versions, newest first, at most so many. One statement."""
    put_in = Draft.objects.filter(program=program.pk, applied_at__isnull=False)
    drafts = list(put_in.order_by("-applied_at", "-id")[: most + 1])
    found, told = [], []
    for draft in drafts[:most]:
        before, after = _before(draft), _after(draft)
        told = sentences(after, voice, program)
        found.append(
            Version(
                draft.applied_at or draft.made_at,
                draft.made_by,
                draft,
                differences(before, after, voice, program),
                told,
            )
        )
    if len(drafts) <= most:
        first = _before(drafts[-1]) if drafts else now
        found.append(Version(made_at(program.pk), "", None, [], sentences(first, voice, program)))
    return found


def sentences(said: Said, voice: Voice, program: Program) -> list[str]:
    """All that is said, one sentence after the other: the rules, then the promises."""
    return [*_of_rules(said.rules, voice, program), *_of_promises(said, voice).values()]


def differences(before: Said, after: Said, voice: Voice, program: Program) -> list[list[Piece]]:
    """What changed, a sentence for each rule and promise. Two rules are the same one, changed, if
    they are of a kind and most alike.
    """
    gone = [rule for rule in before.rules if rule not in after.rules]
    come = [rule for rule in after.rules if rule not in before.rules]
    found: list[list[Piece]] = []
    for rule in come:
        text = _of_rule(rule, voice, program)
        alike = [old for old in gone if old["kind"] == rule["kind"]]
        if alike:
            texts = [_of_rule(old, voice, program) for old in alike]
            best = max(range(len(alike)), key=lambda n: _likeness(texts[n], text))
            gone.remove(alike[best])
            found.append(difference(texts[best], text))
        else:
            found.append([Piece(COME, text)])
    found += [[Piece(GONE, _of_rule(rule, voice, program))] for rule in gone]
    then, now = _of_promises(before, voice), _of_promises(after, voice)
    for name in [*now, *(name for name in then if name not in now)]:
        if then.get(name) != now.get(name):
            found.append(difference(then.get(name, ""), now.get(name, "")))
    return found


def difference(before: str, after: str) -> list[Piece]:
    """One sentence become another, in runs of words that stand apart by a space; as a whole where
    they have little in common.
    """
    if not before or not after or _likeness(before, after) < ENOUGH:
        return [p for p in (Piece(GONE, before), Piece(COME, after)) if p.text]
    one, other = _words(before), _words(after)
    found: list[Piece] = []
    for tag, i, j, k, m in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Piece(SAME, " ".join(one[i:j])))
            continue
        pair = (Piece(COME, " ".join(other[k:m])), Piece(GONE, " ".join(one[i:j])))
        found += [piece for piece in pair if piece.text]
    return found


def _before(draft: Draft) -> Said:
    return Said(draft.before.get("rules", []), draft.before.get("policy", {}))


def _after(draft: Draft) -> Said:
    policy = {**draft.before.get("policy", {}), **draft.policy}
    return Said(draft.rules, programs.without_nothing(policy))


def _of_rules(rules: Sequence[dict[str, object]], voice: Voice, program: Program) -> list[str]:
    return [_of_rule(rule, voice, program) for rule in rules]


def _of_rule(rule: dict[str, object], voice: Voice, program: Program) -> str:
    row = EarnRule(program=program, **rule)
    return wording.sentence(programs.rule_of(row), voice)


def _of_promises(said: Said, voice: Voice) -> dict[str, str]:
    figuring = {name: said.policy.get(name) for name in OF_PROGRAM}
    return of_policy(said.promises, figuring, voice)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, _words(one), _words(other), autojunk=False).ratio()


def _words(text: str) -> list[str]:
    """A currency and its figure, which a hard space joins, are one word."""
    return text.split(" ")
