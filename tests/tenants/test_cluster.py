"""The same keys on a Redis Cluster of three nodes: a tenant is one slot, and so on one node."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.core.cache import caches
from redis import Redis
from redis.exceptions import RedisClusterException

from portal.home import ROOT
from tenants import cache, changes
from tenants.breaker import FAILURES, Away, valkey
from tenants.context import inside
from tenants.ids import uuid7
from tenants.models import Location
from tenants.reads import Kept
from tests.valkeys import cluster

MANY = 64  # tenants: that a node has none of them does not happen
NUMBER = Kept("test-on-a-cluster", int, seconds=30, of=[Location])
ADD = "return redis.call('INCRBY', KEYS[1], ARGV[1]) + redis.call('INCRBY', KEYS[2], ARGV[1])"


@pytest.fixture(scope="module")
def ports():
    with cluster() as started:
        yield started


def lead_to(settings, port):
    """What settings make of REDIS_URL and REDIS_CLUSTER=1."""
    entries = {}
    for alias, entry in settings.CACHES.items():
        options = {k: v for k, v in entry["OPTIONS"].items() if k != "REDIS_CLIENT_CLASS"}
        entries[alias] = {
            **entry,
            "LOCATION": f"redis://127.0.0.1:{port}?client_name={alias}",
            "OPTIONS": {**options, "CLIENT_CLASS": "tenants.valkey.ClusterClient"},
        }
    settings.CACHES = entries


@pytest.fixture
def nodes(ports, settings, db):
    lead_to(settings, ports[0])
    made = [Redis(port=port, decode_responses=True) for port in ports]
    yield made
    for node in made:
        node.flushall()
        node.close()


def keys_of(node):
    return set(node.scan_iter())


def test_tenants_are_spread_and_each_is_on_one_node(nodes):
    tenants = [uuid7() for _ in range(MANY)]
    for tenant in tenants:
        with inside(tenant):
            for name in "abc":
                cache.mine().set(name, f"{name} of {tenant}", 60)
    held = [keys_of(node) for node in nodes]
    assert all(held)
    for tenant in tenants:
        keys = {f"portal:{{{tenant}}}:1:{name}" for name in "abc"}
        assert sum(bool(keys & of) for of in held) == 1
        assert any(keys <= of for of in held)
        with inside(tenant):
            assert cache.mine().get("a") == f"a of {tenant}"
            assert cache.mine().get_many("abc") == {name: f"{name} of {tenant}" for name in "abc"}


def test_clearing_forgets_this_tenant_alone(nodes):
    tenants = [uuid7() for _ in range(8)]
    for tenant in tenants:
        with inside(tenant):
            cache.mine().set_many({f"{n}": n for n in range(20)})
    with inside(tenants[0]):
        cache.mine().clear()
        assert cache.mine().get("1") is None
    left = set.union(*map(keys_of, nodes))
    assert len(left) == 7 * 20
    assert not any(str(tenants[0]) in key for key in left)


def test_reads_are_kept_and_end(nodes):
    for tenant in [uuid7() for _ in range(8)]:
        with inside(tenant):
            assert NUMBER.get(lambda: 7) == 7
            assert NUMBER.get(lambda: 8) == 7
            changes.tell({(tenant, "tenants_location")})
            assert NUMBER.get(lambda: 9) == 9
            assert NUMBER.get(lambda: 10) == 9


def test_of_many_tenants_each_is_told_by_a_command_of_its_own(nodes):
    tenants = [uuid7() for _ in range(8)]
    for tenant in tenants:
        with inside(tenant):
            NUMBER.get(lambda: 7)
    changes.tell({(tenant, "tenants_location") for tenant in tenants})
    for tenant in tenants:
        with inside(tenant):
            assert NUMBER.get(lambda: 9) == 9


def test_lua_runs_over_the_keys_of_a_tenant_and_of_no_two(nodes):
    one, other = uuid7(), uuid7()
    for tenant in (one, other):
        keys = [cache.key_of(name, tenant) for name in ("limit:a", "limit:b")]
        with inside(tenant):
            assert cache.client().eval(ADD, 2, *keys, 3) == 6
            assert cache.client().eval(ADD, 2, *keys, 3) == 12
    with inside(one), pytest.raises(RedisClusterException):
        cache.client().eval(ADD, 2, cache.key_of("x"), cache.key_of("x", other), 1)
    assert not valkey.is_open


def test_the_global_cache_works_too(nodes):
    caches["default"].set_many({f"{n}": n for n in range(20)})
    assert caches["default"].get("7") == 7


def test_the_environment_alone_leads_there(ports, nodes):
    tenant = uuid7()
    code = f"""
import django; django.setup()
from uuid import UUID
from tenants import cache
from tenants.context import inside
with inside(UUID("{tenant}")):
    cache.mine().set("x", "from there", 60)
"""
    leads = {"REDIS_CLUSTER": "1", "REDIS_URL": f"redis://127.0.0.1:{ports[1]}"}
    environment = {**os.environ, **leads, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    with inside(tenant):
        assert cache.mine().get("x") == "from there"


def test_without_its_nodes_everything_is_a_miss(settings, db):
    lead_to(settings, 1)
    with inside(uuid7()):
        with pytest.raises(Away):
            cache.client()
        assert cache.mine().get("x", "nothing") == "nothing"
        cache.mine().set("x", 1)
        cache.mine().clear()
        assert NUMBER.get(lambda: 7) == 7
        for _ in range(FAILURES):
            cache.mine().get("x")
        assert valkey.is_open


@pytest.mark.thorough
def test_a_node_that_dies_is_felt_by_its_tenants_alone(settings, db):
    tenants = [uuid7() for _ in range(MANY)]
    with cluster() as ports:
        lead_to(settings, ports[0])
        for tenant in tenants:
            with inside(tenant):
                NUMBER.get(lambda: 7)
        dead = Redis(port=ports[2], decode_responses=True)
        lost = {tenant for tenant in tenants if any(str(tenant) in key for key in keys_of(dead))}
        assert 0 < len(lost) < MANY
        others = [Redis(port=port) for port in ports[:2]]
        for node in others:
            node.config_set("cluster-require-full-coverage", "no")
        dead.shutdown(nosave=True, now=True, force=True)
        dead.close()
        for tenant in tenants:
            with inside(tenant):
                valkey.forget()
                assert NUMBER.get(lambda: 9) == (9 if tenant in lost else 7)
        for node in others:
            node.close()
