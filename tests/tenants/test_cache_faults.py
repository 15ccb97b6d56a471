"""Valkey fails while something is read and written: dead, frozen, full, flushed, or away."""

from __future__ import annotations

import time
from uuid import UUID

from tenants import breaker, changes
from tenants.cache import client, key_of
from tenants.models import Location
from tests.tenants.kept import NAMES, Never, shown


def test_dead(anna, server):
    shown()
    server.kill()
    Location.objects.update(name="new")
    assert shown() == ["new"]
    server.start()
    assert shown() == ["new"]


def test_frozen_for_a_moment(anna, server):
    """The breaker stays closed: what was lost is told again before anything is believed."""
    shown()
    server.freeze()
    Location.objects.update(name="new")
    server.thaw()
    assert not breaker.valkey.is_open
    assert shown() == ["new"]
    assert NAMES.get(Never()) == ["new"]


def test_away_until_the_breaker_closes(anna, server, monkeypatch):
    """Whoever calls first when it is back tells what was lost, for all processes."""
    shown()
    token = key_of("written:tenants_location")
    for _ in range(breaker.FAILURES):
        breaker.valkey.failed()
    Location.objects.update(name="new")
    assert shown() == ["new"]
    assert server.direct.get(token), "nobody was told"
    monkeypatch.setattr(breaker.valkey, "_open_for", 0)
    client().ping()
    assert server.direct.get(token) is None
    assert shown() == ["new"]
    assert NAMES.get(Never()) == ["new"]


def test_what_was_kept_before_it_was_back_is_not_believed(anna, server):
    shown()
    breaker.valkey.failed()
    client().ping()
    assert NAMES.get(lambda: ["anew"]) == ["anew"]


def test_full(anna, server):
    """It takes nothing more, but forgets when it is told to."""
    shown()
    server.fill()
    assert NAMES.get(Never()) == ["of anna"]
    Location.objects.update(name="new")
    assert shown() == ["new"]
    Location.objects.update(name="newer")
    assert shown() == ["newer"]
    assert not breaker.valkey.is_open


def test_flushed(anna, server):
    shown()
    server.direct.flushall()
    Location.objects.update(name="new")
    assert shown() == ["new"]
    assert NAMES.get(Never()) == ["new"]


def test_a_page_waits_for_a_frozen_server_only_until_the_breaker_opens(anna, server):
    server.freeze()
    began = time.monotonic()
    for _ in range(60):
        assert shown() == ["of anna"]
    assert time.monotonic() - began < 60 * 0.25 / 2
    assert breaker.valkey.is_open


def test_what_is_lost_is_bounded(anna, server, monkeypatch):
    monkeypatch.setattr(changes, "REMEMBERED", 3)
    server.kill()
    for number in range(10):
        changes.tell({(UUID(int=number), "tenants_location")})
    assert [whose.int for whose, _ in changes._lost] == [7, 8, 9]
    server.start()
    breaker.valkey.forget()
    assert changes.retell()
    assert not changes._lost
