"""Where the benches play: the tests' servers, a database of their own, made new and dropped again.

Figures are ratios taken in one run on one machine, because wall times on shared machines are noise.
CPU seconds are read from /proc, of our processes and of PostgreSQL's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psycopg
from psycopg import sql

from portal.home import ROOT
from portal.testbed import Servers

NAME = f"bench_{os.getpid()}"
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def stage(login: str = "app") -> Iterator[dict[str, str]]:
    """A migrated database, Django set up as the web (or the worker) is; gives the environment of
    processes.
    """
    testbed = Servers()
    testbed.start()
    maintenance = testbed.environment("portal")["DATABASE_OWNER_URL"]
    environment = {
        **testbed.environment(NAME, cache=14),
        "PORTAL_LOGIN": login,
        "PORTAL_NO_BOOTSTRAP": "1",
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "portal.settings"),
    }
    name = sql.Identifier(NAME)
    try:
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        migrate = [sys.executable, "manage.py", "migrate", "-v0"]
        owner = {**os.environ, **environment, "PORTAL_LOGIN": "owner"}
        subprocess.run(migrate, cwd=ROOT, env=owner, check=True)
        os.environ |= environment
        import django

        django.setup()
        yield environment
    finally:
        close_connections()
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        testbed.release()


def close_connections() -> None:
    from django.db import connections

    connections.close_all()


def as_owner(environment: dict[str, str]) -> psycopg.Connection[tuple[object, ...]]:
    """A bare connection of the owner, whom row-level security does not hold."""
    return psycopg.connect(environment["DATABASE_OWNER_URL"], cursor_factory=psycopg.ClientCursor)


def analyze(environment: dict[str, str]) -> None:
    """The tests' servers have no autovacuum, and plans without statistics are nobody's."""
    with as_owner(environment) as connection:
        connection.execute("ANALYZE")


def cpu(*pids: int) -> float:
    """CPU seconds that these processes have used."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def interleaved(rounds: int, each: int, *ways: Callable[[], object]) -> list[float]:
    """Median CPU seconds of one call of each way, in turns, so that noise hits all alike."""
    seen: list[list[float]] = [[] for _ in ways]
    for way in ways:
        way()
    for _ in range(rounds):
        for times, way in zip(seen, ways, strict=True):
            began = time.thread_time()
            for _ in range(each):
                way()
            times.append((time.thread_time() - began) / each)
    return [median(times) for times in seen]


def table(title: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """Print (what, how much, goal)."""
    print(f"\n{title}")
    widths = [max(len(row[n]) for row in rows) for n in range(3)]
    for what, value, goal in rows:
        print(f"  {what:<{widths[0]}}  {value:>{widths[1]}}  {goal}")
