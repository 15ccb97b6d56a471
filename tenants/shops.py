"""How a shop presents itself: what every page of it shows, kept in the tenant's cache for a
minute.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from tenants.actors import Actor
from tenants.models import Shop
from tenants.reads import Kept
from tenants.trace import write


@dataclass(frozen=True, slots=True)
class ShopFront:
    """A shop's name, brand and words, as pages show them. What decides (limits at the till) is not
    here: it is read from the shop's row.
    """

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
    logo: str  # the digest of a Logo, "" for none
    phone: str
    email: str
    address: str
    privacy: str
    lock_after: int


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
        logo=shop.logo,
        phone=shop.phone,
        email=shop.email,
        address=shop.address,
        privacy=shop.privacy,
        lock_after=shop.lock_after,
    )


class Overtaken(Exception):
    """Somebody changed this of the shop since it was shown."""


def seen(shop: Shop, names: Iterable[str]) -> str:
    """A name for these fields as they are before somebody's eyes; it changes with them."""
    told = json.dumps([str(getattr(shop, name)) for name in sorted(names)])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def change(
    *, seen_as: str = "", at: dt.datetime | None = None, by: Actor | None = None, **values: Any
) -> Shop:
    """Change what the owner may change about the shop; every page shows it after the commit.

    With `seen_as` (of seen() with these names) nothing is written over what somebody else changed
    meanwhile: Overtaken. With `by` and `at` it is audited, by the names of the fields. The same
    values again change nothing. Raises ValidationError.
    """
    with transaction.atomic():
        shop: Shop = Shop.objects.select_for_update(of=("self",)).get()
        if seen_as and seen(shop, values) != seen_as:
            raise Overtaken
        names = [name for name, value in values.items() if getattr(shop, name) != value]
        for name in names:
            setattr(shop, name, values[name])
        if names:
            changed = [name.removesuffix("_id") for name in names]
            others = {field.name for field in Shop._meta.fields} - set(changed)
            shop.full_clean(exclude=others)
            shop.save(update_fields=changed)
            if by and at:
                write(by, "shop.changed", shop.pk, at=at, after={"fields": sorted(names)})
    return shop
