"""python -m tests.walls.run SETUP ANNA BORIS [--clean | --all]: this login's probes, told as JSON.

First as the portal is, and with `--clean` only so; then with each mutation planted: the probes that
it must turn red, or with `--all` every one. Run by tests.walls.test_connections with the
environment of that set-up.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Collection
from contextvars import copy_context
from typing import Any

import django
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, close_old_connections, connection

django.setup()

from tenants.context import OutsideTenant, platform  # noqa: E402
from tenants.models import Location, Tenant  # noqa: E402
from tests.walls import expected, probes  # noqa: E402
from tests.walls.looking import PROBES, Pair  # noqa: E402

probes.load()

from tests.walls.mutations import MUTATIONS  # noqa: E402


def main() -> None:
    setup, *slugs = (word for word in sys.argv[1:] if not word.startswith("--"))
    login = os.environ["PORTAL_LOGIN"]
    mine = [name for name, (_, logins) in PROBES.items() if login in logins]
    anna, boris = (Tenant.objects.get(slug=slug) for slug in slugs)
    pair = Pair(anna, boris, setup)
    pair.facts["who"] = who()
    pair.facts["platform refused"] = is_refused(as_platform)
    # What they log is about the holes, and there are many.
    logging.disable(logging.CRITICAL)
    told: dict[str, Any] = {"clean": go_through(pair, mine), "planted": {}}
    told["facts"] = dict(pair.facts)
    planted = {} if "--clean" in sys.argv else MUTATIONS
    for name, mutation in planted.items():
        pair.planted = name
        wanted = mine if "--all" in sys.argv else expected.red(name, setup)
        with mutation():
            told["planted"][name] = go_through(pair, [n for n in mine if n in wanted])
    sys.stdout.write(f"\n{json.dumps(told)}")


def go_through(pair: Pair, names: Collection[str]) -> dict[str, list[str]]:
    """The faults of each probe; one that cannot be finished is a fault too."""
    faults: dict[str, list[str]] = {}
    for name in names:
        try:
            # In a context of its own: one that a leak ends in would turn what follows red too.
            faults[name] = copy_context().run(PROBES[name][0], pair)
        except Exception as error:  # noqa: BLE001 (told, whatever it is)
            faults[name] = [f"ended: {error!r}"[:400]]
            connection.close()
        close_old_connections()
    return faults


def who() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, session_user")
        return list(cursor.fetchone())


def as_platform() -> None:
    with platform("a test"):
        Location.objects.count()


def is_refused(act: Any) -> bool:
    try:
        act()
    except (DatabaseError, OutsideTenant, ImproperlyConfigured):
        return True
    return False


if __name__ == "__main__":
    main()
