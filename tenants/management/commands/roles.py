"""`manage.py roles`: the roles and their rights, on a PostgreSQL of your own."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict

from tenants import roles

URLS = {
    roles.APP: "DATABASE_URL",
    roles.OWNER: "DATABASE_OWNER_URL",
    roles.WORKER: "DATABASE_WORKER_URL",
}


STILL_PUBLIC = """
    SELECT FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner)))
    WHERE pg_proc.oid = 'pg_catalog.set_config(text, text, boolean)'::regprocedure AND grantee = 0
"""


class Command(BaseCommand):
    """Makes what is missing and corrects what is wrong; run again, it changes nothing.

    It logs in by DATABASE_ADMIN_URL, a superuser's, and is the only command that does. PostgreSQL
    17 or newer.
    """

    help = "Make the roles and the database on a PostgreSQL of your own (DATABASE_ADMIN_URL)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--citus",
            action="store_true",
            help="its nodes connect to each other as portal_platform",
        )
        parser.add_argument(
            "--tests", action="store_true", help="the owner may become the other roles, for tests"
        )

    def handle(self, *, citus: bool, tests: bool, **options: Any) -> None:
        admin, owner = self._url("DATABASE_ADMIN_URL"), self._url("DATABASE_OWNER_URL")
        database = str(conninfo_to_dict(owner).get("dbname") or "portal")
        with self._connect(admin) as connection:
            run(connection, roles.cluster(citus=citus, tests=tests))
            self._set_passwords(connection)
            self._make(connection, database)
            run(connection, roles.database(database))
        # template1, so that a test's database and a restored one begin as closed as this one.
        for name in ("template1", database):
            with self._connect(admin, dbname=name) as connection:
                run(connection, roles.contents())
                self._withdraw_set_config(connection, name)
        self.stdout.write(self.style.SUCCESS(f"The roles and the database {database} are ready."))

    def _url(self, name: str) -> str:
        url = os.environ.get(name)
        if not url:
            raise CommandError(
                f"{name} is not set. DATABASE_ADMIN_URL is a superuser's; DATABASE_URL, "
                "DATABASE_OWNER_URL and DATABASE_WORKER_URL are those of portal_app, portal_owner "
                "and portal_worker, whose passwords this command sets."
            )
        return url

    def _connect(self, admin: str, **parameters: str) -> Connection:
        # Each statement by itself: CREATE DATABASE refuses to be in a transaction.
        return psycopg.connect(admin, autocommit=True, **parameters)  # type: ignore[arg-type]

    def _set_passwords(self, connection: Connection) -> None:
        for role, name in URLS.items():
            url = os.environ.get(name)
            parts = conninfo_to_dict(url) if url else {}
            if parts and parts.get("user") != role:
                raise CommandError(f"{name} logs in as {parts.get('user')}; it must be {role}.")
            if password := parts.get("password"):
                # Hashed as the server stores it, so that no log of statements shows it.
                secret = connection.pgconn.encrypt_password(
                    str(password).encode(), role.encode(), b"scram-sha-256"
                ).decode()
                connection.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                        sql.Identifier(role), sql.Literal(secret)
                    )
                )

    def _make(self, connection: Connection, database: str) -> None:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).rowcount:
            return
        # Sorted and compared as on every other machine, whatever locale this server was given.
        statement = sql.SQL(
            "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' "
            "LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
        )
        connection.execute(statement.format(sql.Identifier(database), sql.Identifier(roles.OWNER)))

    def _withdraw_set_config(self, connection: Connection, database: str) -> None:
        with suppress(psycopg.errors.InsufficientPrivilege):
            run(connection, roles.no_set_config())
        # Who is not its owner gets a warning from PostgreSQL at most, so we look.
        if connection.execute(STILL_PUBLIC).rowcount:
            self.stderr.write(
                self.style.WARNING(
                    f"This server does not let us withdraw set_config() in {database}; check "
                    "tenants.E019 will warn of it. No SQL of the portal calls it."
                )
            )


def run(connection: Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        # tenants.roles quotes the one name that comes from outside.
        connection.execute(sql.SQL(statement))
