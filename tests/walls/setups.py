"""The kinds of connections that a deployment may have, as environments of a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.walls.pgbouncer import pgbouncer

SETUPS: dict[str, dict[str, str]] = {
    "one a request": {"CONN_MAX_AGE": "0"},
    "persistent": {"CONN_MAX_AGE": "60"},
    "pool": {"DATABASE_POOL": "4"},
    "pgbouncer": {"DATABASE_POOLER": "1", "CONN_MAX_AGE": "60"},
}


@contextmanager
def environment(name: str, database: dict[str, str]) -> Iterator[dict[str, str]]:
    """What a process of this set-up must find in its environment, with `database` for the URLs."""
    chosen = {"DATABASE_POOL": "0", "DATABASE_POOLER": "0", **SETUPS[name]}
    if name != "pgbouncer":
        yield {**database, **chosen}
        return
    with pgbouncer(database) as urls:
        yield {**database, **urls, **chosen}
