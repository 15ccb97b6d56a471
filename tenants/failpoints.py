"""Places where a drill may make this process fail, by name. Nothing happens unless a drill asks.

PORTAL_FAILPOINTS says which: `after_commit=kill:1%` kills one in a hundred processes that come by,
`mid_import=kill@3` the third time, `before_commit=pause:200` waits so many milliseconds,
`after_lock=raise` raises Failed; several are joined by ";". Random kills are too rare at the one
spot that matters (seen: 2 doubles in 7,999 acts by kills from outside, 71 in 5,787 from here).
"""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass

from django.db import OperationalError

VARIABLE = "PORTAL_FAILPOINTS"
NAMES = frozenset(
    [
        "before_commit",  # everything is written, nothing is kept
        "after_commit",  # everything is kept, nobody was told
        "after_lock",  # the accounts of a command are locked
        "before_ledger",  # a command is decided, its rows not yet sent
        "after_ledger",  # its rows are sent
        "before_reply",  # the answer is made, not sent
        "mid_import",  # between two batches
        "after_enqueue",  # a job is put in, in the transaction of its cause
        "before_job",  # a job is taken, nothing of it done
        "after_job",  # all of it done, not yet said so
        "before_invalidate",  # committed, the cache still holds what was
        "before_usage",  # counts are taken, not yet written
    ]
)
RULE = re.compile(r"(\w+)=(kill|raise|pause:(\d+))(?::(\d+(?:\.\d+)?)%|@(\d+))?")


class Failed(OperationalError):
    """A failpoint raised: at this place it is as if the database had hung up."""


@dataclass(frozen=True, slots=True)
class Rule:
    act: str
    milliseconds: int
    percent: float
    at: int


def read(text: str) -> dict[str, Rule]:
    """The rules of a drill; ValueError names what cannot be read."""
    rules = {}
    for part in filter(None, text.split(";")):
        found = RULE.fullmatch(part.strip())
        if not found or found[1] not in NAMES:
            raise ValueError(f"{VARIABLE}: {part!r} is no failpoint")
        name, act, pause, percent, at = found.groups()
        rules[name] = Rule(
            act.partition(":")[0], int(pause or 0), float(percent or 100), int(at or 0)
        )
    return rules


_rules = read(os.environ.get(VARIABLE, ""))
_passed: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Come by `name`, one of NAMES. Costs a look-up in an empty dict where no drill runs."""
    if _rules and (rule := _rules.get(name)):
        _passed[name] += 1
        hit = _passed[name] == rule.at if rule.at else random.random() * 100 < rule.percent  # noqa: S311
        if hit:
            _fail(name, rule)


def _fail(name: str, rule: Rule) -> None:
    if rule.act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if rule.act == "raise":
        raise Failed(name)
    time.sleep(rule.milliseconds / 1000)
