"""After a commit nobody is shown what was kept before it, whatever fails on the way."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import pytest
from django.db import connection, transaction

from portal.home import ROOT
from tenants import changes, failpoints
from tenants.cache import client, key_of
from tenants.context import inside
from tenants.models import Device, Location, OneTimeSecret, Shop
from tenants.reads import Kept
from tenants.testing import make
from tests.tenants.kept import NAMES, Never, names, shown

FRONT = Kept("test-front", str, seconds=60, of=[Shop], remembered=60)


@pytest.fixture
def location(anna):
    return Location.objects.get()


class Undo(Exception):
    pass


@contextmanager
def undone():
    """A block, or a savepoint, that is rolled back."""
    with suppress(Undo), transaction.atomic():
        yield
        raise Undo


WRITES = {
    "create": lambda n: Location.objects.create(name=f"new {n}"),
    "save": lambda n: rename(Location.objects.first(), f"saved {n}"),
    "update": lambda n: Location.objects.update(name=f"updated {n}"),
    "update of one": lambda n: Location.objects.filter(name__contains="a").update(name=f"a{n}"),
    "bulk_create": lambda n: Location.objects.bulk_create(
        [Location(name=f"b{n}{i}") for i in "12"]
    ),
    "upsert": lambda n: Location.objects.bulk_create(
        [Location(pk=Location.objects.first().pk, name=f"upserted {n}")],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["name"],
    ),
    "bulk_update": lambda n: Location.objects.bulk_update(
        [Location(pk=one.pk, name=f"bulk {n}") for one in Location.objects.all()], ["name"]
    ),
    "get_or_create": lambda n: Location.objects.get_or_create(name=f"got {n}"),
    "update_or_create": lambda n: Location.objects.update_or_create(
        name=f"got {n}", defaults={"name": f"changed {n}"}
    ),
    "of another table": lambda n: make(OneTimeSecret, purpose=f"secret {n}"),
    "delete": lambda n: OneTimeSecret.objects.all().delete(),
    "delete one": lambda n: (one := OneTimeSecret.objects.first()) and one.delete(),
    "raw delete": lambda n: OneTimeSecret.objects.all()._raw_delete("default"),
}


def rename(location, name):
    location.name = name
    location.save()


def in_autocommit(write, n):
    write(n)


def in_a_block(write, n):
    with transaction.atomic():
        write(n)
        assert shown() == names()


def rolled_back(write, n):
    with undone():
        write(n)
        assert shown() == names()


def in_a_savepoint(write, n):
    with transaction.atomic(), transaction.atomic():
        write(n)


def after_a_lost_savepoint(write, n):
    with transaction.atomic():
        with undone():
            write(n)
        write(n + 1000)


def before_a_lost_savepoint(write, n):
    with transaction.atomic():
        write(n)
        with undone():
            write(n + 1000)


def deep(write, n):
    with transaction.atomic():
        with undone():
            with transaction.atomic():
                write(n)
            with transaction.atomic(savepoint=False):
                write(n + 1000)
        with transaction.atomic(savepoint=False):
            write(n + 2000)


WAYS = (
    *(in_autocommit, in_a_block, rolled_back, in_a_savepoint),
    *(after_a_lost_savepoint, before_a_lost_savepoint, deep),
)


def test_after_any_write_in_any_way_the_next_look_shows_it(anna):
    chance = random.Random(4)  # noqa: S311
    plans = [(way, write) for way in WAYS for write in WRITES]
    chance.shuffle(plans)
    for n, (way, write) in enumerate(plans):
        shown()
        assert NAMES.get(Never()) == names()
        way(WRITES[write], n)
        assert shown() == names(), (way.__name__, write)
        if n % 7 == 0:
            make(OneTimeSecret, purpose=f"one more {n}")


def test_the_neighbour_keeps_hers(two):
    for tenant in two:
        with inside(tenant):
            shown()
    with inside(two[0]):
        Location.objects.create(name="new")
    with inside(two[1]):
        assert NAMES.get(Never()) == ["of boris"]


def test_a_table_that_nobody_keeps_ends_nothing(anna, location):
    shown()
    make(Device, location=location)
    assert NAMES.get(Never()) == ["of anna"]


def test_work_across_all_tenants_is_told_to_each(two):
    for tenant in two:
        with inside(tenant):
            shown()
    changes.tell({(None, "tenants_location")})
    for tenant in two:
        with inside(tenant):
            assert client().get(key_of("written:tenants_location")) is None
            assert NAMES.get(lambda: ["anew"]) == ["anew"]


def test_a_write_in_a_process_that_shows_nothing_is_seen_here(anna):
    """A command, a worker: they know of what is kept by being set up, see test_rules."""
    shops = Kept("front-of-test", str, seconds=60, of=[Shop])
    make(Shop, name="before")

    def read():
        return Shop.objects.get().name

    assert shops.get(read) == "before"
    code = f"""
import django; django.setup()
from uuid import UUID
from tenants.context import inside
from tenants.models import Shop
with inside(UUID("{anna.pk}")):
    Shop.objects.update(name="after")
"""
    as_app = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings", "PORTAL_LOGIN": "app"}
    as_app.pop("PORTAL_ASSUME_ROLE")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=as_app, check=True)
    assert shops.get(read) == "after"


def elsewhere(act, tenant):
    """`act` in a thread, and so over a connection of its own."""

    def run():
        try:
            with inside(tenant):
                act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def elsewhere_shown(tenant):
    seen = []
    elsewhere(lambda: seen.extend(shown()), tenant)
    return seen


def test_what_is_read_before_a_commit_is_not_kept_after_it(anna):
    """Reader reads, writer commits and tells, reader keeps."""

    def slowly():
        read = names()
        elsewhere(lambda: Location.objects.update(name="new"), anna)
        return read

    assert NAMES.get(slowly) == ["of anna"]
    assert shown() == ["new"]


def test_nor_where_somebody_else_has_read_anew_meanwhile(anna):
    """By the time that the slow one keeps what it read there is a new token."""

    def slowly():
        read = names()
        elsewhere(lambda: Location.objects.update(name="new"), anna)
        assert elsewhere_shown(anna) == ["new"]
        return read

    assert NAMES.get(slowly) == ["of anna"]
    assert shown() == ["new"]


def test_what_is_not_committed_is_neither_kept_nor_hidden(anna):
    shown()
    with undone():
        Location.objects.update(name="never")
        assert shown() == ["never"]
    assert NAMES.get(Never()) == ["of anna"]


def test_the_others_still_see_what_is_kept_until_the_commit(anna):
    shown()
    seen = []
    with transaction.atomic():
        Location.objects.update(name="new")
        elsewhere(lambda: seen.append(NAMES.get(Never())), anna)
    elsewhere(lambda: seen.append(shown()), anna)
    assert seen == [["of anna"], ["new"]]


def test_a_commit_is_told_in_one_command(anna, server):
    shown()
    before = server.calls("del")
    with transaction.atomic():
        for n in range(5):
            Location.objects.update(name=f"{n}")
            with transaction.atomic():
                make(OneTimeSecret, purpose="one more")
    assert server.calls("del") - before == 1
    assert shown() == names()


def test_a_hook_of_the_same_commit_that_comes_later_sees_it(anna):
    shown()
    seen = []
    with transaction.atomic():
        Location.objects.update(name="new")
        transaction.on_commit(lambda: seen.append(shown()))
    assert seen == [["new"]]


def test_what_this_process_remembers_is_forgotten_too(anna):
    make(Shop, name="one")

    def read():
        return Shop.objects.get().name

    assert FRONT.get(read) == "one"
    Shop.objects.update(name="two")
    assert FRONT.get(read) == "two"
    with undone():
        Shop.objects.update(name="three")
        assert FRONT.get(read) == "three"
    assert FRONT.get(read) == "two"


def test_a_commit_of_which_nobody_knows_is_told_too(anna, monkeypatch):
    """The connection breaks after PostgreSQL has committed, and before we hear of it."""
    shown()
    monkeypatch.setattr(failpoints, "_rules", failpoints.read("after_commit=raise"))
    with pytest.raises(failpoints.Failed), transaction.atomic():
        Location.objects.update(name="new")
    monkeypatch.undo()
    assert elsewhere_shown(anna) == ["new"]
    for name in ("newer", "newest"):
        with transaction.atomic():
            Location.objects.update(name=name)
        assert shown() == elsewhere_shown(anna) == [name]


def test_telling_never_fails_what_is_committed(anna, monkeypatch):
    shown()
    monkeypatch.setattr(failpoints, "_rules", failpoints.read("before_invalidate=raise"))
    with transaction.atomic():
        Location.objects.update(name="new")
    assert names() == ["new"]
