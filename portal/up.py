"""`manage.py up`: the whole portal on this machine, from nothing, until Ctrl-C.

Databases, tables and files first, each only if it is needed, then every process of the Procfile and
a demo to look at. It imports no Django: what needs Django is a child, few of them, and the web does
not wait for what it does not need.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import http.client
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from portal.crew import RENEW, Crew, Ended, Member, Said, Told
from portal.embedded import URLS, EmbeddedError, Services, home
from portal.greeting import greeting, links
from portal.home import ROOT

LEFT_BEHIND = 20  # seconds that the processes of a killed `up` may take to end
WEB_PATIENCE = 120  # seconds
NO_ROOM = 40_000_000  # bytes: PostgreSQL wants 16 MB at a time for its log
APPLIED = (
    "SELECT system_identifier, (SELECT (count(*), max(id)) FROM django_migrations) "
    "FROM pg_control_system()"
)


class CannotRun(Exception):
    """The portal cannot run, or not any longer; the message says why and what to do."""


class Stopped(Exception):
    """We were told to stop."""


def main(arguments: Sequence[str]) -> int:
    address = Address.of(arguments)
    home().mkdir(parents=True, exist_ok=True)
    lock = home() / "up.lock"
    try:
        with only_one(lock, address):
            address.refuse_if_taken()
            return Run(address, lock).run()
    except (CannotRun, EmbeddedError) as error:
        say(f"{error}{hint()}")
        return 1
    except OSError as error:
        say(f"The portal cannot run: {error}.{hint()}")
        return 1


@dataclass(frozen=True)
class Address:
    """Where the web listens, and under which name people find it."""

    host: str
    port: int
    domain: str

    @classmethod
    def of(cls, arguments: Sequence[str]) -> Address:
        parser = argparse.ArgumentParser(prog="manage.py up", description=main.__doc__)
        port, host = os.environ.get("PORT", "8000"), os.environ.get("PORTAL_HOST", "127.0.0.1")
        parser.add_argument("--port", type=int, default=port, help="default: PORT, or 8000")
        parser.add_argument("--host", default=host, help="default: PORTAL_HOST, or 127.0.0.1")
        chosen = parser.parse_args(arguments)
        return cls(chosen.host, chosen.port, os.environ.get("PORTAL_DOMAIN", "localhost"))

    @property
    def url(self) -> str:
        return f"http://{self.domain}:{self.port}"

    def refuse_if_taken(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as ours:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                ours.bind((self.host, self.port))
            except OSError as error:
                other = self.port + 1
                raise CannotRun(
                    f"Port {self.port} of {self.host} cannot be had ({error.strerror}). Choose "
                    f"another: python3 manage.py up --port {other} (or PORT={other})"
                ) from None

    def answers(self) -> bool:
        connection = http.client.HTTPConnection(self._to, self.port, timeout=5)
        try:
            connection.request("GET", "/livez", headers={"Host": f"{self.domain}:{self.port}"})
            return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    @property
    def _to(self) -> str:
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104


@contextlib.contextmanager
def only_one(path: Path, address: Address) -> Iterator[None]:
    """Hold the lock that says an `up` runs, after waiting for what a killed one left."""
    with path.open("a+") as lock:
        deadline = time.monotonic() + LEFT_BEHIND
        while not _take(lock.fileno(), fcntl.LOCK_EX):
            if is_held(path) or time.monotonic() > deadline:
                lock.seek(0)
                raise CannotRun(f"The portal already runs from this folder: {lock.read().strip()}")
            time.sleep(0.1)
        lock.truncate(0)
        lock.write(f"{address.url} (process {os.getpid()})\n")
        lock.flush()
        yield


def _take(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether an `up` runs."""
    # The leashes that a killed `up` left share the lock; a living `up` shares it with nobody.
    with path.open() as lock:
        return not _take(lock.fileno(), fcntl.LOCK_SH)


class Run:
    """One run from the first line to the last."""

    def __init__(self, address: Address, lock: Path) -> None:
        self.address = address
        self.began = float(os.environ.pop("PORTAL_BEGAN", "0")) or time.time()
        self.services = Services()
        self.crew = Crew(
            lock,
            {
                "PORT": str(address.port),
                "PORTAL_PORT": str(address.port),
                "PORTAL_HOST": address.host,
                "PORTAL_DOMAIN": address.domain,
                "PROMETHEUS_MULTIPROC_DIR": self._folder_of_counts(),
            },
        )
        self.web_answers = threading.Event()

    def run(self) -> int:
        """Run until told to stop, and return the exit status: 0 if that was the reason."""
        self.crew.heed_signals()
        try:
            self._begin()
            self._pump(until=lambda: False)
        except Stopped:
            say("\nStopping ...")
        finally:
            self.crew.stop()
            self.services.release()
        say("Stopped.")
        return 0

    def _begin(self) -> None:
        files = self._collect_files()
        began = time.monotonic()
        self.services.start_needed(*URLS)
        say(_step("databases", time.monotonic() - began))
        self._finish(self._make_tables())
        demo = self._make_demo()
        self._finish(files)  # the web reads their names when it starts
        processes = dict(procfile())
        if os.environ.get("PORTAL_METRICS_PORT") == "0":
            del processes["metrics"]
        self.crew.start("web", processes.pop("web"))
        threading.Thread(target=self._wait_for_web, daemon=True).start()
        self._finish(demo)
        self._pump(until=lambda: self.web_answers.is_set() or self._seconds() > WEB_PATIENCE)
        if not self.web_answers.is_set():
            raise CannotRun(f"The web does not answer at {self.address.url}.")
        lines = greeting(
            self.address.url, links(demo.member.lines if demo else []), self._seconds()
        )
        say("\n".join(lines))
        # After that, because they compete with the first page for the processor.
        for name, command in processes.items():
            self.crew.start(name, command)

    @staticmethod
    def _folder_of_counts() -> str:
        """Where processes count for Prometheus; ours begins empty, as every count does."""
        if named := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            return named
        shutil.rmtree(home() / "metrics", ignore_errors=True)
        return str(home() / "metrics")

    # What may have to be done first ------------------------------------------------------------

    def _make_tables(self) -> Stamped | None:
        """Migrate, unless these migrations are known to be applied to this very database."""
        code = digest(*sorted(ROOT.glob("*/migrations/*.py")), ROOT / "requirements.txt")
        stamp = home() / "tables.stamp"

        def state() -> str:
            return f"{code} {self.services.postgres.ask(APPLIED)}"

        if not os.environ.get("DATABASE_URL") and stamp.exists() and stamp.read_text() == state():
            return None
        say("  ...      tables")
        child = self.crew.run_command("tables", "migrate", "--noinput", "-v0", login="owner")
        return Stamped(child, stamp, state)

    def _collect_files(self) -> Stamped | None:
        """Collect the static files, unless these very files were collected before."""
        sources = [path for path in sorted((ROOT / "static").rglob("*")) if path.is_file()]
        code = digest(*sources, ROOT / "portal" / "storage.py", ROOT / "requirements.txt")
        stamp = home() / "static.stamp"
        if stamp.exists() and stamp.read_text() == code and (home() / "static").exists():
            return None
        say("  ...      static files")
        child = self.crew.run_command("static files", "collectstatic", "--noinput", "-v0")
        return Stamped(child, stamp, lambda: code)

    def _make_demo(self) -> Stamped | None:
        if os.environ.get("PORTAL_DEMO") == "0":
            return None
        return Stamped(self.crew.run_command("demo", "demo", "--links"))

    def _finish(self, *children: Stamped | None) -> None:
        """Wait for them, and remember what they made."""
        made = [child for child in children if child]
        self._pump(until=lambda: all(child.member.status is not None for child in made))
        for child in made:
            child.remember()

    # Meanwhile ---------------------------------------------------------------------------------

    def _pump(self, *, until: Callable[[], bool]) -> None:
        """Show what everybody says, and keep the databases alive, until something is true."""
        looked = time.monotonic()
        while not until():
            event = self.crew.next_event(1 if self.web_answers.is_set() else 0.05)
            if isinstance(event, Told):
                self._heed(event.number)
            if isinstance(event, Said):
                self._hear(event.who, event.line)
            elif isinstance(event, Ended):
                self._take_leave(event.who, event.status)
            if time.monotonic() - looked >= 1:
                looked = time.monotonic()
                for name in self.services.revive():
                    say(f"{name} had died and runs again.")

    def _hear(self, who: Member, line: str) -> None:
        who.lines.append(line)
        del who.lines[:-200]
        if not (who.once and line.startswith("{")):
            say(f"{who.name:>12} | {line}")

    def _heed(self, number: int) -> None:
        if number != RENEW:
            raise Stopped
        if self.web_answers.is_set():
            say("Letting new code in ...")
            for member in self.crew.members:
                if member.status is None and not member.once:
                    self.crew.renew(member)

    def _take_leave(self, who: Member, status: int) -> None:
        if who.is_renewed:
            self.crew.start(who.name, dict(procfile())[who.name])
            return
        if not who.once:
            raise CannotRun(
                f"{who.name} ended by itself (exit status {status}), so all of it ends."
            )
        if status:
            raise CannotRun(f"{who.name} could not be made (exit status {status}).")
        say(_step(who.name, who.seconds))

    def _wait_for_web(self) -> None:
        while not self.address.answers():
            time.sleep(0.03)
        self.web_answers.set()

    def _seconds(self) -> float:
        return time.time() - self.began


@dataclass(frozen=True)
class Stamped:
    """A child whose work need not be done again while `state` stays the same."""

    member: Member
    stamp: Path | None = None
    state: Callable[[], str] = str

    def remember(self) -> None:
        if self.stamp:
            self.stamp.write_text(self.state())


def procfile() -> Iterator[tuple[str, str]]:
    """Name and command of each process."""
    for line in (ROOT / "Procfile").read_text().splitlines():
        name, colon, command = line.partition(":")
        if colon and not line.startswith("#"):
            yield name, command.strip()


def digest(*paths: Path) -> str:
    """Changes when one of the files does, in name or content."""
    total = hashlib.sha256()
    for path in paths:
        if path.exists():
            total.update(f"{path.relative_to(ROOT)}\n".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def hint() -> str:
    """What to do about a full disk, which is behind many errors that do not say so."""
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(home()).free
        if free < NO_ROOM:
            return (
                f"\nThe disk that holds {home()} is full. Make room (the portal needs 300 MB to "
                "begin) and run the same command again: it goes on where it stopped."
            )
    return ""


def _step(name: str, seconds: float) -> str:
    return f"{seconds:5.1f} s    {name}"


def say(line: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone: then nobody reads it
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
