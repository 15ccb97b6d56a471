"""What was written, told to the cache after the commit, so that no kept read of it is shown again.

For each tenant and table there is a token in Valkey, random and made when it is missing. A kept
value names the tokens that it was read under (tenants.reads); deleting a table's token makes all of
those worthless in one command, which also a full server obeys, and no token ever comes back.

The compilers tell each write by the ORM. What raw SQL writes is shown when its time is up.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Set
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection as default_connection
from redis.exceptions import RedisError

from tenants.breaker import valkey
from tenants.cache import client, key_of
from tenants.context import required, tenant_id
from tenants.failpoints import failpoint

Written = tuple[UUID | None, str]  # a table, of one tenant or of all

REMEMBERED = 10_000  # lost invalidations
_watched: dict[str, list[Callable[[UUID | None], None]]] = defaultdict(list)
_lost: dict[Written, None] = {}  # in the order they were lost
_lock = threading.Lock()
_back = 0.0


class Changes:
    """What one transaction wrote so far: its hook, which runs after the commit.

    A savepoint that is rolled back takes its hooks with it, so the next write makes another. As
    long as this one is there it stands for later writes too: blocks are nested, so whatever takes
    it away undoes those as well. What a lost savepoint wrote is told for nothing.
    """

    def __init__(self) -> None:
        self.written: set[Written] = set()

    def __call__(self) -> None:
        failpoint("before_invalidate")
        tell(self.written)


def watch(table: str, forget: Callable[[UUID | None], None]) -> None:
    """Tell of writes of `table` from now on; `forget` hears of those of this process, at once."""
    _watched[table].append(forget)


def wrote(connection: Any, table: str) -> None:
    """Heard from the compiler after each INSERT, UPDATE and DELETE of a tenant-owned table.

    Work across all tenants (`platform`) is told for each of them.
    """
    if table not in _watched:
        return
    written = (required().tenant_id, table)
    if changes := next(_uncommitted(connection), None):
        changes.written.add(written)
        return
    changes = Changes()
    changes.written.add(written)
    connection.on_commit(changes, robust=True)  # the write is done: nothing may fail it now


def perhaps(connection: Any) -> None:
    """Heard from the connection when a commit failed: nobody knows what PostgreSQL has kept.

    Where the error is none of the database, Django leaves the hooks in their list, so they are told
    again with the next commit.
    """
    tell({each for changes in _uncommitted(connection) for each in changes.written})


def tell(written: Iterable[Written]) -> None:
    """Make what was kept of these worthless; what fails is remembered and told again."""
    written = set(written)
    for tenant, table in written:
        for forget in _watched.get(table, ()):
            forget(tenant)
    try:
        _drop(written)
    except RedisError:
        with _lock:
            _lost.update(dict.fromkeys(written))
            while len(_lost) > REMEMBERED:
                del _lost[next(iter(_lost))]


def uncertain(tables: Set[str]) -> bool:
    """May what is kept of these tables be out of date, or must what is read now not be kept?

    So it is while this transaction has written to one of them, and while an invalidation is lost.
    """
    tenant = tenant_id()
    for changes in _uncommitted(default_connection):
        if any(whose in (tenant, None) and table in tables for whose, table in changes.written):
            return True
    is_lost = any((whose, table) in _lost for table in tables for whose in (tenant, None))
    return is_lost and not retell()


def retell() -> bool:
    """Tell again what was lost. False if something still is."""
    with _lock:
        again = list(_lost)
    try:
        _drop(again)
    except RedisError:
        return False
    with _lock:
        for each in again:
            _lost.pop(each, None)
    return True


def trusted_since() -> float:
    """Unix time. What was kept before is not believed here: since then Valkey was away, and more
    may have been lost than is remembered.
    """
    return _back


def new_token() -> str:
    return secrets.token_hex(8)


def token_name(table: str) -> str:
    return f"written:{table}"


def _uncommitted(connection: Any) -> Iterator[Changes]:
    for _, function, _ in connection.run_on_commit:
        changes = getattr(function, "__wrapped__", None)  # by the backend, in whose scope it runs
        if isinstance(changes, Changes):
            yield changes


def _drop(written: Iterable[Written]) -> None:
    """One command for each tenant."""
    keys: dict[UUID, list[str]] = defaultdict(list)
    for whose, table in written:
        for tenant in [whose] if whose else _everybody():
            keys[tenant].append(key_of(token_name(table), tenant))
    for names in keys.values():
        client().delete(*names)


def _everybody() -> list[UUID]:
    return list(apps.get_model("tenants.Tenant").objects.values_list("pk", flat=True))


def _is_back() -> None:
    global _back  # noqa: PLW0603 (this process' own, like the breaker)
    _back = time.time()
    if _lost:
        retell()


valkey.when_back(_is_back)
