"""A shop opens: tenant, domain, owner, location and a program from a preset, all of it or
nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from loyalty import presets
from loyalty.models import Program
from tenants import signups
from tenants.actors import Actor
from tenants.models import Currency, SignUp, Tenant
from tenants.onboarding import Opened, Picture, opening
from tenants.signups import Unfinished


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
    choices: Mapping[str, object] | None = None,
    **details: Any,
) -> OpenedShop:
    """Open a shop at `slug` for the person with this address, in one transaction.

    `country` is ISO 3166-1; `preset` one of presets.PRESETS, `choices` the answers to its questions
    (None: its bare rule); `details` as in onboarding.opening (zone, language, colour, icon,
    greeting, location, pin, plan, logo). Raises BadName, BadPin, BadSetting for a choice, and
    KeyError for no preset; a failure at any step leaves nothing behind. The slug again is BadName.
    """
    presets.PRESETS[preset]  # asked before anything is written
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
        program = presets.start(
            preset, currency=currency, at=at, by=Actor.command("open_shop"), choices=choices
        )
    return OpenedShop(opened, program)


def open_signed_up(signup: SignUp, *, at: dt.datetime) -> tuple[Tenant, OpenedShop | None]:
    """Open the shop of a finished sign-up, once: its tenant, and what came into being, None where
    it had been opened before.

    Of two at once the second waits for the first. Raises BadName where another shop was faster:
    then nothing is lost, and the sign-up may be given another slug. Raises Unfinished where what it
    needs is not there any more, or where it is another's since `signup` was read: the shop belongs
    to whoever proved that the address is hers.
    """
    with transaction.atomic():
        row = SignUp.objects.select_for_update().get(pk=signup.pk)
        if row.opened:
            return Tenant.objects.get(pk=row.opened), None
        if row.confirmed_at is None or row.email != signup.email or not (row.slug and row.preset):
            raise Unfinished
        logo = signups.logo_of(row)
        made = open_shop(
            row.slug,
            name=row.name,
            email=row.email,
            owner_name=signups.person_behind(row),
            country=row.country,
            language=row.language,
            preset=row.preset,
            choices=row.choices,
            colour=row.colour,
            icon=row.icon,
            greeting=row.greeting,
            logo=Picture(*logo) if logo else None,
            at=at,
        )
        SignUp.objects.filter(pk=row.pk).update(opened=made.opened.tenant.pk)
    signup.opened = made.opened.tenant.pk
    return made.opened.tenant, made
