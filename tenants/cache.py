"""The per-tenant cache: `caches["tenant"]`. For display only; nothing that decides is read from
it.

Every key begins with the tenant's UUID as a hash tag, so a tenant is one slot of a Redis Cluster.
Outside a tenant it raises. It may vanish at any moment: then pages are slower, never wrong.
"""

from __future__ import annotations

from typing import Any

from django.core.cache import BaseCache, caches
from django_redis.cache import RedisCache

from tenants.context import tenant_id


def tenant_key(key: str, prefix: str, version: int) -> str:
    """django-redis' KEY_FUNCTION: `portal:{<tenant uuid>}:<version>:<key>`."""
    return f"portal:{{{tenant_id()}}}:{version}:{key}"


def plain_key(key: str, prefix: str, version: int) -> str:
    """For the alias `default`, which is global and tiny."""
    return f"portal:global:{version}:{key}"


def unkeyed(key: str) -> str:
    """django-redis' REVERSE_KEY_FUNCTION for both."""
    return key.split(":", 3)[-1]


class TenantCache(RedisCache):
    def clear(self) -> Any:
        """Forget this tenant's keys, and only them (django-redis would flush the whole server)."""
        return self.delete_pattern("*")


def mine() -> BaseCache:
    """The cache of the tenant we are inside."""
    return caches["tenant"]
