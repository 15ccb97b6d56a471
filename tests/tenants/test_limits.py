"""The limiter: exact among processes, the same with and without Valkey, each tenant by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.cluster import RedisCluster

from portal.home import ROOT
from tenants import breaker, cache, limits
from tenants.limits import MINUTE, PLANS, POLICIES, SECOND, Buckets, Rate
from tests.test_embedded import until
from tests.valkeys import cluster, frail

AT = 1_800_000_000 * SECOND
LIMIT, PROCESSES = 48, 8
FIVE = Rate(per_minute=60, burst=5)  # one a second


@pytest.fixture
def key():
    """A key that nobody has used."""
    return cache.key_of("limit:test", uuid4())


@pytest.fixture(params=["Valkey", "this process"])
def ask(request, key):
    """`ask(rate, cost, at)`: by either way, at a time in microseconds."""
    if request.param == "Valkey":
        return lambda rate, cost=1, at=AT: limits.ask_valkey(
            cache.client(), key, rate, cost, now=at
        )
    buckets = Buckets()
    return lambda rate, cost=1, at=AT: buckets.admit(key, rate, cost, now=at)


def test_so_many_at_once_and_no_more(ask):
    told = [ask(FIVE) for _ in range(7)]
    assert [each.allowed for each in told] == [True] * 5 + [False] * 2
    assert [each.remaining for each in told] == [4, 3, 2, 1, 0, 0, 0]
    assert [each.reset for each in told] == [1, 2, 3, 4, 5, 5, 5]
    assert {each.limit for each in told} == {5}


def test_they_come_back_one_by_one(ask):
    for _ in range(5):
        ask(FIVE)
    assert not ask(FIVE, at=AT + SECOND - 1).allowed
    assert ask(FIVE, at=AT + SECOND).allowed
    assert not ask(FIVE, at=AT + SECOND).allowed
    assert [ask(FIVE, at=AT + 60 * SECOND).remaining for _ in range(2)] == [4, 3]


def test_after_the_time_it_names_it_lets_in(ask):
    at, waits = AT, []
    for cost in (5, 1, 3, 5, 2):
        told = ask(FIVE, cost, at=at)
        if not told.allowed:
            waits.append(told.retry_after)
            assert not ask(FIVE, cost, at=at + (told.retry_after - 1) * SECOND).allowed
            at += told.retry_after * SECOND
            assert ask(FIVE, cost, at=at).allowed
    assert waits == [1, 3, 5, 2]


def test_what_is_dear_takes_more(ask):
    assert ask(FIVE, 4).remaining == 1
    refused = ask(FIVE, 2)
    assert (refused.allowed, refused.remaining, refused.retry_after) == (False, 1, 1)
    assert ask(FIVE, 1).allowed, "what was refused cost nothing"


def test_what_is_dearer_than_all_takes_all_of_a_full_bucket(ask):
    assert ask(FIVE, 50).remaining == 0
    assert ask(FIVE, 50, at=AT + SECOND).retry_after == 4
    assert ask(FIVE, 50, at=AT + 5 * SECOND).allowed


def test_a_clock_that_went_back_locks_nobody_out(ask):
    hour = 3_600 * SECOND
    for _ in range(5):
        ask(FIVE)
    assert ask(FIVE, at=AT - hour).retry_after == 1
    assert ask(FIVE, at=AT - hour + SECOND).allowed


RATES = st.builds(Rate, st.sampled_from([1, 7, 60, 600, 6_000]), st.integers(1, 20))
ARRIVALS = st.lists(
    st.tuples(st.integers(-SECOND, 3 * SECOND) | st.integers(0, 2 * MINUTE), st.integers(1, 25)),
    max_size=25,
)


@given(rate=RATES, arrivals=ARRIVALS)
def test_valkey_and_a_process_decide_alike(rate, arrivals):
    key, buckets, at = cache.key_of("limit:test", uuid4()), Buckets(), AT
    for later, cost in arrivals:
        at += later
        there = limits.ask_valkey(cache.client(), key, rate, cost, now=at)
        here = buckets.admit(key, rate, cost, now=at)
        assert there == here
        assert there.allowed == (there.retry_after == 0)
        assert 0 <= there.remaining <= rate.burst


def test_valkey_counts_by_its_own_clock(key):
    def now():
        seconds, rest = cache.client().time()
        return seconds * SECOND + rest

    before = now()
    limits.ask_valkey(cache.client(), key, FIVE, 3)
    assert before <= int(cache.client().get(key)) - 3 * SECOND <= now()


def test_a_bucket_is_forgotten_a_minute_after_it_is_full_again(key):
    limits.ask_valkey(cache.client(), key, FIVE, 3)
    assert 58_000 < cache.client().pttl(key) <= 63_000


def test_one_call_a_request(key):
    with frail() as server:
        for number in range(3):
            limits.ask_valkey(server.direct, key, FIVE, 1)
            assert (server.calls("evalsha"), server.calls("eval")) == (number + 1, 1)


def test_a_flood_of_refusals_asks_valkey_once(settings, monkeypatch):
    monkeypatch.setitem(PLANS, "slow", {"api": Rate(per_minute=1, burst=3)})
    tenant = uuid4()
    with frail() as server, led_to(server, settings):
        told = [limits.admit(tenant, "slow", "api") for _ in range(60)]
        assert server.calls("evalsha") == 4
    assert [each.allowed for each in told] == [True] * 3 + [False] * 57
    waits = [each.wait for each in told[3:]]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] > waits[-1] > 0


def test_after_the_wait_valkey_is_asked_again(monkeypatch):
    monkeypatch.setitem(PLANS, "quick", {"api": Rate(per_minute=600, burst=1)})
    tenant = uuid4()
    until(lambda: not limits.admit(tenant, "quick", "api").allowed)
    until(lambda: limits.admit(tenant, "quick", "api").allowed)


def test_tenants_and_policies_are_counted_apart(monkeypatch):
    anna, boris, burst = uuid4(), uuid4(), 3
    monkeypatch.setitem(PLANS, "slow", dict.fromkeys(POLICIES, Rate(per_minute=1, burst=burst)))
    spent = [limits.admit(anna, "slow", "api").allowed for _ in range(burst + 1)]
    assert spent == [True] * burst + [False]
    assert limits.admit(boris, "slow", "api").remaining == burst - 1
    assert limits.admit(anna, "slow", "till").allowed


def test_a_plan_is_felt_at_the_next_request():
    tenant, (free, plus) = uuid4(), (PLANS[plan]["public"] for plan in ("free", "plus"))
    assert limits.admit(tenant, "free", "public").limit == free.burst
    raised = limits.admit(tenant, "plus", "public", cost=free.burst + 1)
    assert (raised.allowed, raised.limit) == (True, plus.burst)
    assert not limits.admit(tenant, "free", "public", cost=free.burst).allowed
    unknown = limits.admit(tenant, "gone", "public")
    assert unknown.limit == free.burst


def test_the_plans_are_whole_and_divide_a_minute():
    for plan, rates in PLANS.items():
        assert set(rates) == set(POLICIES), plan
        for policy, rate in rates.items():
            assert rate.interval * rate.per_minute == MINUTE, (plan, policy)


@pytest.mark.parametrize("trouble", ["gone", "frozen", "full"])
def test_without_valkey_a_process_gives_its_share(trouble, settings, monkeypatch):
    tenant, share = uuid4(), 7
    monkeypatch.setitem(PLANS, "slow", {"api": Rate(per_minute=4, burst=4 * share)})
    settings.WEB_CONCURRENCY = 4
    with frail() as server, led_to(server, settings):
        {"gone": server.kill, "frozen": server.freeze, "full": server.fill}[trouble]()
        told = [limits.admit(tenant, "slow", "api") for _ in range(share + 5)]
    assert [each.allowed for each in told] == [True] * share + [False] * 5
    assert told[-1].limit == share
    assert 30 < told[-1].retry_after <= 60  # four a minute among four


@contextmanager
def led_to(server, settings):
    """The process' cache is this server."""
    settings.CACHES = {
        **settings.CACHES,
        "tenant": {**settings.CACHES["tenant"], "LOCATION": server.url},
    }
    yield
    breaker.valkey.forget()


def test_strangers_are_forgotten_the_oldest_first():
    buckets = Buckets(size=2)
    for key in ("a", "b", "a", "c"):
        buckets.admit(key, FIVE, 5, now=AT)
    assert not buckets.admit("a", FIVE, now=AT).allowed
    assert buckets.admit("b", FIVE, now=AT).allowed


# Several processes


@pytest.fixture(scope="module")
def server():
    with frail() as running:
        yield running


@pytest.fixture
def crowd(server):
    """`crowd(tenant, times)`: so many asks of each of eight processes at once; all admitted."""
    environment = {**os.environ, "REDIS_URL": server.url, "WEB_CONCURRENCY": str(PROCESSES)}
    command = [sys.executable, "-m", "tests.tenants.crowd", str(LIMIT)]
    with ExitStack() as stack:
        members = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
            for _ in range(PROCESSES)
        ]
        assert {member.stdout.readline() for member in members} == {"ready\n"}

        def ask(tenant: UUID, times: int) -> int:
            for member in members:
                member.stdin.write(f"{tenant} {times}\n")
                member.stdin.flush()
            return sum(int(member.stdout.readline()) for member in members)

        yield ask


def test_eight_processes_are_admitted_exactly_so_often(crowd, server):
    assert [crowd(uuid4(), 50) for _ in range(10)] == [LIMIT] * 10
    assert server.calls("eval") <= PROCESSES, "after the first it is one short call"
    empty, half = uuid4(), uuid4()
    assert (crowd(empty, 2), crowd(empty, 50)) == (16, LIMIT - 16)
    assert crowd(half, 3) == 24
    server.kill()
    # Each gives its share of what it did not know to be spent: at most twice the limit in all.
    assert crowd(half, 50) == LIMIT
    assert crowd(empty, 50) == 0
    server.start()


@pytest.mark.thorough
def test_a_frozen_valkey_does_not_open_the_gate(crowd, server):
    tenant = uuid4()
    assert crowd(tenant, 3) == 24
    server.freeze()
    try:
        assert crowd(tenant, 50) == LIMIT
        assert crowd(tenant, 50) == 0
    finally:
        server.thaw()


@pytest.mark.thorough
def test_it_counts_on_a_cluster():
    with cluster() as ports:
        nodes = RedisCluster(host="127.0.0.1", port=ports[0])
        for _ in range(12):  # on every node
            key = cache.key_of("limit:test", uuid4())
            told = [limits.ask_valkey(nodes, key, FIVE, 1).allowed for _ in range(6)]
            assert told == [True] * 5 + [False]
        nodes.close()
