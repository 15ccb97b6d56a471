"""A shop gets another currency or another clock. Both stand in the row of its tenant, which the
web's login may not change: a job of the worker does it, in `platform()`.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from functools import lru_cache

from django.db.models import F

from tenants.actors import Actor
from tenants.context import platform, tenant_id
from tenants.models import Currency, Shop, Tenant
from tenants.trace import entry


class NoSuchPlace(ValueError):
    """There is no such currency or time zone; `field` says which of the two."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """The time zones a shop may have, as "Asia/Dubai", in the order of the alphabet."""
    areas = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    return tuple(
        sorted(name for name in zoneinfo.available_timezones() if name.partition("/")[0] in areas)
    )


def check(currency: str, zone: str) -> None:
    """Raises NoSuchPlace."""
    if zone not in zones():
        raise NoSuchPlace("zone")
    if not Currency.objects.filter(pk=currency).exists():
        raise NoSuchPlace("currency")


def relocate(*, currency: str, zone: str, at: dt.datetime, by: Actor | str) -> bool:
    """Give the shop we are inside this currency and zone; whether that changed anything. Outside
    every transaction, with a login that may work for all tenants.

    Raises NoSuchPlace.
    """
    check(currency, zone)
    mine = tenant_id()
    with platform("a shop's currency and zone"):
        tenant = Tenant.objects.select_for_update(of=("self",)).get(pk=mine)
        before = {"currency": tenant.currency_id, "zone": tenant.zone}
        after = {"currency": currency, "zone": zone}
        if before == after:
            return False
        Tenant.objects.filter(pk=mine).update(currency_id=currency, zone=zone)
        row = entry(by, "tenant.relocated", mine, at=at, before=before, after=after)
        row.tenant_id = mine
        row.save(force_insert=True)
    forget()
    return True


def forget() -> None:
    """Let every process read the shop's front anew: it is made of the tenant's row too, whose
    changes nobody hears of.
    """
    Shop.objects.update(name=F("name"))
