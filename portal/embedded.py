"""The PostgreSQL and Valkey that the portal runs on while no URL names servers of your own.

Every process of this checkout shares them. Each holds a shared lock for as long as it uses them,
and the last to let go stops them: the kernel drops the lock of a process that is killed, so there
is no list of users that could go stale.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Self

from portal.home import EmbeddedError, Place, home
from portal.postgres import Postgres
from portal.valkey import Valkey

__all__ = ["EmbeddedError", "Services", "home"]

URLS = {"app": "DATABASE_URL", "owner": "DATABASE_OWNER_URL", "worker": "DATABASE_WORKER_URL"}


class Services:
    """Both servers of one home; `throwaway` is for tests. A context manager that starts them."""

    def __init__(self, home_: Path | None = None, *, throwaway: bool = False) -> None:
        self.place = Place(Path(home_ or home()).absolute())
        self.postgres = Postgres(self.place, throwaway=throwaway)
        self.valkey = Valkey(self.place)
        self._started: list[Postgres | Valkey] = []
        self._use: TextIOWrapper | None = None

    def database_url(self, login: str) -> str:
        return self.postgres.url(login)

    @property
    def redis_url(self) -> str:
        return self.valkey.url

    def start(self, *, postgres: bool = True, valkey: bool = True) -> Self:
        """Start what does not run yet, and be one of its users. Any number of processes may."""
        if not postgres and not valkey:
            return self
        self.place.make()
        with self.place.alone():
            self._be_a_user()
            wanted = ((self.valkey, valkey), (self.postgres, postgres))
            self._started = [server for server, is_wanted in wanted if is_wanted]
            try:
                for server in self._started:
                    server.start()
            except EmbeddedError:
                self._let_go()
                raise
        return self

    def start_needed(self, *logins: str) -> Self:
        """Start what no URL in the environment replaces, for a process with these logins."""
        named = [url for url in URLS.values() if os.environ.get(url)]
        missing = [URLS[login] for login in logins if not os.environ.get(URLS[login])]
        if named and missing:
            raise EmbeddedError(
                f"{' and '.join(named)} names a database of your own, so {' and '.join(missing)} "
                "must name it too, each with its own role (`manage.py roles` makes them); "
                "or set none of them, and the portal runs its own PostgreSQL."
            )
        return self.start(postgres=not named, valkey=not os.environ.get("REDIS_URL"))

    def hold(self) -> Self:
        """Be one more user of whatever runs here, and start nothing."""
        if self.place.path.exists():
            with self.place.alone():
                self._be_a_user()
        return self

    def revive(self) -> list[str]:
        """Start again the servers that were killed, and name them; two connects if none was."""
        dead = [server for server in self._started if not _listens(server.socket)]
        if dead:
            with self.place.alone():
                for server in dead:
                    server.start()
        return [type(server).__name__ for server in dead]

    def release(self) -> bool:
        """Use them no longer. The last user stops them: True if that was us."""
        if self._use is None:
            return False
        with self.place.alone():
            return self._let_go()

    def _let_go(self) -> bool:
        if self._use:
            self._use.close()
            self._use = None
        if not self._is_unused():
            return False
        self.valkey.stop()
        self.postgres.stop()
        return True

    def _be_a_user(self) -> None:
        if self._use is None:
            self._use = self._users()
            fcntl.flock(self._use, fcntl.LOCK_SH)

    def _is_unused(self) -> bool:
        with self._users() as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def _users(self) -> TextIOWrapper:
        return (self.place.path / "users.lock").open("w")

    def __enter__(self) -> Self:
        return self if self._use else self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0


def main() -> None:
    """python -m portal.embedded: run the servers and show their addresses, until told to stop."""
    ends = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # before the start: it must not be cut in two
    with Services(throwaway="--throwaway" in sys.argv) as services:
        for login, name in URLS.items():
            sys.stdout.write(f"{name}={services.database_url(login)}\n")
        sys.stdout.write(f"REDIS_URL={services.redis_url}\n")
        sys.stdout.flush()
        signal.sigwait(ends)


if __name__ == "__main__":
    main()
