"""A Valkey that a test may kill, freeze, fill and flush."""

from __future__ import annotations

import pytest

from tenants.context import inside
from tests.valkeys import frail


@pytest.fixture
def server(settings):
    """The tenants' cache is in a server of this test's own, and so is the global one."""
    with frail() as started:
        settings.CACHES = {
            alias: {**entry, "LOCATION": f"{started.url}?client_name={alias}"}
            for alias, entry in settings.CACHES.items()
        }
        yield started


@pytest.fixture
def anna(two):
    with inside(two[0]):
        yield two[0]
