"""How a shop presents itself: what every page of it shows, kept in the tenant's cache for a
minute.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, fields
from typing import Any
from uuid import UUID

from django.db import transaction

from tenants.cache import mine
from tenants.context import tenant_id
from tenants.models import Shop

KEY = "front"
SHOWN_FOR = 60  # seconds in the cache
FRESH = 5.0  # seconds in a process
SIZE = 2_000
_recent: dict[UUID, tuple[float, ShopFront]] = {}


@dataclass(frozen=True, slots=True)
class ShopFront:
    """A shop's name, brand and words. `tenant` is whose it is: a value of another tenant is
    refused.
    """

    tenant: str
    name: str
    greeting: str
    colour: str
    icon: str
    language: str
    languages: tuple[str, ...]
    native_digits: bool
    pin_length: int
    country: str
    currency: str
    decimals: int
    zone: str


FIELDS = {field.name for field in fields(ShopFront)}


def front() -> ShopFront:
    """The shop we are inside, as its pages show it: a minute old at most.

    A page asks many times, so each process remembers the answer for some seconds.
    """
    tenant, now = tenant_id(), time.monotonic()
    if (recent := _recent.get(tenant)) and now - recent[0] < FRESH:
        return recent[1]
    shown = _kept(tenant)
    if len(_recent) >= SIZE:
        _recent.clear()
    _recent[tenant] = (now, shown)
    return shown


def _kept(tenant: UUID) -> ShopFront:
    kept = mine().get(KEY)
    # What another release kept has other fields, and is read anew like what is missing.
    if isinstance(kept, dict) and kept.keys() == FIELDS and kept["tenant"] == str(tenant):
        return ShopFront(**{**kept, "languages": tuple(kept["languages"])})
    shown = _read(tenant)
    mine().set(KEY, asdict(shown), SHOWN_FOR)
    return shown


def forget() -> None:
    """Ask the cache again: after a change in this process, and between tests."""
    _recent.clear()


def _read(tenant: UUID) -> ShopFront:
    shop = Shop.objects.select_related("tenant__currency").get()
    return ShopFront(
        tenant=str(tenant),
        name=shop.name,
        greeting=shop.greeting,
        colour=shop.colour,
        icon=shop.icon,
        language=shop.language_id,
        languages=tuple(shop.languages) or (shop.language_id,),
        native_digits=shop.native_digits,
        pin_length=shop.pin_length,
        country=shop.tenant.country_id,
        currency=shop.tenant.currency_id,
        decimals=shop.tenant.currency.digits,
        zone=shop.tenant.zone,
    )


def change(**values: Any) -> Shop:
    """Change what the owner may change about the shop; every page shows it after the commit."""
    shop: Shop = Shop.objects.get()
    for name, value in values.items():
        setattr(shop, name, value)
    shop.full_clean()
    shop.save(update_fields=list(values))
    transaction.on_commit(_drop)
    return shop


def _drop() -> None:
    mine().delete(KEY)
    forget()
