"""Ways into a shop for whoever runs the server: one-time links, each good for a day."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.urls import reverse

from tenants import hosts, secrets
from tenants.models import Location, Staff, Tenant

LIVE = dt.timedelta(days=1)


def to_the_portal(tenant: Tenant, *, at: dt.datetime) -> str:
    """Signs the owner in. Inside the tenant, like the others."""
    owner = Staff.objects.filter(role=Staff.Role.OWNER).exclude(user=None).order_by("id")[:1].get()
    return _link(tenant, secrets.SIGN_IN, owner.user_id, "account_link", at)


def to_the_till(tenant: Tenant, *, at: dt.datetime) -> str:
    """Pairs a tablet at the shop's first location."""
    location = Location.objects.order_by("id")[:1].get()
    return _link(tenant, secrets.PAIR, location.pk, "till:pair", at)


def to_a_card(tenant: Tenant, member: UUID, *, at: dt.datetime) -> str:
    """Brings a member's card onto a phone."""
    return _link(tenant, secrets.CARD, member, "card:link", at)


def _link(tenant: Tenant, purpose: str, subject: UUID, name: str, at: dt.datetime) -> str:
    secret = secrets.mint(purpose, subject, LIVE, at=at)
    return hosts.url_of(tenant, reverse(name, args=[secret]))
