"""Kept reads: read once, never another tenant's, never older than a commit."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

import pytest

from tenants import reads
from tenants.cache import client, key_of
from tenants.context import OutsideTenant, inside
from tenants.ids import uuid7
from tenants.models import Currency, Device, Location, Shop
from tenants.reads import Kept


@dataclass(frozen=True, slots=True)
class Line:
    at: dt.datetime
    day: dt.date
    who: UUID
    sums: tuple[int, ...]
    name: str | None


@dataclass(frozen=True, slots=True)
class Page:
    lines: list[Line]
    share: float


PAGE = Page(
    [Line(dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC), dt.date(2026, 3, 2), uuid7(), (1, 2), "ä")],
    0.5,
)
KEPT = Kept("test-page", Page, seconds=30, of=[Location])
NUMBER = Kept("test-number", int, seconds=30, of=[Location, Device])


class Counting:
    """A read that counts how often it is made."""

    def __init__(self, value=7, *, slow=0.0):
        self.value, self.slow, self.made = value, slow, 0
        self._lock = threading.Lock()

    def __call__(self):
        with self._lock:
            self.made += 1
        time.sleep(self.slow)
        return self.value


@pytest.fixture(autouse=True)
def _database(db):
    """Whether this transaction has written is asked of the connection."""


@pytest.fixture
def here():
    """Inside a tenant that nobody else is in."""
    with inside(uuid7()) as scope:
        yield scope.tenant_id


def test_it_is_read_once_and_comes_back_as_it_was(here):
    read = Counting(PAGE)
    assert KEPT.get(read) == KEPT.get(read) == PAGE
    assert read.made == 1


def test_each_tenant_has_its_own():
    for number in (1, 2):
        with inside(UUID(int=number + uuid7().int)):
            assert NUMBER.get(lambda number=number: number) == number
            assert NUMBER.get(lambda: 0) == number


def test_nobody_has_none():
    with pytest.raises(OutsideTenant):
        NUMBER.get(lambda: 1)


@pytest.mark.parametrize("seconds", [0, -1, 60.5, 3600])
def test_a_minute_at_most(seconds):
    with pytest.raises(ValueError, match="60 seconds"):
        Kept("test-long", int, seconds=seconds, of=[Location])


@pytest.mark.parametrize("of", [[], [Currency], [Location, Currency]])
def test_a_table_that_is_nobodys_tells_of_no_write(of):
    with pytest.raises(TypeError, match="tenant-owned"):
        Kept("test-of", int, seconds=5, of=of)


def test_it_ends_by_itself(here):
    NUMBER.get(Counting())
    assert 29_000 < client().pttl(NUMBER.key()) <= 30_000


def plant(change):
    """Put what `change` makes of the kept envelope in its place."""
    raw = client().get(NUMBER.key())
    planted = change(json.loads(raw))
    client().set(NUMBER.key(), planted if isinstance(planted, bytes) else json.dumps(planted))


# The envelope is [name, tenant, tokens, at, value].
@pytest.mark.parametrize(
    "change",
    [
        lambda e: ["test-page", *e[1:]],
        lambda e: [e[0], str(uuid7()), *e[2:]],
        lambda e: [*e[:2], [e[2][0], "0" * 16], *e[3:]],
        lambda e: [*e[:2], e[2][:1], *e[3:]],
        lambda e: [*e[:2], [], *e[3:]],
        lambda e: [*e[:4], "8"],
        lambda e: [*e[:4], 8.5],
        lambda e: [*e[:4], None],
        lambda e: [*e[:4], {"tenant": e[1], "value": 8}],
        lambda e: [*e, 8],
        lambda e: e[:4],
        lambda e: 8,
        lambda e: b"",
        lambda e: b"\xff\xfe\x00",
        lambda e: b"[" * 100_000,
        lambda e: json.dumps([*e[:4], 8]).encode()[:-1],
        lambda e: b"\x80\x04K\x08.",  # a pickle
    ],
)
def test_what_is_not_ours_is_read_anew(here, change):
    assert NUMBER.get(Counting(7)) == 7
    plant(change)
    assert NUMBER.get(Counting(9)) == 9
    assert NUMBER.get(Counting(10)) == 9


def test_another_tenants_value_under_our_key_is_read_anew(here):
    with inside(uuid7()):
        NUMBER.get(Counting(666))
        stolen = client().get(NUMBER.key())
    NUMBER.get(Counting(7))
    client().set(NUMBER.key(), stolen)
    assert NUMBER.get(Counting(9)) == 9


def test_another_kind_of_thing_under_our_keys_is_no_error(here):
    NUMBER.get(Counting())
    client().delete(NUMBER.key())
    client().rpush(NUMBER.key(), "a", "list")
    assert NUMBER.get(Counting(9)) == 9
    assert NUMBER.get(Counting(10)) == 9
    token = key_of("written:tenants_location")
    client().delete(token)
    client().rpush(token, "a", "list")
    assert NUMBER.get(Counting(11)) == 11


def test_another_form_has_another_name(here):
    """Of two releases that run side by side each finds its own."""
    old = Kept("test-page", int, seconds=30, of=[Location])
    assert old.key() != KEPT.key()


def test_a_flushed_server_is_a_miss(here, server):
    NUMBER.get(Counting(7))
    server.direct.flushall()
    assert NUMBER.get(Counting(9)) == 9


def test_a_warm_read_is_one_command(here, server):
    NUMBER.get(Counting())
    before = server.direct.info("stats")["total_commands_processed"]
    NUMBER.get(Counting())
    assert server.direct.info("stats")["total_commands_processed"] - before == 2  # and INFO itself


def test_what_the_read_raises_comes_through_and_nobody_waits_after_it(here):
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        NUMBER.get(fail)
    assert not client().exists(NUMBER._lease())
    assert NUMBER.get(Counting(9)) == 9
    assert not client().exists(NUMBER._lease())


def at_once(count, read, tenant):
    """`read` through NUMBER in so many threads that miss together."""
    gate = threading.Barrier(count)

    def one(_):
        with inside(tenant):
            gate.wait()
            return NUMBER.get(read)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


@pytest.mark.parametrize("slow", [0, 0.001, 0.2])
def test_of_many_that_miss_at_once_one_reads(here, slow, monkeypatch):
    monkeypatch.setattr(reads, "WAIT", 20)  # however busy this machine is
    read = Counting(7, slow=slow)
    assert at_once(8, read, here) == [7] * 8
    assert read.made == 1


def test_a_reader_that_died_costs_the_next_half_a_second_once(here):
    client().set(NUMBER._lease(), 1, px=60_000)
    began = time.monotonic()
    assert NUMBER.get(Counting(7)) == 7
    assert reads.WAIT <= time.monotonic() - began < reads.WAIT + 5
    assert NUMBER.get(Counting(8)) == 7


def test_the_others_read_themselves_where_the_first_takes_long(here):
    all_of_them = threading.Barrier(4)

    def read():
        all_of_them.wait(timeout=20)  # ends when four are reading
        return 7

    assert at_once(4, read, here) == [7] * 4


class TestRemembered:
    """`remembered`: this process does not even ask Valkey."""

    KEPT = Kept("test-remembered", int, seconds=30, of=[Shop], remembered=5)

    def test_it_asks_valkey_once(self, here, server):
        self.KEPT.get(Counting(7))
        server.kill()
        assert self.KEPT.get(Counting(8)) == 7
        self.KEPT.forget(here)
        assert self.KEPT.get(Counting(9)) == 9

    def test_each_tenant_has_its_own(self, here):
        self.KEPT.get(Counting(7))
        with inside(uuid7()):
            assert self.KEPT.get(Counting(8)) == 8
        assert self.KEPT.get(Counting(9)) == 7

    def test_what_is_forgotten_while_it_is_read_is_not_remembered(self, here):
        def read():
            self.KEPT.forget(here)
            return 7

        self.KEPT.get(read)
        client().delete(self.KEPT.key())
        assert self.KEPT.get(Counting(8)) == 8

    def test_it_is_bounded(self, monkeypatch):
        monkeypatch.setattr(reads, "SIZE", 3)
        for _ in range(8):
            with inside(uuid7()):
                self.KEPT.get(Counting())
        assert len(self.KEPT._recent) <= 3
