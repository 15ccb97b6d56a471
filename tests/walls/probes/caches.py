"""The shop's cache: one key is another entry in each shop, and nothing outside."""

from __future__ import annotations

from contextlib import suppress

from django.core.cache import caches

from tenants.cache import client, key_of
from tenants.context import OutsideTenant, inside
from tests.walls.looking import APP, Pair, probe


@probe(APP)
def keys_of_the_cache(pair: Pair) -> list[str]:
    cache, faults = caches["tenant"], []
    for tenant in pair.both:
        with inside(tenant):
            cache.set("walls", str(tenant.pk), 30)
    for tenant in pair.both:
        with inside(tenant):
            seen = {cache.get("walls"), *cache.get_many(["walls"]).values()}
            if seen != {str(tenant.pk)}:
                faults.append(f"{tenant.pk} was given {seen}")
            if client().get(key_of("walls")) != client().get(key_of("walls", tenant.pk)):
                faults.append(f"{tenant.pk} has another key outside Django's cache")
    keys = {key_of("walls", tenant.pk) for tenant in pair.both}
    if len(keys) != len(pair.both) or not all(map(client().exists, keys)):
        faults.append(f"what was set is not under {keys}")
    with inside(pair.anna):
        cache.clear()
    with inside(pair.boris):
        if cache.get("walls") is None:
            faults.append("one shop emptied the other's cache")
    with suppress(OutsideTenant):
        faults.append(f"nobody was given {cache.get('walls')}")
    return faults
