"""A kept read of the tests: the names of two tables."""

from __future__ import annotations

from tenants.models import Location, OneTimeSecret
from tenants.reads import Kept

NAMES = Kept("test-names", list[str], seconds=60, of=[Location, OneTimeSecret])


def names():
    """What NAMES keeps: read from two tables."""
    secrets = OneTimeSecret.objects.order_by("pk").values_list("purpose", flat=True)
    return [*Location.objects.order_by("pk").values_list("name", flat=True), *secrets]


def shown():
    return NAMES.get(names)


class Never:
    def __call__(self):
        raise AssertionError("it should have been kept")
