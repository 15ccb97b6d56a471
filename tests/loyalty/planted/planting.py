"""How a bug is planted, and how it is seen that something caught it."""

from __future__ import annotations

import functools
import importlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from tenants import failpoints
from tests.scenarios.hands import Hands
from tests.scenarios.playing import play
from tests.scenarios.reading import Scenario, read

HERE = Path(__file__).parent
FILES = (
    *(HERE.parents[1] / "scenarios" / name for name in ("loyalty.yaml", "more.yaml")),
    HERE / "scenarios.yaml",
)
SUBJECTS = ("earning", "spending", "returning", "repeating", "racing", "claiming", "people")
# A test that ends otherwise is broken by the bug, or the bug is; it has caught nothing.
RED = (AssertionError, DatabaseError)
RUNS = 5  # of a race, which a bug may survive once
DAWDLE = "after_lock=pause:10;before_ledger=pause:10"

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]
Check = Callable[[], None]


@dataclass(frozen=True)
class Bug:
    """`caught_by`: ids of scenarios, or checks. Every one of them must turn red."""

    name: str
    plant: Plant
    caught_by: tuple[str | Check, ...]

    @property
    def commits(self) -> bool:
        """Does a catcher look on from another connection, or ask what is committed?"""
        return any(needs_commits(catcher) for catcher in self.caught_by)


BUGS: dict[str, Bug] = {}


def bug(*caught_by: str | Check) -> Callable[[Plant], Plant]:
    """Keep a function that plants a bug with a MonkeyPatch."""

    def keep(plant: Plant) -> Plant:
        assert plant.__name__ not in BUGS
        BUGS[plant.__name__] = Bug(plant.__name__, plant, caught_by)
        return plant

    return keep


def everywhere(patch: Patch, original: Any, new: Any) -> None:
    """Put `new` in the place of a function of loyalty/ in every module that imported it by name,
    those that play scenarios too.
    """
    places = [
        (module, name)
        for title, module in sorted(sys.modules.items())
        if title.startswith(("loyalty.", "tests.scenarios."))
        for name, value in vars(module).items()
        if value is original
    ]
    assert places, f"{original} is nowhere in loyalty"
    for module, name in places:
        patch.setattr(module, name, new)


def bugs() -> dict[str, Bug]:
    """All of them, by name."""
    for subject in SUBJECTS:
        importlib.import_module(f"{__package__}.{subject}")
    return BUGS


@functools.cache
def scenarios() -> dict[str, Scenario]:
    return {scenario.id: scenario for path in FILES for scenario in read(path)}


def title(catcher: str | Check) -> str:
    return catcher if isinstance(catcher, str) else catcher.__name__


def needs_commits(catcher: str | Check) -> bool:
    if isinstance(catcher, str):
        return scenarios()[catcher].races
    return bool(getattr(catcher, "commits", False))


def committed(check: Check) -> Check:
    """Marks a check that commits."""
    check.commits = True  # type: ignore[attr-defined]
    return check


def catches(catcher: str | Check) -> str:
    """Run a scenario or a check; what turned it red, or "". Nothing of it stays, unless it
    commits.
    """
    try:
        if needs_commits(catcher):
            _run(catcher)
        else:
            with transaction.atomic():
                _run(catcher)
                transaction.set_rollback(True)
    except RED as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _run(catcher: str | Check) -> None:
    if not isinstance(catcher, str):
        catcher()
        return
    scenario = scenarios()[catcher]
    if not scenario.races:
        play(scenario)
        return
    with Hands() as hands, dawdling():
        for _ in range(RUNS):
            play(scenario, hands=hands)


@contextmanager
def dawdling(text: str = DAWDLE) -> Iterator[None]:
    """Let every command of this process dawdle where others may come in between."""
    with drilled(text):
        yield


@contextmanager
def drilled(text: str) -> Iterator[None]:
    """A drill (tenants.failpoints) for a while."""
    before = failpoints._rules
    failpoints._rules = failpoints.read(text)
    failpoints._passed.clear()
    try:
        yield
    finally:
        failpoints._rules = before


def dawdle() -> None:
    """Between looking and acting: so long that others look too."""
    time.sleep(0.03)
