"""The roles of the database and what each may do, as SQL; run again, it changes nothing.

Three logins, none a superuser: the web's (`portal_app`) sees one tenant at a time, the worker's may
also become `portal_platform`, which sees all, and the owner's makes the tables. Standard library
only: the supervisor runs this before Django exists, `manage.py roles` on a server of your own.
Where it says what a role is, it says it whole, so a right given by hand is taken back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

APP = "portal_app"
PLATFORM = "portal_platform"
WORKER = "portal_worker"
OWNER = "portal_owner"


@dataclass(frozen=True)
class Role:
    name: str
    login: bool = True
    inherit: bool = True
    createdb: bool = False
    bypassrls: bool = False
    settings: tuple[str, ...] = ()  # "name=value", in force from its next login

    def statement(self) -> str:
        """Make the role, or correct it. An ALTER that changes nothing is not sent: it would ask
        for a superuser where a hosted PostgreSQL has none to give."""
        wanted = " ".join(
            word if has else f"NO{word}"
            for word, has in (
                ("LOGIN", self.login),
                ("INHERIT", self.inherit),
                ("CREATEDB", self.createdb),
                ("BYPASSRLS", self.bypassrls),
                ("SUPERUSER", False),
                ("CREATEROLE", False),
                ("REPLICATION", False),
            )
        )
        flags = ", ".join(
            str(flag).lower()
            for flag in (self.login, self.inherit, self.createdb, self.bypassrls, *[False] * 3)
        )
        return f"""DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{self.name}') THEN
    CREATE ROLE {self.name} {wanted};
  ELSIF EXISTS (SELECT FROM pg_roles WHERE rolname = '{self.name}'
      AND (rolcanlogin, rolinherit, rolcreatedb, rolbypassrls,
           rolsuper, rolcreaterole, rolreplication) <> ({flags})) THEN
    ALTER ROLE {self.name} {wanted};
  END IF;
END $$"""  # noqa: S608 (names and flags of this file)

    def limits(self) -> str:
        """Give it its settings. They hold behind PgBouncer too, which sets nothing by itself."""
        told = ", ".join(f"'{setting}'" for setting in self.settings)
        alters = "\n".join(
            f"    ALTER ROLE {self.name} SET {name} = '{value}';"
            for name, _, value in (setting.partition("=") for setting in self.settings)
        )
        return f"""DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_db_role_setting, pg_roles
      WHERE setrole = pg_roles.oid AND setdatabase = 0 AND rolname = '{self.name}'
      AND setconfig @> ARRAY[{told}]) THEN
{alters}
  END IF;
END $$"""


# How long one may take who works for somebody that waits, and one for whom nobody waits.
AT_ONCE = (
    "statement_timeout=5s",
    "lock_timeout=2s",
    "idle_in_transaction_session_timeout=10s",
)
IN_TIME = (
    "statement_timeout=60s",
    "lock_timeout=10s",
    "idle_in_transaction_session_timeout=60s",
)


def cluster(*, citus: bool = False, tests: bool = False) -> Iterator[str]:
    """Statements for the server as a whole: the roles, and who may become whom.

    `citus`: its nodes connect to each other as the role in force, so portal_platform may log in.
    `tests`: the owner, who makes a test's database, may become the roles it is used by.
    """
    for role in (
        Role(OWNER, createdb=True, bypassrls=True),
        Role(APP, inherit=False, settings=AT_ONCE),
        Role(PLATFORM, login=citus, bypassrls=True),
        Role(WORKER, settings=IN_TIME),
    ):
        yield role.statement()
        if role.settings:
            yield role.limits()
    # The worker is an app that may, when it says so, become the platform: never by inheritance.
    yield f"GRANT {APP} TO {WORKER} WITH INHERIT TRUE, SET TRUE"
    yield f"GRANT {PLATFORM} TO {WORKER} WITH INHERIT FALSE, SET TRUE"
    if tests:
        yield f"GRANT {APP}, {PLATFORM}, {WORKER} TO {OWNER} WITH INHERIT FALSE, SET TRUE"


def database(name: str) -> Iterator[str]:
    """Statements about the database `name`, which may run in any other."""
    # A temporary table outlives the scope it was made in on a connection that is kept.
    yield f"REVOKE TEMPORARY ON DATABASE {quoted(name)} FROM PUBLIC"
    yield f"ALTER DATABASE {quoted(name)} SET timezone = 'UTC'"


def contents() -> Iterator[str]:
    """Statements to run inside each database, and inside template1 for those yet to come."""
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    yield f"GRANT USAGE ON SCHEMA public TO {APP}, {PLATFORM}, {WORKER}"
    yield f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER}"


def no_set_config() -> Iterator[str]:
    """set_config() changes the tenant inside a SELECT, where no one sees it; only pg_dump and its
    restore, which are the owner's, have a use for it. A hosted PostgreSQL may not let us say so."""
    function = "pg_catalog.set_config(text, text, boolean)"
    yield f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC"
    yield f"GRANT EXECUTE ON FUNCTION {function} TO {OWNER}"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
