"""A tenant comes into being: its names, its shop, its owner, its first location.

`loyalty.opening` adds the program and holds the transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction

from tenants import hosts, limits
from tenants.actors import Actor
from tenants.context import inside
from tenants.ids import uuid7
from tenants.models import Country, Domain, Language, Location, Logo, Shop, Staff, Tenant
from tenants.people import employ, user_with
from tenants.pins import set_pin
from tenants.trace import write


class BadName(ValueError):
    """A slug that cannot be a shop's address; `code` says why: "form", "reserved" or "taken"."""

    def __init__(self, code: str, slug: str) -> None:
        super().__init__(f"{slug!r} cannot be a shop's address: {code}")
        self.code, self.slug = code, slug


@dataclass(frozen=True, slots=True)
class Picture:
    """A logo as portal.logos made it: safe, small, and named by the digest of its bytes."""

    kind: str  # "image/webp", "image/svg+xml"
    data: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Opened:
    tenant: Tenant
    shop: Shop
    owner: Staff
    location: Location


def refuse_bad_name(slug: str) -> None:
    """Raise BadName unless a new shop may be called `slug`."""
    if not hosts.is_label(slug):
        raise BadName("form", slug)
    if slug in hosts.RESERVED:
        raise BadName("reserved", slug)
    if Domain.objects.filter(pk=slug).exists():
        raise BadName("taken", slug)


@contextmanager
def opening(
    slug: str,
    *,
    name: str,
    email: str,
    owner_name: str,
    country: str,
    at: dt.datetime,
    zone: str = "",
    language: str = "en",
    colour: str = "#5b2a4e",
    icon: str = "cup",
    greeting: str = "",
    location: str = "",
    pin: str = "",
    plan: str = limits.DEFAULT_PLAN,
    logo: Picture | None = None,
) -> Iterator[Opened]:
    """Open a tenant and stay inside it: what the body adds commits with it, or nothing does.

    `country` is ISO 3166-1 and gives currency and zone; `pin` is the owner's at the till, if she
    stands there; `plan` one of limits.PLANS. Raises BadPin and BadName; two who ask for one slug
    at once are told apart by the primary key of Domain, and the second gets BadName("taken").
    """
    refuse_bad_name(slug)
    place = Country.objects.get(pk=country)
    if not Language.objects.filter(pk=language).exists():
        raise ValueError(f"no language {language!r}")
    by = Actor.command("open_shop")
    tenant = Tenant(
        id=uuid7(),
        slug=slug,
        country=place,
        currency_id=place.currency_id,
        zone=zone or place.zone,
        plan=plan,
    )
    with inside(tenant), transaction.atomic():
        _claim(tenant)
        shop = Shop.objects.create(
            name=name,
            greeting=greeting,
            colour=colour,
            icon=icon,
            language_id=language,
            languages=sorted({language, "en", "ar", "bn"}, key=lambda code: code != language),
            logo=logo.digest if logo else "",
        )
        if logo:
            Logo.objects.create(kind=logo.kind, digest=logo.digest, data=logo.data)
        first = Location.objects.create(name=location or name)
        owner = employ(
            owner_name, Staff.Role.OWNER, user=user_with(email, owner_name), at=at, by=by
        )
        if pin:
            set_pin(owner, pin)
        write(by, "shop.opened", tenant.pk, at=at, after={"slug": slug, "country": country})
        yield Opened(tenant, shop, owner, first)
        # Whoever asked for the name a moment ago was told that nobody has it.
        transaction.on_commit(hosts.directory.forget)
    hosts.directory.forget()


def _claim(tenant: Tenant) -> None:
    """Take the name. ON CONFLICT DO NOTHING, so that losing a race is an answer and not a dead
    transaction.
    """
    tenant.save(force_insert=True)
    Domain.objects.bulk_create([Domain(name=tenant.slug, tenant=tenant)], ignore_conflicts=True)
    if not Domain.objects.filter(pk=tenant.slug, tenant=tenant).exists():
        raise BadName("taken", tenant.slug)
