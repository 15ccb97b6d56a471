"""What a piece of code sees of the shops' locations, compared with what it may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from tenants.context import OutsideTenant, TenantMismatch, current, inside
from tenants.models import Location, Tenant

APP, WORKER = "app", "worker"
REFUSED = (OutsideTenant, TenantMismatch, DatabaseError)


@dataclass
class Pair:
    """Two shops that know nothing of each other, on the connections of a set-up.

    `planted` is the mutation under test, if any; `facts` is what a probe tells beside its faults.
    """

    anna: Tenant
    boris: Tenant
    setup: str
    planted: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_lent(self) -> bool:
        """Does a pooler lend us PostgreSQL's connections, a transaction at a time?"""
        return self.setup == "pgbouncer"

    @property
    def both(self) -> tuple[Tenant, Tenant]:
        return self.anna, self.boris


Probe = Callable[[Pair], list[str]]
PROBES: dict[str, tuple[Probe, tuple[str, ...]]] = {}


def probe(*logins: str) -> Callable[[Probe], Probe]:
    """Enter a probe under its function's name, for processes with these logins."""

    def enter(function: Probe) -> Probe:
        PROBES[function.__name__] = (function, logins)
        return function

    return enter


def strange(rows: Iterable[Location], tenant_id: UUID) -> list[str]:
    """The rows that are not the tenant's, in words."""
    return [
        f"{tenant_id} was given a row of {r.tenant_id}" for r in rows if r.tenant_id != tenant_id
    ]


def by_orm() -> set[UUID]:
    return set(Location.objects.values_list("tenant_id", flat=True))


def by_sql() -> set[UUID]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tenant_id FROM tenants_location")
        return {row[0] for row in cursor.fetchall()}


def told(seen: set[UUID]) -> str:
    """A few of them: with a hole planted everybody's rows are seen."""
    return f"{sorted(map(str, seen))[:3]}"


def look(tenant_id: UUID) -> list[str]:
    """What is wrong with what code sees that is inside this tenant now: it must see its own rows,
    all of one tenant, by the ORM and by SQL.
    """
    faults = []
    for way, read in (("ORM", by_orm), ("SQL", by_sql)):
        try:
            seen = read()
        except REFUSED as error:
            faults.append(f"{way}: refused its own rows: {type(error).__name__}")
        else:
            if seen != {tenant_id}:
                faults.append(f"{way}: {tenant_id} saw {told(seen)}")
    return faults


def look_in(tenant: Tenant) -> list[str]:
    with inside(tenant):
        return look(tenant.pk)


def nobody() -> list[str]:
    """What is wrong with what code sees that is in no tenant: the ORM makes no statement, and
    PostgreSQL refuses one that is made by hand.
    """
    faults = []
    if current() is not None:
        faults.append(f"nobody is in {current()}")
    for way, read, refusal in (("ORM", by_orm, OutsideTenant), ("SQL", by_sql, DatabaseError)):
        try:
            with transaction.atomic():
                faults.append(f"{way}: nobody saw {told(read())}")
        except refusal:
            pass
        except REFUSED as error:
            faults.append(f"{way}: nobody asked PostgreSQL: {type(error).__name__}")
    return faults
