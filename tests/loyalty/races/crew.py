"""Eight processes that wait for each other and then act: see tests.loyalty.races."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from typing import Any, Self
from uuid import UUID

from portal.home import ROOT
from tests.loyalty.races.hand import DONE, FAILED, PLANTED, READY

HANDS = 8
# Where a hand may dawdle for so many milliseconds, so that the others come in between.
DRILLS = (
    *("", "", ""),
    *("after_lock=pause:2", "before_ledger=pause:2", "after_ledger=pause:2"),
    *("before_commit=pause:2", "after_lock=pause:1;before_commit=pause:1"),
)
PATIENCE = 60  # seconds until a hand that says nothing is one that hangs
# On a busy machine eight who wait for each other take longer than a till would wait.
PATIENTLY = "-c lock_timeout=20s -c statement_timeout=40s"


class Fault(AssertionError):
    """A hand was told something else than a refusal (a broken constraint, a bug), or ended in a
    deadlock, even if it began anew then.
    """


@dataclass(frozen=True)
class Outcomes:
    """What came of the calls of a race, in their order: a result, or the code of a refusal."""

    told: Sequence[tuple[str, Any, list[str]]]

    @property
    def done(self) -> list[Any]:
        return [result for how, result, _ in self.told if how == DONE]

    @property
    def refused(self) -> dict[str, int]:
        """How many were refused with which code."""
        return dict(Counter(code for how, code, _ in self.told if how != DONE))


class Crew:
    """`with Crew() as crew:`; the processes live until its end. `planted` is the name of a bug in
    them (tests.loyalty.planted).
    """

    def __init__(self, planted: str = "") -> None:
        self._planted = planted

    def __enter__(self) -> Self:
        pairs = [Pipe() for _ in range(HANDS)]
        self._pipes = [ours for ours, _ in pairs]
        theirs = [pipe.fileno() for _, pipe in pairs]
        # As a web worker logs in, not as the tests do.
        login = {"PORTAL_LOGIN": "app", "PORTAL_ASSUME_ROLE": "", "PORTAL_TEST_RUN": ""}
        more = {"PGOPTIONS": PATIENTLY, PLANTED: self._planted}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.loyalty.races.hand", *map(str, theirs)],
            cwd=ROOT,
            env={**os.environ, **login, **more, "DJANGO_SETTINGS_MODULE": "portal.settings"},
            pass_fds=theirs,
        )
        for _, pipe in pairs:
            pipe.close()
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in self._pipes:
            pipe.close()
        self._process.wait(PATIENCE)

    def race(self, tenant: UUID, calls: Sequence[Callable[[], Any]], *, seed: int) -> Outcomes:
        """Make these calls (eight at most, each can be pickled) at the same moment in the shop.

        Where each hand dawdles follows from `seed`. Raises Fault with all that went wrong.
        """
        dice = random.Random(seed)  # noqa: S311 (a seed is what is wanted)
        hands = dice.sample(self._pipes, len(calls))
        for pipe, call in zip(hands, calls, strict=True):
            pipe.send((tenant, call, dice.choice(DRILLS)))
        for pipe in hands:
            assert self._hear(pipe) == READY
        for pipe in hands:
            pipe.send("go")
        told = [self._hear(pipe) for pipe in hands]
        faults = [what for how, what, _ in told if how == FAILED]
        faults += [crossing for *_, crossings in told for crossing in crossings]
        if faults:
            raise Fault("\n".join(faults))
        return Outcomes(told)

    def _hear(self, pipe: Any) -> Any:
        assert pipe.poll(PATIENCE), "a hand hangs"
        return pipe.recv()
