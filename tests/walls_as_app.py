"""The walls from outside the tests: logged in as the real portal_app, as the web is.

Run by test_walls.py in a process of its own, with the slugs of two tenants: prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import threading

import django
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

django.setup()

from tenants.context import OutsideTenant, inside, platform  # noqa: E402
from tenants.models import Location, Tenant  # noqa: E402
from tenants.testing import make_tenant, nameless, sweep  # noqa: E402


def who() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, session_user")
        return cursor.fetchone()


def is_refused(act) -> bool:
    try:
        act()
    except (DatabaseError, OutsideTenant, ImproperlyConfigured):
        return True
    return False


def as_platform() -> None:
    with platform("a test"):
        Location.objects.count()


def busy(tenants, rounds: int = 40) -> int:
    """Threads of both tenants over the same few connections; how often one saw the other's rows."""
    wrong = []

    def work(tenant):
        for _ in range(rounds):
            with inside(tenant):
                seen = set(Location.objects.values_list("tenant_id", flat=True))
                with connection.cursor() as cursor:
                    cursor.execute("SELECT DISTINCT tenant_id FROM tenants_location")
                    seen |= {row[0] for row in cursor.fetchall()}
            if seen != {tenant.pk}:
                wrong.append(seen)
            connection.close()  # what the end of a request does: back to the pool

    threads = [threading.Thread(target=work, args=(tenants[n % 2],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(wrong)


def main() -> None:
    faults = []
    for name, in_transaction in (("together", True), ("apart", False)):
        pair = make_tenant(f"{name}-a"), make_tenant(f"{name}-b")
        faults += sweep(*pair, in_transaction=in_transaction)[1]
    tenants = [Tenant.objects.get(slug=slug) for slug in sys.argv[1:3]]
    told = {
        "who": who(),
        "faults": [str(fault) for fault in faults],
        "nameless": [str(fault) for fault in nameless(tenants[0])],
        "crossed": busy(tenants),
        "platform refused": is_refused(as_platform),
    }
    sys.stdout.write(json.dumps(told))


main()
