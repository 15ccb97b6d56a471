"""The processes that `up` starts, and what they say, as one queue of events.

Each runs under a leash (portal.leash) and in a process group of its own, so a Ctrl-C in the
terminal reaches only the supervisor, who ends the others in order.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from portal.home import ROOT

GRACE = 15  # seconds: longer than any of the crew asks for itself
RENEW = signal.SIGUSR1


@dataclass(frozen=True)
class Said:
    """A line from a member of the crew."""

    who: Member
    line: str


@dataclass(frozen=True)
class Ended:
    who: Member
    status: int


@dataclass(frozen=True)
class Told:
    """A signal told us to stop, or RENEW to let new code in."""

    number: int


Event = Said | Ended | Told


@dataclass(eq=False)
class Member:
    """A process; `once` if it is meant to end by itself."""

    name: str
    process: subprocess.Popen[str]
    once: bool
    began: float = field(default_factory=time.monotonic)
    lines: list[str] = field(default_factory=list)
    status: int | None = None
    ear: threading.Thread | None = None
    is_renewed: bool = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


class Crew:
    """Everybody who was started. `lock` is the file whose lock says that we live."""

    def __init__(self, lock: Path, environment: Mapping[str, str]) -> None:
        self.lock = lock
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            "PORTAL_NO_BOOTSTRAP": "1",
            **environment,
        }
        self.members: list[Member] = []
        # A SimpleQueue, because a signal handler may put into it in the middle of a get.
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def heed_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, RENEW):
            signal.signal(number, lambda number, _: self._events.put(Told(number)))

    def start(self, name: str, command: str, *, once: bool = False) -> Member:
        """Start a line of the Procfile, or any other command for a shell."""
        process = subprocess.Popen(
            [sys.executable, "-m", "portal.leash", str(self.lock), command],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        member = Member(name, process, once)
        self.members.append(member)
        member.ear = threading.Thread(target=self._listen, args=(member,), daemon=True)
        member.ear.start()
        return member

    def run_command(self, name: str, *arguments: str, login: str = "app") -> Member:
        """Start a command of manage.py that ends by itself."""
        command: Sequence[str] = ("env", f"PORTAL_LOGIN={login}", "python", "manage.py", *arguments)
        return self.start(name, shlex.join(command), once=True)

    def next_event(self, timeout: float) -> Event | None:
        with contextlib.suppress(queue.Empty):
            return self._events.get(timeout=timeout)
        return None

    def renew(self, member: Member) -> None:
        """Let new code in: the web changes its workers one by one, whoever else ends is told so
        and `is_renewed` then, which says that another is to be started.
        """
        if member.name == "web":
            member.process.send_signal(signal.SIGHUP)
        else:
            member.is_renewed = True
            member.process.terminate()

    def stop(self) -> None:
        """End everybody: asked first, and after GRACE, or a second signal, not asked."""
        for member in self._running():
            member.process.terminate()
        deadline = time.monotonic() + GRACE
        while self._running() and time.monotonic() < deadline:
            event = self.next_event(0.1)
            if isinstance(event, Told) and event.number != RENEW:
                break
        for member in self.members:
            # Its group too: all that a leash which was itself killed has left behind.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(member.process.pid, signal.SIGKILL)
            if member.ear:
                member.ear.join(1)

    def _running(self) -> list[Member]:
        return [member for member in self.members if member.process.poll() is None]

    def _listen(self, member: Member) -> None:
        with member.process:  # which closes the pipe
            for line in member.process.stdout or ():
                self._events.put(Said(member, line.rstrip("\n")))
        member.status = member.process.wait()
        self._events.put(Ended(member, member.status))


def is_alive(pid: int) -> bool:
    """Whether there is such a process, ours or somebody else's; a zombie counts."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
