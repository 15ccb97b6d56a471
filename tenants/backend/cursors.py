"""psycopg cursors whose every statement carries the tenant, in the same message and so in the same
round trip.

Nothing is remembered on the connection, so nothing can go stale: not after a rollback, not in a
pool, not behind PgBouncer. `SET LOCAL` ends with the transaction; PostgreSQL runs a message of
several statements as one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter
from typing import Any, cast

from django.db.backends.postgresql import base
from psycopg import ClientCursor, Connection, NotSupportedError
from psycopg.pq import TransactionStatus
from psycopg.sql import Composable

from tenants import tally
from tenants.context import Scope, TenantMismatch, current

NOBODY = (
    "SET LOCAL app.tenant_id='';"  # ends what an earlier scope of the same transaction left behind
)
BACK = "SET LOCAL ROLE portal_app;"


class Scoped:
    """A psycopg cursor that says, before each statement, in whose name it is made."""

    _conn: Connection[Any]
    rowcount: int

    @staticmethod
    def carry(role: str, settings: str) -> tuple[str, int]:
        """The text that goes before a statement, and how many results it makes."""
        return role + settings, bool(role) + bool(settings)

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Any:
        role, settings = self._words()
        if isinstance(query, Composable):
            query = query.as_string(self._conn)
        began, rows = perf_counter(), 0
        try:
            if not role and not settings:
                super().execute(query, params, **kwargs)
            else:
                if self._conn._pipeline is not None:
                    raise NotSupportedError("pipeline mode cannot carry the tenant")
                prefix, results = self.carry(role, settings)
                text = prefix + query if isinstance(query, str) else prefix.encode() + query
                super().execute(text, params, **kwargs)
                for _ in range(results):
                    cast("ClientCursor[Any]", self).nextset()
            rows = self.rowcount
        finally:
            tally.add(query, rows, perf_counter() - began)
        return self

    def executemany(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        began, rows = perf_counter(), 0
        try:
            with self._transaction():
                super().executemany(query, *args, **kwargs)
            rows = self.rowcount
        finally:
            tally.add(query, rows, perf_counter() - began)

    @contextmanager
    def copy(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        with self._transaction(), super().copy(*args, **kwargs) as copy:
            yield copy

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        with self._transaction():
            yield from super().stream(*args, **kwargs)

    def _words(self) -> tuple[str, str]:
        """Role and setting that PostgreSQL must hear before the next statement ("" for nothing)."""
        scope, conn = current(), cast(Any, self._conn)
        status = conn.pgconn.transaction_status
        if status == TransactionStatus.INERROR:
            return "", ""  # only ROLLBACK is heard now
        if scope is not None and scope.tenant_id is None:
            conn.was_platform = True  # so BACK is said too often, never too rarely
            return scope.role, scope.settings
        in_transaction = status == TransactionStatus.INTRANS
        settings = scope.settings if scope else NOBODY if in_transaction else ""
        return BACK if in_transaction and getattr(conn, "was_platform", False) else "", settings

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """For statements that cannot share a round trip: one transaction around scope and
        statement.
        """
        role, settings = self._words()
        if not (role or settings) or self._conn._pipeline:
            yield
            return
        around: AbstractContextManager[Any] = nullcontext()
        if self._conn.autocommit:
            around = self._conn.transaction()
        with around:
            ClientCursor(self._conn).execute(self.carry(role, settings)[0].encode())
            yield


class OnCitus:
    """Citus forwards the whole message of a plain SET LOCAL to its workers, but of a DO block only
    the SETs inside.

    A role is not forwarded: Citus talks to the workers as that role, over connections of its own.
    """

    @staticmethod
    def carry(role: str, settings: str) -> tuple[str, int]:
        if role:
            role = f"SET LOCAL citus.propagate_set_commands='none';{role}"
        words = f"{role}SET LOCAL citus.propagate_set_commands='local';{settings}"
        return f"DO $$BEGIN {words}END$$;", 1


class Cursor(Scoped, base.Cursor):
    """What `connection.cursor()` gives."""


class CitusCursor(OnCitus, Cursor):
    """The same on a Citus cluster."""


class ServerSideCursor(Scoped, base.ServerSideCursor):
    """A cursor in the server, read only in the scope that opened it.

    PostgreSQL asks the policy anew for every row of a sequential scan, so a half-read cursor that
    is read on inside another tenant would yield that tenant's rows (seen).

    Behind a pooler it ends with its transaction: held longer it stays on PostgreSQL's connection,
    with its rows, for whichever client is lent that next (seen).
    """

    _opened: Scope | None = None
    _withhold: bool

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        if self._withhold and getattr(self._conn, "is_lent", False):
            raise NotSupportedError("behind a pooler no cursor outlives its transaction")
        self._opened = current()
        began = perf_counter()
        try:
            with self._transaction():
                return super(Scoped, self).execute(query, *args, **kwargs)
        finally:
            tally.add(query, 0, perf_counter() - began)

    def _fetch_gen(self, num: int | None) -> Any:
        if current() != self._opened:
            raise TenantMismatch(f"a cursor opened in {self._opened} is read in {current()}")
        return self._counted(super()._fetch_gen(num))

    @staticmethod
    def _counted(fetching: Any) -> Any:
        rows = yield from fetching
        tally.add_rows(len(rows))
        return rows


class CitusServerSideCursor(OnCitus, ServerSideCursor):
    """The same on a Citus cluster."""
