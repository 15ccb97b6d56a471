"""The breaker: whoever can do without Valkey never waits for it for long."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import caches
from django_redis import get_redis_connection
from redis.exceptions import ConnectionError, RedisClusterException, ResponseError  # noqa: A004

from tenants import cache
from tenants.breaker import FAILURES, Away, Breaker, valkey
from tenants.context import inside
from tenants.ids import uuid7
from tests.test_embedded import until

READ = 0.25  # seconds that a frozen server is waited for


def fail():
    raise ConnectionError("gone")


def refuse():
    raise ResponseError("OOM")


def opened(**given):
    breaker = Breaker(failures=3, **given)
    for _ in range(3):
        with pytest.raises(ConnectionError):
            breaker.call(fail)
    return breaker


@pytest.fixture
def quick(monkeypatch):
    """The process' breaker tries again after a moment, not after five seconds."""
    monkeypatch.setattr(valkey, "_open_for", 0.3)


def test_it_opens_after_failures_in_a_row():
    breaker = Breaker(failures=3)
    for act in (fail, fail, str, fail, fail, refuse, fail, fail):
        try:
            breaker.call(act)
        except (ConnectionError, ResponseError):
            assert not breaker.is_open
    with pytest.raises(ConnectionError, match="gone"):
        breaker.call(fail)
    assert breaker.is_open


def test_open_it_calls_nobody():
    calls = []
    with pytest.raises(Away):
        opened().call(calls.append, 1)
    assert calls == []


def test_after_a_while_one_may_try_and_the_others_wait():
    breaker = opened(open_for=0.1)
    until(breaker.allows)
    breaker._open_for = 60
    with ThreadPoolExecutor(8) as threads:
        assert not any(threads.map(lambda _: breaker.allows(), range(8)))
    breaker.succeeded()
    assert breaker.call(str, 5) == "5"


def test_a_failed_try_keeps_it_open():
    breaker = opened(open_for=0.1)
    until(breaker.allows)
    breaker._open_for = 60
    breaker.failed()
    assert not breaker.allows()


def test_whoever_succeeds_after_a_failure_runs_the_hooks_once():
    breaker, seen = Breaker(failures=3), []
    breaker.when_back(lambda: seen.append(breaker.is_open))
    breaker.call(str)
    assert seen == []
    breaker.failed()
    breaker.call(str)
    breaker.call(str)
    assert seen == [False]


def test_a_mistake_of_the_caller_is_no_failure_of_the_server():
    breaker = Breaker(failures=1)

    def mistake():
        raise RedisClusterException("keys of two slots")

    with pytest.raises(RedisClusterException):
        breaker.call(mistake)
    assert not breaker.is_open


def test_away_is_a_miss_for_django_and_an_error_of_redis_for_us(server):
    server.kill()
    for _ in range(FAILURES):
        assert caches["default"].get("x") is None
    assert valkey.is_open
    with inside(uuid7()):
        assert cache.mine().get("x", "nothing") == "nothing"
        assert cache.mine().get_many(["x"]) in (None, {})
        cache.mine().set("x", 1)
        cache.mine().set_many({"x": 1})
        cache.mine().clear()
        with pytest.raises(Away):
            cache.client().ping()
        with pytest.raises(Away):
            cache.client().pipeline().set("x", 1).execute()
    with pytest.raises(Away):
        get_redis_connection("default").ping()


def test_pipelines_of_both_caches_count(server):
    server.kill()
    with inside(uuid7()):
        for _ in range(FAILURES):
            cache.mine().set_many({"x": 1})
    assert valkey.is_open


def test_a_frozen_server_costs_a_few_reads_and_then_nothing(server, quick):
    with inside(uuid7()):
        cache.mine().set("x", "here", 60)
        server.freeze()
        began = time.monotonic()
        while not valkey.is_open:
            cache.mine().get("x")
        assert time.monotonic() - began < FAILURES * READ + 3
        valkey._open_for = 60
        began = time.monotonic()
        for _ in range(200):
            assert cache.mine().get("x") is None
        assert time.monotonic() - began < 200 * READ / 20
        valkey._open_for = 0.3
        server.thaw()
        until(lambda: cache.mine().get("x") == "here")
        assert not valkey.is_open


def test_many_at_once_wait_for_a_frozen_server_once(server):
    """Also over connections of their own that were there before."""
    tenant = uuid7()

    def read(_):
        with inside(tenant):
            return cache.mine().get("x")

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(read, range(64)))
        server.freeze()
        began = time.monotonic()
        list(threads.map(read, range(16 * 20)))
    assert valkey.is_open
    assert time.monotonic() - began < 20 * READ / 2


def test_a_killed_server_that_is_started_again_is_found(server, quick):
    with inside(uuid7()):
        cache.mine().set("x", "here", 60)
        server.kill()
        while not valkey.is_open:
            cache.mine().get("x")
        server.start()
        until(lambda: not valkey.is_open or cache.mine().get("x"))
        cache.mine().set("x", "again", 60)
        assert cache.mine().get("x") == "again"
