"""Every model by every road: what `tenants.testing` tries, on this connection."""

from __future__ import annotations

import itertools

from tenants.models import Location
from tenants.testing import make_tenant, nameless, owned_models, sweep
from tests.walls.looking import APP, Pair, probe

_count = itertools.count(1)


def _models(pair: Pair) -> list:
    """All of them. With a hole planted one shows it, and test_models asks all."""
    return [Location] if pair.planted else owned_models()


def _swept(pair: Pair, *, in_transaction: bool) -> list[str]:
    number = next(_count)
    fresh = make_tenant(f"swept-{number}-a"), make_tenant(f"swept-{number}-b")
    tries, faults = sweep(*fresh, in_transaction=in_transaction, of=_models(pair))
    pair.facts[f"tries, {'together' if in_transaction else 'apart'}"] = tries
    return list(map(str, faults))


@probe(APP)
def every_road_in_a_transaction(pair: Pair) -> list[str]:
    return _swept(pair, in_transaction=True)


@probe(APP)
def every_road_in_autocommit(pair: Pair) -> list[str]:
    return _swept(pair, in_transaction=False)


@probe(APP)
def statements_name_the_tenant(pair: Pair) -> list[str]:
    return list(map(str, nameless(pair.anna, of=_models(pair))))
