"""The per-tenant cache: `caches["tenant"]`. For display only; nothing that decides is read from
it.

Every key begins with the tenant's UUID as a hash tag, so a tenant is one slot of a Redis Cluster.
Outside a tenant it raises. It may vanish at any moment: then pages are slower, never wrong.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import cast
from uuid import UUID

from django.core.cache import BaseCache, caches
from django_redis.cache import RedisCache
from redis import Redis, RedisCluster
from redis.exceptions import RedisError

from tenants.context import tenant_id

VERSION = 1
TOGETHER = 500  # keys in one command


def tenant_key(key: str, prefix: str, version: int) -> str:
    """django-redis' KEY_FUNCTION: `portal:{<tenant uuid>}:<version>:<key>`."""
    return f"portal:{{{tenant_id()}}}:{version}:{key}"


def plain_key(key: str, prefix: str, version: int) -> str:
    """For the alias `default`, which is global and tiny."""
    return f"portal:global:{version}:{key}"


def unkeyed(key: str) -> str:
    """django-redis' REVERSE_KEY_FUNCTION for both."""
    return key.split(":", 3)[-1]


def key_of(name: str, tenant: UUID | None = None) -> str:
    """The whole key of `name`, of the tenant we are inside or of the one given."""
    return f"portal:{{{tenant or tenant_id()}}}:{VERSION}:{name}"


def client() -> Redis | RedisCluster:
    """redis-py itself, for what Django's cache has no verb for.

    It raises what redis-py raises, and Away while the breaker is open. Its keys are key_of(), and
    those of one command are of one tenant.
    """
    return cast("Redis | RedisCluster", caches["tenant"].client.get_client())  # type: ignore[attr-defined]


class TenantCache(RedisCache):
    def clear(self) -> None:
        """Forget this tenant's keys, and only them (django-redis would flush the whole server)."""
        pattern = key_of("*")
        with suppress(RedisError):
            server, where = client(), {}
            if isinstance(server, RedisCluster):
                where = {"target_nodes": server.get_node_from_key(pattern)}  # type: ignore[no-untyped-call]
            found = server.scan_iter(match=pattern, count=TOGETHER, **where)
            while keys := list(islice(found, TOGETHER)):
                server.delete(*keys)


def mine() -> BaseCache:
    """The cache of the tenant we are inside."""
    return caches["tenant"]
