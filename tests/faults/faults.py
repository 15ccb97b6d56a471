"""What can befall a running portal. Each has a name, do() and undo(); some need no undo()."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from signal import SIGCONT, SIGKILL, SIGSTOP

from redis import Redis

from tests.faults.processes import command_of, family, send
from tests.faults.stage import Stage, faketime


def _nothing(stage: Stage) -> None:
    """The supervisor mends it."""


@dataclass(frozen=True)
class Fault:
    """`lasts` is for how many seconds it stays done."""

    name: str
    do: Callable[[Stage], None]
    undo: Callable[[Stage], None] = _nothing
    lasts: float = 0.5
    needs: Callable[[Stage], bool] = field(default=lambda stage: True)


def signals(number: signal.Signals, whom: Callable[[Stage], list[int]]) -> Callable[[Stage], None]:
    return lambda stage: send(number, *whom(stage))


def a_web_worker(stage: Stage) -> list[int]:
    return stage.web_workers()[:1]


def web(stage: Stage) -> list[int]:
    return family(stage.leash("web"))


def worker(stage: Stage) -> list[int]:
    return family(stage.leash("worker"))


def postmaster(stage: Stage) -> list[int]:
    return [stage.postmaster]


def postgres(stage: Stage) -> list[int]:
    return family(stage.postmaster)


def a_backend(stage: Stage) -> list[int]:
    """One that serves the web."""
    serving = [pid for pid in postgres(stage) if "portal_app" in command_of(pid)]
    return serving[:1]


def valkey(stage: Stage) -> list[int]:
    return [stage.valkey]


def restart(stage: Stage) -> None:
    """As its administrator does it."""
    postgres = stage.services.postgres
    with stage.services.place.alone():
        postgres.stop()
        postgres.start()


def flush(stage: Stage) -> None:
    Redis.from_url(stage.services.redis_url).flushall()


class SlowBodies:
    """Twenty clients that never come to the end of their form."""

    COUNT = 20

    def __init__(self) -> None:
        self.held: list[socket.socket] = []

    def do(self, stage: Stage) -> None:
        for _ in range(self.COUNT):
            line = socket.create_connection(("127.0.0.1", stage.port), timeout=5)
            line.sendall(
                b"POST /till/person/ HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 999\r\n\r\nx"
            )
            self.held.append(line)

    def undo(self, stage: Stage) -> None:
        while self.held:
            self.held.pop().close()


def clock(by: str) -> Callable[[Stage], None]:
    return lambda stage: stage.move_clock(by)


def has_clock(stage: Stage) -> bool:
    return stage.clock.exists() and faketime() is not None


def all_of_them() -> list[Fault]:
    slow = SlowBodies()
    return [
        Fault("kill -9 a web process", signals(SIGKILL, a_web_worker)),
        Fault("kill -9 the whole web", signals(SIGKILL, web)),
        Fault("freeze the web", signals(SIGSTOP, web), signals(SIGCONT, web), 1.0),
        Fault("kill -9 the worker", signals(SIGKILL, worker)),
        Fault("freeze the worker", signals(SIGSTOP, worker), signals(SIGCONT, worker), 1.0),
        Fault("kill -9 the postmaster", signals(SIGKILL, postmaster)),
        Fault("kill -9 all of PostgreSQL", signals(SIGKILL, postgres)),
        Fault("freeze PostgreSQL", signals(SIGSTOP, postgres), signals(SIGCONT, postgres), 1.5),
        Fault("restart PostgreSQL", restart, lasts=0.1),
        Fault("kill -9 a backend", signals(SIGKILL, a_backend)),
        Fault("kill -9 Valkey", signals(SIGKILL, valkey)),
        Fault("freeze Valkey", signals(SIGSTOP, valkey), signals(SIGCONT, valkey), 1.5),
        Fault("flush Valkey", flush, lasts=0.1),
        Fault("slow bodies", slow.do, slow.undo, 2.0),
        Fault("clock one hour back", clock("-1h"), clock("+0"), 2.5, has_clock),
        Fault("clock a day ahead", clock("+1d"), clock("+0"), 2.5, has_clock),
    ]


def by_name(name: str) -> Fault:
    return next(fault for fault in all_of_them() if fault.name == name)
