"""pytest plugin (`-p portal.testing`): real servers for the tests, thrown away, closed like ours.

The environment names them before Django reads its settings. Migrations run once for each state of
the code, into a template; a process of a run copies that into a database of its own, which the
child processes of a test see too. Several runs may go on at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from portal.crew import is_alive
from portal.home import ROOT, home
from portal.testbed import COUNTS, THOROUGH, Servers
from portal.valkey import DATABASES
from tenants import roles

TEMPLATE_KEPT = 86_400  # seconds
UNFINISHED = "unfinished"


class Databases:
    """The database of this process, and the template that it is copied from."""

    def __init__(self) -> None:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        if not worker:
            os.environ["PORTAL_TEST_RUN"] = str(os.getpid())
        run = int(os.environ["PORTAL_TEST_RUN"])
        self.name = f"test_{run}_{worker or 'main'}"
        self.cache = (run * 8 + int(worker.removeprefix("gw") or 7)) % DATABASES
        self.servers = Servers()
        self.maintenance = self.servers.environment("portal")["DATABASE_OWNER_URL"]

    def prepare(self) -> None:
        """Start the servers, and let the environment lead to them."""
        self.servers.start()
        os.environ |= self.servers.environment(self.name, cache=self.cache)
        # The owner makes what a test needs and works as the application, whose rights it tests.
        os.environ["PORTAL_LOGIN"] = "owner"
        os.environ["PORTAL_ASSUME_ROLE"] = roles.APP

    # The fixture that pytest-django's own fixtures ask for. It is ours because this plugin is
    # registered after that one, see pytest_configure.
    @pytest.fixture(scope="session")
    def django_db_setup(self, django_test_environment: None) -> Iterator[None]:
        from django.db import connections  # noqa: PLC0415 (reads settings, which read the environment)

        with psycopg.connect(self.maintenance, autocommit=True) as connection:
            template = self._template(connection)
            self._forget_the_dead(connection)
            execute(connection, "CREATE DATABASE {} TEMPLATE {}", self.name, template)
            for statement in roles.database(self.name):
                connection.execute(statement.encode())
        yield
        for each in connections.all(initialized_only=True):
            each.close()
        with psycopg.connect(self.maintenance, autocommit=True) as connection:
            execute(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)

    def _template(self, connection: psycopg.Connection) -> str:
        """The name of a database with all migrations applied: made once, whoever comes first."""
        code = _digest()
        home().mkdir(parents=True, exist_ok=True)
        with (home() / "test.template.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for name in _names(connection, "template\\_%"):
                _, made, of = name.split("_")
                if of == code:
                    return name
                if time.time() - int(made) > TEMPLATE_KEPT:
                    execute(connection, "DROP DATABASE {} WITH (FORCE)", name)
            execute(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", UNFINISHED)
            execute(connection, "CREATE DATABASE {}", UNFINISHED)
            _migrate(self.servers.environment(UNFINISHED))
            name = f"template_{int(time.time())}_{code}"
            execute(connection, "ALTER DATABASE {} RENAME TO {}", UNFINISHED, name)
            return name

    def _forget_the_dead(self, connection: psycopg.Connection) -> None:
        """Drop what killed runs left; with it goes the cost of their tables."""
        for name in _names(connection, "test\\_%"):
            if not is_alive(int(name.split("_")[1])):
                # A child of it may still be at work there, with a login that the owner cannot end.
                with suppress(psycopg.errors.InsufficientPrivilege):
                    execute(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def execute(connection: psycopg.Connection, statement: str, *names: str) -> None:
    identifiers = map(sql.Identifier, names)
    connection.execute(sql.SQL(statement).format(*identifiers))


def _names(connection: psycopg.Connection, pattern: str) -> list[str]:
    query = "SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY datname DESC"
    return [name for (name,) in connection.execute(query, [pattern])]


def _digest() -> str:
    """Whatever a migration may come out by: the migrations, and what writes their DDL."""
    ddl = ("fields", "ids", "kinds", "roles", "sealing", "backend/schema")
    paths = {*ROOT.glob("*/migrations/*.py"), *(ROOT / f"tenants/{name}.py" for name in ddl)}
    total = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for path in sorted(paths):
        total.update(path.read_bytes())
    return total.hexdigest()[:12]


def _migrate(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--noinput", "-v0"],
        cwd=ROOT,
        env=os.environ
        | environment
        | {"PORTAL_LOGIN": "owner", "PORTAL_ASSUME_ROLE": "", "PORTAL_NO_BOOTSTRAP": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.exit(f"The test database could not be migrated:\n{done.stdout}{done.stderr}", 3)


# Before pytest-django reads the settings, and so before any hook.
_databases = Databases()
_databases.prepare()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_databases, "portal-databases")


def pytest_unconfigure(config: pytest.Config) -> None:
    _databases.servers.release()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that take minutes, unless they are asked for."""
    if os.environ.get(THOROUGH) == "1":
        return
    slow = [item for item in items if item.get_closest_marker("thorough")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if path := os.environ.get(COUNTS):
        kinds = ("passed", "failed", "error", "skipped", "deselected")
        counts = {kind: len(terminalreporter.getreports(kind)) for kind in kinds}
        Path(path).write_text(json.dumps(counts))
