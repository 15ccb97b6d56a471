"""A shop opens: tenant, domain, owner, location and a program from a preset, all of it or
nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from loyalty import programs
from loyalty.models import Program
from tenants.actors import Actor
from tenants.models import Currency
from tenants.onboarding import Opened, opening


@dataclass(frozen=True, slots=True)
class OpenedShop:
    """What came into being. `opened` holds tenant, shop, owner and location."""

    opened: Opened
    program: Program


def open_shop(
    slug: str,
    *,
    name: str,
    email: str,
    owner_name: str,
    country: str,
    at: dt.datetime,
    preset: str = "points",
    **details: Any,
) -> OpenedShop:
    """Open a shop at `slug` for the person with this address, in one transaction.

    `country` is ISO 3166-1; `preset` one of programs.PRESETS; `details` as in onboarding.opening
    (zone, language, colour, icon, greeting, location, pin, plan). Raises BadName, BadPin, and
    KeyError for no preset; a failure at any step leaves nothing behind. The slug again is BadName.
    """
    programs.PRESETS[preset]  # asked before anything is written
    with opening(
        slug,
        name=name,
        email=email,
        owner_name=owner_name,
        country=country,
        at=at,
        **details,
    ) as opened:
        currency = Currency.objects.get(pk=opened.tenant.currency_id)
        program = programs.start(
            preset, minor_units=10**currency.digits, at=at, by=Actor.command("open_shop")
        )
    return OpenedShop(opened, program)
