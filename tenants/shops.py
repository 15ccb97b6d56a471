"""How a shop presents itself: what every page of it shows, kept in the tenant's cache for a
minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tenants.models import Shop
from tenants.reads import Kept


@dataclass(frozen=True, slots=True)
class ShopFront:
    """A shop's name, brand and words."""

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


FRONT = Kept("front", ShopFront, seconds=60, of=[Shop], remembered=5)


def front() -> ShopFront:
    """The shop we are inside, as its pages show it.

    A page asks many times, so each process remembers the answer for five seconds. A change of the
    shop shows at once in the process that made it, after those seconds in the others; one of the
    tenant, who is nobody's row, within a minute.
    """
    return FRONT.get(_read)


def forget() -> None:
    """Ask the cache again: between tests."""
    FRONT.forget()


def _read() -> ShopFront:
    shop = Shop.objects.select_related("tenant__currency").get()
    return ShopFront(
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
    return shop
