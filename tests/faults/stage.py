"""A real portal in a throw-away home: durable PostgreSQL, Valkey, web and worker as processes.

Whatever of it dies is started again within a tenth of a second, unless a drill says `let_lie`. When
this process ends, however it ends, all of it ends: each is under a leash (portal.leash).
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Self

import psycopg

from portal.crew import Crew, Ended, Member, Said
from portal.embedded import URLS, Services
from portal.home import ROOT
from portal.up import procfile
from tests.faults.disk import FullDisk
from tests.faults.processes import about, command_of, family
from tests.test_embedded import until

LIBRARY = "libfaketime/vendor/libfaketime/src/libfaketime.so.1"
STARTS = 60  # seconds that a start may take on a busy machine
WEB = "portal.wsgi:application"
QUIET = {"PORTAL_ASSUME_ROLE": "", "PORTAL_LOGIN": "app", "PORTAL_TEST_RUN": ""}


def faketime() -> Path | None:
    """The library that moves a process' clock, if it is installed."""
    found = [Path(folder) / LIBRARY for folder in sys.path]
    return next((path for path in found if path.exists()), None)


class Stage:
    """`with Stage() as stage:`; `disk` gives PostgreSQL one of so many megabytes (root only).

    `clock` lets a drill move the clock of web and worker: see move_clock().
    """

    def __init__(self, *, disk: int = 0, clock: bool = False, worker: bool = True) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="portal-stage-"))
        self.home.chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.services = Services(self.home)
        self.disk = FullDisk(self.home, megabytes=disk) if disk else None
        self.clock = self.home / "clock"
        self.let_lie: set[str] = set()  # of "web", "worker", "servers"
        self.said: list[tuple[str, str]] = []  # who, line
        self._commands: dict[str, str] = {}
        self._members: dict[str, Member] = {}
        self._lock = (self.home / "stage.lock").open("w")
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        self._with_worker = worker
        self.environment = {
            **{name: self.services.database_url(login) for login, name in URLS.items()},
            **QUIET,
            "REDIS_URL": self.services.redis_url,
            "PORTAL_HOME": str(self.home),
            "PORTAL_DEMO": "0",
            "PORT": str(self.port),
            "PORTAL_PORT": str(self.port),
            "WEB_CONCURRENCY": "2",
            "WEB_THREADS": "32",
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            **(self._faketime() if clock else {}),
        }
        self._people: subprocess.Popen[str] | None = None

    def _faketime(self) -> dict[str, str]:
        self.clock.write_text("+0\n")
        library = faketime()
        return {
            "LD_PRELOAD": str(library or ""),
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_TIMESTAMP_FILE": str(self.clock),
            "FAKETIME_CACHE_DURATION": "1",  # seconds until the file is read again
        }

    # Beginning and end ---------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            return self._begin()
        except BaseException:
            self.__exit__()
            raise

    def _begin(self) -> Self:
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        if self.disk:
            self.services.place.make()
            self.disk.start()
        else:
            self.services.start()
        self.crew = Crew(Path(self._lock.name), self.environment)
        self._once("migrate", "--noinput", "-v0", login="owner")
        self._once("collectstatic", "--noinput", "-v0")
        self._start_thread(self._supervise)
        if not self.disk:  # which looks after its own
            self._start_thread(self._revive)
        self._commands["web"] = dict(procfile())["web"]
        if self._with_worker:
            self._commands["worker"] = dict(procfile())["worker"]
        until(self.serves, STARTS)
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        if self._people:
            self._people.kill()
            self._people.communicate()
        for thread in self._threads:
            thread.join(STARTS)
        if hasattr(self, "crew"):
            self.crew.stop()
        if self.disk:
            self.disk.stop()
        self.services.release()
        self._lock.close()
        until(lambda: not about(str(self.home)), STARTS)
        shutil.rmtree(self.home, ignore_errors=True)
        _forget_clocks()

    def _once(self, *arguments: str, login: str = "app") -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.crew.environment | {"PORTAL_LOGIN": login},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _start_thread(self, work: Any) -> None:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)

    # Keeping it alive ----------------------------------------------------------------------

    def _supervise(self) -> None:
        while not self._ending.is_set():
            for name, command in list(self._commands.items()):
                member = self._members.get(name)
                ended = member is None or member.process.poll() is not None
                if ended and name not in self.let_lie:
                    # What it says on stdout is for people; the log is stderr.
                    self._members[name] = self.crew.start(name, f"{command} >/dev/null")
            event = self.crew.next_event(0.05)
            while event:
                if isinstance(event, Said):
                    self.said.append((event.who.name, event.line))
                event = self.crew.next_event(0.001) if not isinstance(event, Ended) else None

    def _revive(self) -> None:
        while not self._ending.wait(0.05):
            if "servers" not in self.let_lie:
                self.services.revive()

    def serve(self, application: str = WEB, **variables: str) -> None:
        """Serve by `application` from here on, with these variables: for a planted bug."""
        told = "".join(f"{name}='{value}' " for name, value in variables.items())
        command = dict(procfile())["web"].replace(WEB, application)
        # After the line's own variables, of which the last one counts.
        self._commands["web"] = re.sub(r"^env (\S+=\S+ )+", lambda own: own[0] + told, command)
        before = self._members.pop("web", None)
        if before:
            before.process.terminate()
            before.process.wait(STARTS)
        until(self.serves, STARTS)

    # Looking at it -------------------------------------------------------------------------

    def get(
        self, path: str, host: str = "localhost", timeout: float = 5, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers and body; OSError or HTTPException if there was no answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path, headers={"Host": host, **headers})
            response = connection.getresponse()
            return response.status, dict(response.headers), response.read().decode()
        finally:
            connection.close()

    def serves(self) -> bool:
        try:
            return self.get("/readyz")[0] == 200
        except (OSError, HTTPException):
            return False

    def connect(self, login: str = "owner") -> psycopg.Connection[Any]:
        """A bare connection. The owner's sees every shop."""
        url = self.services.database_url(login)
        return psycopg.connect(url, autocommit=True, connect_timeout=2)

    def ask(self, query: str, *values: object, login: str = "owner") -> list[tuple[Any, ...]]:
        with self.connect(login) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def leash(self, name: str) -> int:
        """The process that leads the group of "web" or "worker"."""
        return self._members[name].process.pid

    def web_workers(self) -> list[int]:
        """The processes that answer requests."""
        return [p for p in family(self.leash("web"))[2:] if "granian" in command_of(p)]

    @property
    def postmaster(self) -> int:
        return int((self.services.postgres.directory / "postmaster.pid").read_text().split()[0])

    @property
    def valkey(self) -> int:
        process = self.services.valkey._process
        assert process
        return process.pid

    def move_clock(self, by: str) -> None:
        """Move the clock of web and worker: "-1h", "+1d", "+0"."""
        self.clock.write_text(f"{by}\n")

    # People --------------------------------------------------------------------------------

    def open_shops(
        self, shops: int, *, tills: int = 3, members: int = 12, plan: str = "plus"
    ) -> list[dict[str, Any]]:
        if self._people is None:
            self._people = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.people"],
                cwd=ROOT,
                env=self.crew.environment | {"LD_PRELOAD": ""},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._people.stdin
        assert self._people.stdout
        asked = {"shops": shops, "tills": tills, "members": members, "plan": plan}
        self._people.stdin.write(json.dumps(asked) + "\n")
        self._people.stdin.flush()
        answer = self._people.stdout.readline()
        assert answer, "no shops were opened"
        found: list[dict[str, Any]] = json.loads(answer)
        return found

    def faults_of(self, slugs: Sequence[str]) -> list[str]:
        """What is wrong in the books of these shops, as `verify_ledger` tells it."""
        shops = [word for slug in slugs for word in ("--shop", slug)]
        done = subprocess.run(
            [sys.executable, "manage.py", "verify_ledger", *shops],
            cwd=ROOT,
            env=self.crew.environment | {"PORTAL_LOGIN": "worker", "LD_PRELOAD": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 1), done.stdout + done.stderr
        return done.stdout.splitlines() if done.returncode else []

    def log(self, since: int = 0) -> list[str]:
        """What web and worker said, a line each."""
        time.sleep(0.2)  # the pipes
        return [line for _, line in self.said[since:]]


def _forget_clocks() -> None:
    """What libfaketime leaves in shared memory of processes that were killed."""
    for path in Path("/dev/shm").glob("*faketime_*"):  # noqa: S108 (where the kernel keeps it)
        if not Path(f"/proc/{path.name.rpartition('_')[2]}").exists():
            path.unlink(missing_ok=True)
