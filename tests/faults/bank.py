"""The bank: clients sell at a stage, faults befall it, and in the end every point is accounted for.

Between two faults there is quiet, in which somebody must be served: safety alone is easy.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from portal.home import ROOT
from tests.faults.checker import Books, Logs, compare, longest_gap
from tests.faults.faults import Fault
from tests.faults.reader import Reader
from tests.faults.stage import Stage
from tests.test_embedded import until

PROGRESS = 20  # seconds after a fault's end until which somebody must be served
SETTLE = 20  # seconds for a command whose end nobody knows yet


@dataclass
class Outcome:
    """What a run of the bank came to. `wrong` is by kind (checker.KINDS), empty if all is well."""

    wrong: dict[str, list[str]]
    acknowledged: int
    refused: int
    unknown: int
    reads: int
    seconds: float
    calm_gap: float
    statuses: dict[int, int]  # of what was not done; 0: no answer at all
    gaps: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        wrong = {kind: (len(found), found[:3]) for kind, found in self.wrong.items()}
        return (
            f"{self.acknowledged} acknowledged, {self.refused} refused, {self.unknown} tries "
            f"unknown {self.statuses}, {self.reads} reads in {self.seconds:.0f} s; wrong: {wrong}"
        )


class Bank:
    """`with Bank(stage) as bank: bank.befall(fault); outcome = bank.settle()`."""

    def __init__(
        self,
        stage: Stage,
        *,
        shops: int = 2,
        clients: int = 6,
        members: int = 12,
        voids: float = 0.15,
        looks: float = 0.15,
        twice: float = 0.3,
        seed: int = 1,
    ) -> None:
        self.stage, self.seed = stage, seed
        tills = -(-clients // shops)
        self.shops = stage.open_shops(shops, tills=tills, members=members)
        self.mix = {"voids": voids, "looks": looks, "twice": twice}
        self.clients = clients
        self.spans: list[tuple[str, float, float]] = []
        self._stack = ExitStack()
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.logs = [self.folder / f"{number}.log" for number in range(self.clients)]
        self.reader = self._stack.enter_context(Reader(self.stage, self.tenants))
        for number, log in enumerate(self.logs):
            spec = self.folder / f"{number}.json"
            spec.write_text(json.dumps(self._spec(number, log)))
            program = [sys.executable, "-m", "tests.faults.clients", str(spec)]
            self._processes.append(subprocess.Popen(program, cwd=ROOT))
        until(lambda: all(log.exists() for log in self.logs))
        self.began = time.monotonic()
        self._must_serve()
        self.began = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        self._stack.close()

    @property
    def tenants(self) -> list[str]:
        return [shop["tenant"] for shop in self.shops]

    def _spec(self, number: int, log: Path) -> dict[str, Any]:
        shop = self.shops[number % len(self.shops)]
        others = [other for other in self.shops if other is not shop]
        return {
            **self.mix,
            "port": self.stage.port,
            "shop": shop,
            "till": shop["tills"][number // len(self.shops)],
            "foreign": [word for other in others for word in other["canaries"]],
            "seed": self.seed * 1_000 + number,
            "log": str(log),
            "stop": str(self.folder / "stop"),
            "end": str(self.folder / "end"),
        }

    def calm(self, seconds: float, name: str = "") -> None:
        """Sell for a while: undisturbed, or under what `name` says."""
        began = time.monotonic()
        time.sleep(seconds)  # a drill lasts as long as it is told
        self.spans.append((name, began, time.monotonic()))

    def befall(self, fault: Fault) -> None:
        """Let it happen and end; then somebody must be served soon."""
        began = time.monotonic()
        fault.do(self.stage)
        time.sleep(fault.lasts)
        fault.undo(self.stage)
        self._must_serve()
        self.spans.append((fault.name, began, time.monotonic()))

    def _must_serve(self) -> None:
        before = self.acknowledged()
        until(lambda: self.acknowledged() >= before + 3, PROGRESS)

    def acknowledged(self) -> int:
        return sum(log.read_bytes().count(b'"what": "ok"') for log in self.logs)

    def settle(self) -> Outcome:
        """Let the clients come to an end, and compare."""
        (self.folder / "stop").touch()
        deadline = time.monotonic() + SETTLE
        while any(p.poll() is None for p in self._processes) and time.monotonic() < deadline:
            time.sleep(0.05)
        (self.folder / "end").touch()
        for process in self._processes:
            process.wait(30)
        seconds = time.monotonic() - self.began
        with self.stage.connect() as connection:
            self.reader.look(connection)
        self.reader.__exit__()
        logs = Logs.of(self.logs)
        assert logs.ended == self.clients, "a client died"
        wrong = compare(logs, Books(self.stage, self.tenants))
        walked = self.stage.faults_of([shop["slug"] for shop in self.shops])
        if self.reader.wrong or walked:
            wrong["SUM"] = [*wrong.get("SUM", []), *self.reader.wrong, *walked]
        return Outcome(
            wrong,
            acknowledged=logs.tries["ok"],
            refused=logs.tries["refused"],
            unknown=logs.tries["unknown"],
            reads=self.reader.reads,
            seconds=seconds,
            calm_gap=self._gap(logs, ""),
            statuses=dict(logs.statuses),
            gaps={name: self._gap(logs, name) for name, _, _ in self.spans if name},
        )

    def _gap(self, logs: Logs, name: str) -> float:
        spans = [(begin, end) for each, begin, end in self.spans if each == name]
        return max((longest_gap(logs.acks, *span) for span in spans), default=0.0)


def run(stage: Stage, faults: Iterable[Fault], *, quiet: float = 1.0, **options: Any) -> Outcome:
    """Some quiet, then each fault with quiet after it."""
    with Bank(stage, **options) as bank:
        bank.calm(quiet)
        for fault in faults:
            bank.befall(fault)
            bank.calm(quiet)
        return bank.settle()
