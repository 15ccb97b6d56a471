"""No road leads from one shop to another, and holes that are planted on purpose are seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.backends.postgresql import compiler as stock

from tenants.backend import base as backend
from tenants.context import OutsideTenant, TenantMismatch, enter, inside, platform
from tenants.ids import uuid7
from tenants.models import Location
from tenants.testing import make, make_tenant, nameless, owned_models, sweep


@pytest.fixture
def pair(db):
    return make_tenant("anna"), make_tenant("boris")


@pytest.fixture
def committed_pair(transactional_db):
    return make_tenant("anna"), make_tenant("boris")


def test_every_model_by_every_road(pair):
    tries, faults = sweep(*pair)
    assert faults == [], "\n".join(map(str, faults))
    assert tries > 40 * 2 * len(owned_models()) > 1000


def test_every_model_by_every_road_in_autocommit(committed_pair):
    _, faults = sweep(*committed_pair, in_transaction=False)
    assert faults == [], "\n".join(map(str, faults))


def test_every_statement_names_the_tenant_and_nobody_makes_none(pair):
    assert nameless(pair[0]) == []


# Planted holes


def disable_row_security() -> None:
    """As the owner; rolled back with the test."""
    with connection.as_owner(), connection.cursor() as cursor:
        for model in owned_models():
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE portal_app")


def test_with_row_security_off_the_sweep_turns_red(pair):
    disable_row_security()
    _, faults = sweep(*pair)
    leaky = {fault.model for fault in faults}
    assert leaky == {model._meta.label for model in owned_models()}
    assert all("cursor" in f.road or "SQL" in f.road or f.road in RAW for f in faults), faults


RAW = {
    "raw()",
    "copy out",
    "executemany",
    "raw connection",
    "named cursor",
    "statistics",
    "some road",
}


@pytest.fixture
def stock_compiler(monkeypatch):
    monkeypatch.setattr(backend.DatabaseOperations, "compiler_module", stock.__name__)
    monkeypatch.setattr(connection.ops, "_cache", None)
    yield
    monkeypatch.setattr(connection.ops, "_cache", None)


def test_with_the_compiler_off_row_security_holds_and_its_own_tests_turn_red(pair, stock_compiler):
    _, faults = sweep(*pair)
    assert faults == [], "\n".join(map(str, faults))
    red = nameless(pair[0])
    assert {fault.model for fault in red} == {model._meta.label for model in owned_models()}


def test_with_both_off_everything_is_red(pair, stock_compiler):
    disable_row_security()
    _, faults = sweep(*pair)
    roads = {fault.road for fault in faults}
    assert {"base manager", "count", "cursor", "update()", "subquery"} <= roads


# Where state could linger


def names() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM tenants_location ORDER BY name")
        return [name for (name,) in cursor.fetchall()]


@pytest.fixture
def two(committed_pair):
    for tenant in committed_pair:
        with inside(tenant):
            make(Location, name=f"of {tenant.slug}")
    return committed_pair


def test_after_a_rollback_and_a_savepoint_nothing_lingers(two):
    anna, boris = two
    with transaction.atomic():
        with inside(anna):
            assert names() == ["of anna"]
            try:
                with transaction.atomic():
                    names()
                    raise LookupError
            except LookupError:
                pass
        with inside(boris):
            assert names() == ["of boris"]
        with pytest.raises(DatabaseError), transaction.atomic():
            names()
    with inside(boris):
        assert names() == ["of boris"]
    with pytest.raises(DatabaseError):
        names()


def divide_by_zero() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


def test_after_an_error_in_a_savepoint_the_next_tenant_is_heard(two):
    anna, boris = two
    with transaction.atomic():
        with inside(anna), pytest.raises(DatabaseError), transaction.atomic():
            divide_by_zero()
        with inside(boris):
            assert names() == ["of boris"]


def test_a_thread_begins_as_nobody(two):
    seen = []

    def work():
        try:
            Location.objects.count()
        except OutsideTenant as error:
            seen.append(error)
        finally:
            connection.close()

    with inside(two[0]):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(seen) == 1


def test_threads_at_once_each_see_their_own(two):
    seen = {tenant.slug: set() for tenant in two}
    barrier = threading.Barrier(2)

    def work(tenant):
        try:
            with inside(tenant):
                barrier.wait()
                for _ in range(50):
                    seen[tenant.slug].add(tuple(names()))
                    seen[tenant.slug].add(tuple(Location.objects.values_list("name", flat=True)))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(tenant,)) for tenant in two]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"anna": {("of anna",)}, "boris": {("of boris",)}}


def test_a_half_read_server_side_cursor_is_not_read_on_in_another_tenant(two):
    anna, boris = two
    with inside(anna):
        for number in range(5):
            make(Location, name=f"another {number}")
    with transaction.atomic():
        with inside(anna):
            cursor = connection.create_cursor(name="half")
            cursor.execute("SELECT name FROM tenants_location")
            assert cursor.fetchone()
        with inside(boris), pytest.raises(TenantMismatch):
            cursor.fetchall()
        with inside(anna):
            assert len(cursor.fetchall()) == 5
            cursor.close()


def test_an_iterator_goes_on_reading_its_own_tenant(two):
    anna, boris = two
    with inside(anna):
        make(Location, name="second of anna")
        rows = Location.objects.order_by("name").iterator(chunk_size=1)
        first = next(rows)
    with inside(boris), pytest.raises(TenantMismatch):
        list(rows)
    assert first.name == "of anna"


def test_a_temporary_table_cannot_carry_rows_across(two):
    loot = "CREATE TEMPORARY TABLE loot AS SELECT * FROM tenants_location"
    denied = pytest.raises(DatabaseError, match="permission denied")
    with inside(two[0]), connection.cursor() as cursor, denied:
        cursor.execute(loot)


def test_what_runs_after_the_commit_runs_in_the_scope_that_asked(two):
    anna, boris = two
    seen = []
    with transaction.atomic():
        with inside(anna):
            transaction.on_commit(lambda: seen.append(names()))
        with inside(boris):
            transaction.on_commit(lambda: seen.append(names()))
    assert seen == [["of anna"], ["of boris"]]


def test_the_platform_sees_all_and_leaves_nothing_behind(two):
    with platform("a test"):
        assert names() == ["of anna", "of boris"]
        assert Location.objects.count() == 2
    with inside(two[1]):
        assert names() == ["of boris"]
    with pytest.raises(OutsideTenant):
        Location.objects.count()


def test_a_queryset_belongs_to_whoever_runs_it(two):
    anna, boris = two
    with inside(anna):
        rows = Location.objects.order_by("name")
    with inside(boris):
        assert [row.name for row in rows] == ["of boris"]


def test_only_a_uuid_or_a_tenant_names_a_tenant(two):
    with pytest.raises(TypeError):
        inside(str(two[0].pk)).__enter__()
    with inside(uuid7()):
        assert Location.objects.count() == 0


def test_scopes_nest_and_unwind_through_errors(two):
    anna, boris = two
    with inside(anna):
        with pytest.raises(LookupError), inside(boris):
            raise LookupError
        assert names() == ["of anna"]
        with enter(None), pytest.raises(OutsideTenant):
            Location.objects.count()


# As the web runs: logged in as portal_app, which cannot become anybody else


def run_as_app(*arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
    """A process of its own with the web's login."""
    names = {
        "PORTAL_LOGIN": "app",
        "PORTAL_ASSUME_ROLE": "",
        "PORTAL_NO_BOOTSTRAP": "1",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **names, **options},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "options",
    [{"DATABASE_POOL": "3"}, {"CONN_MAX_AGE": "60"}, {"CONN_MAX_AGE": "0"}],
    ids=["pool", "persistent", "one a request"],
)
def test_the_real_login_on_every_kind_of_connection(two, options):
    names = {
        "PORTAL_LOGIN": "app",
        "PORTAL_ASSUME_ROLE": "",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.walls_as_app", "anna", "boris"],
        env={**os.environ, **names, **options},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == {
        "who": ["portal_app", "portal_app"],
        "faults": [],
        "nameless": [],
        "crossed": 0,
        "platform refused": True,
    }


def test_the_portal_refuses_to_serve_with_the_owners_login(db):
    names = {
        "PORTAL_LOGIN": "app",
        "PORTAL_ASSUME_ROLE": "",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    names["DATABASE_URL"] = os.environ["DATABASE_OWNER_URL"]
    done = subprocess.run(
        [
            sys.executable,
            "manage.py",
            "open_shop",
            "corner",
            "--name",
            "x",
            "--email",
            "a@b.example",
        ],
        env={**os.environ, **names, "PORTAL_NO_BOOTSTRAP": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "refuses to serve" in done.stderr
