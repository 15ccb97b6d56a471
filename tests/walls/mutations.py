"""Holes that are planted on purpose, and filled again: each must turn probes red (`expected`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

import psycopg
from django.core.cache import caches
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql import compiler as stock
from psycopg import ClientCursor, sql
from psycopg.pq import TransactionStatus

from tenants import middleware
from tenants.backend import base as backend
from tenants.backend import cursors
from tenants.cache import plain_key
from tenants.context import current, enter
from tenants.testing import owned_models
from tests.walls.probes import streams

Mutation = Callable[[], AbstractContextManager[Any]]


def row_security(statement: str) -> None:
    """Say ENABLE or DISABLE of every tenant-owned table, as its owner."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
        connection.execute("SET lock_timeout = '10s'")
        for model in owned_models():
            table = sql.Identifier(model._meta.db_table)
            words = sql.SQL("ALTER TABLE {} {} ROW LEVEL SECURITY")
            connection.execute(words.format(table, sql.SQL(statement)))


@contextmanager
def no_row_security() -> Iterator[None]:
    row_security("DISABLE")
    try:
        yield
    finally:
        row_security("ENABLE")


def stock_compiler() -> AbstractContextManager[Any]:
    """Django's own compiler in all threads, those that have used ours already too."""

    def compiler(self: Any, name: str) -> Any:
        return getattr(stock, name)

    return patch.object(backend.DatabaseOperations, "compiler", compiler)


@contextmanager
def neither() -> Iterator[None]:
    with no_row_security(), stock_compiler():
        yield


@contextmanager
def remembered() -> Iterator[None]:
    """SET once, and again only when the connection is not known to be in that tenant."""

    def words(self: Any) -> tuple[str, str]:
        scope, connection = current(), self._conn
        if connection.pgconn.transaction_status == TransactionStatus.INERROR:
            return "", ""
        if scope is None or scope.tenant_id is None:
            return (scope.role, scope.settings) if scope else ("", "")
        if getattr(connection, "knows", None) != scope.tenant_id:
            told = scope.settings.replace("SET LOCAL", "SET SESSION")
            ClientCursor(connection).execute(told.encode())
            connection.knows = scope.tenant_id
        return "", ""

    with patch.object(cursors.Scoped, "_words", words):
        yield


@contextmanager
def leaky_generators() -> Iterator[None]:
    """A stream that yields inside its scope, sync and async."""

    def bound(items: Any, scope: Any) -> Any:
        with enter(scope):
            yield from items

    async def chunks(items: Any, scope: Any) -> Any:
        with enter(scope):
            async for item in items:
                yield item

    with (
        patch.object(middleware, "bound", bound),
        patch.object(streams, "bound", bound),
        patch.object(middleware, "_chunks_later", chunks),
    ):
        yield


def unbound_hooks() -> AbstractContextManager[Any]:
    """What runs after the commit runs wherever the commit happens to be."""
    on_commit = BaseDatabaseWrapper.on_commit
    return patch.object(backend.DatabaseWrapper, "on_commit", on_commit)


def unasked_cursors() -> AbstractContextManager[Any]:
    """A server-side cursor that is read on in any tenant."""
    stock_fetch = cursors.base.ServerSideCursor._fetch_gen
    return patch.object(cursors.ServerSideCursor, "_fetch_gen", stock_fetch)


def held_cursors() -> AbstractContextManager[Any]:
    """A cursor that outlives its transaction, whoever is lent the connection next."""

    def execute(self: Any, *args: Any, **options: Any) -> Any:
        self._opened = current()
        with self._transaction():
            return super(cursors.Scoped, self).execute(*args, **options)

    return patch.object(cursors.ServerSideCursor, "execute", execute)


def keys_without_a_shop() -> AbstractContextManager[Any]:
    """One key is one entry for all."""
    return patch.object(caches["tenant"], "key_func", plain_key)


def unsaid_nobody() -> AbstractContextManager[Any]:
    """Code in no tenant says nothing, and hears what the transaction was told before."""
    return patch.object(cursors, "NOBODY", "")


def no_way_back() -> AbstractContextManager[Any]:
    """A transaction that was the platform's stays the platform's."""
    return patch.object(cursors, "BACK", "")


# The last one leaves its traces on PostgreSQL's connections; the process ends with them.
MUTATIONS: dict[str, Mutation] = {
    "no row security": no_row_security,
    "stock compiler": stock_compiler,
    "neither": neither,
    "leaky generators": leaky_generators,
    "unbound hooks": unbound_hooks,
    "unasked cursors": unasked_cursors,
    "held cursors": held_cursors,
    "keys without a shop": keys_without_a_shop,
    "unsaid nobody": unsaid_nobody,
    "no way back": no_way_back,
    "remembered": remembered,
}
