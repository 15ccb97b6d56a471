"""The shop opens, with a letter that says so; and the way from the apex to its own host."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from loyalty.opening import open_signed_up
from portal import letters, links
from tenants import hosts
from tenants.context import inside
from tenants.models import Seat, SignUp, Tenant, User


def open_shop(signup: SignUp, *, at: dt.datetime) -> Tenant:
    """Open it and write to its owner; the second time it is open already. Raises BadName and
    Unfinished.
    """
    with transaction.atomic():
        tenant, made = open_signed_up(signup, at=at)
        if made:
            with inside(tenant):
                told = {
                    "name": made.opened.owner.name,
                    "manage": hosts.url_of(tenant, "/manage/"),
                    "poster": hosts.url_of(tenant, "/manage/poster/"),
                    "pair": hosts.url_of(tenant, "/manage/devices/pair/"),
                }
                letters.write("welcome", signup.email, told, at=at, language=signup.language)
    return tenant


def way_in(tenant: Tenant, signup: SignUp, *, at: dt.datetime) -> str:
    """The owner's link onto her host, good once and for a minute; "" if she has no seat there."""
    address = User.objects.normalize_email(signup.email).lower()
    owner = User.objects.filter(email=address).first()
    if owner is None or not Seat.objects.filter(user=owner, tenant_id=tenant.pk).exists():
        return ""
    return links.across(tenant, owner.pk, at=at)
