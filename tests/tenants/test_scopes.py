"""Where a tenant could linger: rollbacks, savepoints, threads, cursors, commit hooks."""

from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, connection, transaction

from tenants.context import OutsideTenant, TenantMismatch, enter, inside, platform
from tenants.ids import uuid7
from tenants.models import Location
from tenants.testing import make


def names() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM tenants_location ORDER BY name")
        return [name for (name,) in cursor.fetchall()]


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
