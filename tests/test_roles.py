"""`manage.py roles`: a PostgreSQL of one's own gets the roles, the database and their limits."""

import os
import shutil
from urllib.parse import quote

import psycopg
import pytest
from django.core.management import CommandError, call_command

from portal.embedded import Services
from tests.test_embedded import new_home, refused


@pytest.fixture(scope="module")
def server():
    """A server that knows nothing of the portal yet; who may log in is the system's matter."""
    home = new_home()
    with Services(home, throwaway=True) as services:
        admin = services.database_url("admin").replace("/portal?", "/template1?")
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("DROP DATABASE portal")
            for statement in (
                "REVOKE ALL ON SCHEMA public FROM portal_app, portal_platform, portal_worker",
                "GRANT EXECUTE ON FUNCTION set_config(text, text, boolean) TO PUBLIC",
            ):
                connection.execute(statement)
        yield services
    shutil.rmtree(home)


@pytest.fixture
def urls(server, monkeypatch):
    """URLs as a deployment has them, all to a database that is not there."""
    host = quote(str(server.place.run), safe="")
    named = {
        "DATABASE_ADMIN_URL": f"postgresql://postgres@/postgres?host={host}",
        "DATABASE_URL": f"postgresql://portal_app:web@/loyalty?host={host}",
        "DATABASE_OWNER_URL": f"postgresql://portal_owner:boss@/loyalty?host={host}",
        "DATABASE_WORKER_URL": f"postgresql://portal_worker:night@/loyalty?host={host}",
    }
    for name, url in named.items():
        monkeypatch.setenv(name, url)
    return named


def test_it_makes_what_is_missing_and_twice_changes_nothing(urls, capsys):
    call_command("roles")
    once = state(urls)
    call_command("roles")
    assert state(urls) == once
    assert once[0] == [("portal_app", True), ("portal_owner", True), ("portal_worker", True)]
    assert "loyalty are ready" in capsys.readouterr().out

    with psycopg.connect(urls["DATABASE_OWNER_URL"]) as connection:
        connection.execute("CREATE TABLE made (id int)")
    for login in ("DATABASE_URL", "DATABASE_WORKER_URL"):
        with psycopg.connect(urls[login], autocommit=True) as connection:
            for statement in (
                "SELECT set_config('app.tenant_id', 'x', false)",
                "CREATE TABLE mine (id int)",
                "CREATE TEMPORARY TABLE kept (id int)",
            ):
                with refused():
                    connection.execute(statement)


def test_it_takes_back_what_was_given_by_hand(urls):
    with connect_admin(urls) as connection:
        call_command("roles")
        connection.execute("ALTER ROLE portal_app BYPASSRLS CREATEDB")
        call_command("roles")
        query = "SELECT rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = 'portal_app'"
        assert connection.execute(query).fetchone() == (False, False)


def test_whoever_works_for_somebody_that_waits_may_not_take_long(urls):
    call_command("roles")
    found = {}
    for login in ("DATABASE_URL", "DATABASE_WORKER_URL", "DATABASE_OWNER_URL"):
        with psycopg.connect(urls[login]) as connection:
            names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
            found[login] = [connection.execute(f"SHOW {name}").fetchone()[0] for name in names]
    assert found == {
        "DATABASE_URL": ["5s", "2s", "10s"],
        "DATABASE_WORKER_URL": ["1min", "10s", "1min"],
        "DATABASE_OWNER_URL": ["0", "0", "0"],
    }
    with connect_admin(urls) as connection:
        connection.execute("ALTER ROLE portal_app SET statement_timeout = 0")
        call_command("roles")
    with psycopg.connect(urls["DATABASE_URL"]) as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("5s",)


def test_without_the_superusers_url_it_says_which_ones_it_wants(monkeypatch):
    monkeypatch.delenv("DATABASE_ADMIN_URL", raising=False)
    with pytest.raises(CommandError, match="DATABASE_ADMIN_URL is not set"):
        call_command("roles")


@pytest.mark.usefixtures("urls")
def test_a_url_with_the_wrong_login_is_refused(monkeypatch):
    wrong = os.environ["DATABASE_URL"].replace("portal_app", "postgres")
    monkeypatch.setenv("DATABASE_URL", wrong)
    with pytest.raises(CommandError, match="logs in as postgres; it must be portal_app"):
        call_command("roles")


def connect_admin(urls):
    return psycopg.connect(urls["DATABASE_ADMIN_URL"], autocommit=True)


def state(urls):
    """Which roles have a password, and who may do what with which database."""
    with connect_admin(urls) as connection:
        passwords = connection.execute(
            "SELECT rolname, rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid"
            " WHERE rolname IN ('portal_app', 'portal_owner', 'portal_worker') ORDER BY rolname"
        ).fetchall()
        rights = "SELECT datname, datacl::text FROM pg_database ORDER BY datname"
        return passwords, connection.execute(rights).fetchall()
