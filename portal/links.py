"""Ways into a shop: one-time links, each good for a day. Made here, and opened here."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from tenants import guesses, hosts, secrets
from tenants.context import inside
from tenants.guesses import LINK
from tenants.logs import place
from tenants.models import Location, Staff, Tenant

LIVE = dt.timedelta(days=1)
HAND_OVER_FOR = dt.timedelta(seconds=60)


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


def across(tenant: Tenant, user: UUID, *, at: dt.datetime) -> str:
    """Signs a person, who proved elsewhere who she is, in at `tenant`: good once, for a minute."""
    with inside(tenant):
        secret = secrets.mint(secrets.HAND_OVER, user, HAND_OVER_FOR, at=at)
    return hosts.url_of(tenant, f"/accounts/arrive/{secret}/")


def opened(
    request: HttpRequest, purpose: str, secret: str, *, at: dt.datetime, use: bool | None = None
) -> UUID | None:
    """Whom a link is for; None if it is used up, too old or never was one. Looking at it leaves it
    whole, only POST uses it up; `use` says otherwise.

    One that never was is a guess of the client's network; after some, TooManyGuesses is raised.
    """
    network = place().address
    guesses.check(LINK, network, at=at)
    uses = request.method == "POST" if use is None else use
    take = secrets.use if uses else secrets.peek
    subject = take(purpose, secret, at=at)
    if subject is None and not secrets.was_minted(purpose, secret):
        guesses.wrong(LINK, network, at=at)
    return subject


def _link(tenant: Tenant, purpose: str, subject: UUID, name: str, at: dt.datetime) -> str:
    secret = secrets.mint(purpose, subject, LIVE, at=at)
    return hosts.url_of(tenant, reverse(name, args=[secret]))
