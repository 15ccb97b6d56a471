"""The embedded servers: made whole, shared, brought back, closed to everybody else."""

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from portal.embedded import EmbeddedError, Services
from portal.home import Place
from portal.postgres import Postgres

DATABASE_VARIABLES = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_WORKER_URL", "REDIS_URL")


def new_home():
    """A folder that the account of the servers may enter, as it may not enter pytest's own."""
    home = Path(tempfile.mkdtemp(prefix="portal-test-"))
    home.chmod(0o755)
    return home


@pytest.fixture(scope="module")
def services():
    home = new_home()
    (home / "postgres.new").mkdir()
    (home / "postgres.new" / "PG_VERSION").write_text("left by a first start that was killed")
    with Services(home, throwaway=True) as started:
        yield started
    shutil.rmtree(home)


@pytest.fixture
def bare_home():
    home = new_home()
    yield home
    shutil.rmtree(home)


@pytest.fixture
def no_urls(monkeypatch):
    for name in DATABASE_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def connect(services, login):
    return psycopg.connect(services.database_url(login), autocommit=True)


def test_each_login_is_the_role_it_is_meant_to_be(services):
    roles = {}
    for login in ("app", "worker", "owner"):
        with connect(services, login) as connection:
            roles[login] = connection.execute(
                "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolinherit"
                " FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    assert roles == {
        "app": ("portal_app", False, False, False, False),
        "worker": ("portal_worker", False, False, False, True),
        "owner": ("portal_owner", False, True, True, True),
    }


def test_the_worker_becomes_the_platform_and_the_web_cannot(services):
    with connect(services, "worker") as connection:
        connection.execute("SET ROLE portal_platform")
    with (
        connect(services, "app") as connection,
        refused(),
    ):
        connection.execute("SET ROLE portal_platform")


def test_set_config_is_the_owners_alone(services):
    query = "SELECT set_config('app.tenant_id', 'x', false)"
    with connect(services, "owner") as connection:
        connection.execute(query)
    for login in ("app", "worker"):
        with connect(services, login) as connection, refused():
            connection.execute(query)


def test_nobody_keeps_anything_in_a_temporary_table(services):
    with (
        connect(services, "app") as connection,
        refused(),
    ):
        connection.execute("CREATE TEMPORARY TABLE kept (id int)")
    with connect(services, "owner") as connection:
        connection.execute("CREATE TABLE made (id int); DROP TABLE made")


def test_a_database_made_later_is_closed_too(services):
    with connect(services, "owner") as connection:
        connection.execute("CREATE DATABASE later")
    url = services.database_url("app").replace("/portal?", "/later?")
    with psycopg.connect(url) as connection, refused():
        connection.execute("SELECT set_config('app.tenant_id', 'x', false)")


def test_pages_are_checked_and_names_sort_alike_everywhere(services):
    with connect(services, "owner") as connection:
        assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
        provider = "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'portal'"
        assert connection.execute(provider).fetchone() == ("b", "C.UTF-8")


def test_only_the_last_user_stops_them(services):
    with Services(services.place.path, throwaway=True) as other:
        assert other.release() is False
    assert services.postgres.answers()
    assert services.valkey.answers()


def test_what_was_killed_comes_back_with_all_it_had_confirmed(bare_home):
    with Services(bare_home) as services:
        with connect(services, "owner") as connection:
            connection.execute("CREATE TABLE confirmed AS SELECT 1 AS id")
        pid_file = services.postgres.directory / "postmaster.pid"
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
        services.valkey._process.kill()
        services.valkey._process.wait()
        until(lambda: not listens(services.postgres.socket))

        assert services.revive() == ["Valkey", "Postgres"]

        with connect(services, "owner") as connection:
            assert connection.execute("SELECT id FROM confirmed").fetchone() == (1,)
        assert services.valkey.answers()
        assert services.revive() == []


def test_rights_that_a_newer_portal_asks_for_reach_an_older_cluster(bare_home):
    with Services(bare_home, throwaway=True) as services, connect(services, "admin") as connection:
        connection.execute("ALTER ROLE portal_app BYPASSRLS")
    (services.postgres.directory / "roles.applied").write_text("those of an older portal")
    with Services(bare_home, throwaway=True) as services, connect(services, "admin") as connection:
        query = "SELECT rolbypassrls FROM pg_roles WHERE rolname = 'portal_app'"
        assert connection.execute(query).fetchone() == (False,)


def test_a_cluster_of_another_major_version_is_refused_and_kept(bare_home):
    version = bare_home / "postgres" / "PG_VERSION"
    version.parent.mkdir()
    version.write_text("17\n")
    with pytest.raises(
        EmbeddedError, match=r"made by PostgreSQL 17; this portal runs\s+PostgreSQL 18"
    ):
        Services(bare_home).start(valkey=False)
    assert version.read_text() == "17\n"


def test_what_was_confirmed_is_on_the_disk_whatever_a_file_says(bare_home):
    with Services(bare_home, throwaway=True) as services:
        pass  # its postgresql.conf switches all of them off
    with Services(bare_home) as services, connect(services, "owner") as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            assert connection.execute(f"SHOW {name}").fetchone() == ("on",)


def test_a_long_path_has_its_sockets_elsewhere(tmp_path):
    place = Place(tmp_path / ("deep" * 30))
    assert place.run.parent == Path(tempfile.gettempdir())
    assert len(os.fsencode(place.run)) < 90
    assert Place(tmp_path / ("deep" * 31)).run != place.run


def test_a_folder_for_sockets_that_somebody_else_made_is_refused(bare_home):
    elsewhere = bare_home / "elsewhere"
    elsewhere.mkdir()
    (bare_home / "run").symlink_to(elsewhere)
    with pytest.raises(EmbeddedError, match="belongs to somebody else"):
        Services(bare_home).start()


def test_a_failure_shows_what_the_server_said(bare_home):
    with Services(bare_home, throwaway=True) as services:
        pass
    with (services.postgres.directory / "postgresql.conf").open("a") as conf:
        conf.write("shared_buffers = nonsense\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("portal.postgres.PATIENCE", 0)
        with pytest.raises(EmbeddedError, match=r"(?s)did not start:.*shared_buffers"):
            services.start()
    assert not services.valkey.answers()


@pytest.mark.usefixtures("no_urls")
def test_a_database_of_ones_own_is_named_for_every_login(bare_home, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://portal_app@db/portal")
    with pytest.raises(EmbeddedError, match="DATABASE_OWNER_URL and DATABASE_WORKER_URL"):
        Services(bare_home / "new").start_needed("app", "owner", "worker")
    assert not (bare_home / "new").exists()


@pytest.mark.usefixtures("no_urls")
def test_where_all_is_named_nothing_is_made(bare_home, monkeypatch):
    for name in DATABASE_VARIABLES:
        monkeypatch.setenv(name, "postgresql://somewhere/portal")
    Services(bare_home / "new").start_needed("app").release()
    assert not (bare_home / "new").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc, which only Linux has")
def test_a_server_that_nobody_reaps_does_not_stand_in_the_way(bare_home):
    """A killed one is a zombie for ever where the first process of the system reaps nobody."""
    postgres = Postgres(Place(bare_home))
    postgres.directory.mkdir()
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # dead, and not reaped
    pid_file = postgres.directory / "postmaster.pid"
    pid_file.write_text(f"{child}\nthe rest\n")

    postgres._disown_zombie()

    assert pid_file.read_text() == f"{os.getpid()}\nthe rest\n"
    os.waitpid(child, 0)


def refused():
    return pytest.raises(psycopg.errors.InsufficientPrivilege)


def listens(path):
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0


def until(true, seconds=20):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
