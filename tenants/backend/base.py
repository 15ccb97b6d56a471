"""Connections of the portal: they refuse a role that could see through the walls, and bind what
runs after commit.

OPTIONS: `citus` (the database is a Citus cluster), `owner` (this process migrates), `assume_role`
(tests only: log in as the owner, work as that role).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base
from django.db.backends.postgresql.operations import DatabaseOperations as BaseOperations
from psycopg import ClientCursor
from psycopg.pq import TransactionStatus
from psycopg_pool.base import AttemptWithBackoff

from tenants import changes
from tenants.backend.cursors import CitusCursor, CitusServerSideCursor, Cursor, ServerSideCursor
from tenants.backend.schema import DatabaseSchemaEditor
from tenants.context import current, enter, owner
from tenants.failpoints import failpoint

SEES_THROUGH = b"""
    SELECT current_user FROM pg_roles
     WHERE rolname = current_user AND (rolsuper OR rolbypassrls OR EXISTS (
           SELECT FROM pg_class WHERE relowner = pg_roles.oid AND relrowsecurity))
"""

KEPT_BY_FLUSH = frozenset(
    [
        "tenants_country",
        "tenants_currency",
        "tenants_language",
        "django_content_type",
        "auth_permission",
    ]
)
JOBS = ("procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers")

# A pool whose server restarts asks again after a tenth of a second, not after a whole one.
AttemptWithBackoff.INITIAL_DELAY = 0.1


class DatabaseOperations(BaseOperations):
    compiler_module = "tenants.backend.compiler"

    def set_time_zone_sql(self) -> str:
        return (
            "SET TIME ZONE %s"  # set_config() is revoked: it could switch tenants inside one SELECT
        )

    def sql_flush(self, style: Any, tables: Any, **options: Any) -> Any:
        """What migrations filled stays; the jobs, which Django does not manage, go too."""
        emptied = [table for table in tables if table not in KEPT_BY_FLUSH]
        return super().sql_flush(style, [*emptied, *JOBS], **options)

    def execute_sql_flush(self, sql_list: Any) -> None:
        with self.connection.as_owner():
            super().execute_sql_flush(sql_list)


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = DatabaseSchemaEditor
    ops_class = DatabaseOperations

    @property
    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = self.settings_dict["OPTIONS"]
        return options

    @property
    def on_citus(self) -> bool:
        return bool(self.options.get("citus"))

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params.pop("owner", None)
        params.pop("citus", None)
        params["cursor_factory"] = CitusCursor if self.on_citus else Cursor
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection: Any = super().get_new_connection(conn_params)
        # Also for cursors that somebody makes on the raw psycopg connection.
        connection.server_cursor_factory = self._server_side_cursor
        connection.is_lent = self.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")  # by a pooler
        return connection

    @property
    def _server_side_cursor(self) -> type[ServerSideCursor]:
        return CitusServerSideCursor if self.on_citus else ServerSideCursor

    def init_connection_state(self) -> None:
        super().init_connection_state()
        connection: Any = self.connection
        # Once a connection, not once a check-out from the pool.
        if self.options.get("owner") or getattr(connection, "is_walled", False):
            return
        with ClientCursor(connection) as cursor:  # a plain one: outside every scope
            cursor.execute(SEES_THROUGH)
            if row := cursor.fetchone():
                raise ImproperlyConfigured(
                    f"Row-level security does not hold {row[0]}, so the portal refuses to serve "
                    "with that role. "
                    "Log in as portal_app (DATABASE_URL) or portal_worker (DATABASE_WORKER_URL)."
                )
        connection.is_walled = True

    def create_cursor(self, name: str | None = None) -> Any:
        if not name:
            return super().create_cursor()
        connection: Any = self.connection
        cursor = self._server_side_cursor(
            connection, name=name, scrollable=False, withhold=connection.autocommit
        )
        loader = connection.adapters.get_loader(base.TIMESTAMPTZ_OID, base.Format.TEXT)
        if self.timezone != loader.timezone:
            base.register_tzloader(self.timezone, cursor)
        return cursor

    def _commit(self) -> None:
        failpoint("before_commit")
        try:
            super()._commit()
            failpoint("after_commit")
        except Exception:
            changes.perhaps(self)
            raise

    def on_commit(self, func: Callable[[], Any], robust: bool = False) -> None:
        """What runs after the commit runs in the scope that asked for it."""
        scope = current()

        @wraps(func)
        def bound() -> None:
            with enter(scope):
                func()

        super().on_commit(bound, robust)

    # Tests log in as the owner. DDL runs as the login, everything else as the assumed role.

    @contextmanager
    def as_owner(self) -> Iterator[None]:
        self.elevate()
        try:
            with owner("flush"):
                yield
        finally:
            self.lower()

    def elevate(self) -> None:
        if self.options.get("assume_role"):
            self.ensure_connection()
            self._tell("RESET ROLE")

    def lower(self) -> None:
        role = self.options.get("assume_role")
        connection: Any = self.connection
        if not role or connection is None:
            return
        if connection.pgconn.transaction_status == TransactionStatus.IDLE:
            self._tell(f"SET ROLE {role}")

    def _tell(self, statement: str) -> None:
        # A cursor, not the bare libpq: it begins the transaction that is due, with which this ends.
        connection: Any = self.connection
        ClientCursor(connection).execute(statement)
