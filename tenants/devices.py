"""Tablets: paired once by the owner's link, then known by a cookie that can be revoked."""

from __future__ import annotations

import datetime as dt
import secrets

from tenants.actors import Actor
from tenants.models import Device, Location
from tenants.secrets import fingerprint
from tenants.trace import write

SEEN_EVERY = dt.timedelta(minutes=1)


def pair(name: str, location: Location, *, at: dt.datetime) -> tuple[Device, str]:
    """A new device at `location`, and the token for its cookie (256 bit, told only now)."""
    token = secrets.token_urlsafe(32)
    device = Device.objects.create(
        location=location, name=name, token_hash=fingerprint(token), last_seen=at
    )
    write(f"device:{device.pk}", "device.paired", device.pk, at=at, after={"name": name})
    return device, token


def find(token: str, *, at: dt.datetime) -> Device | None:
    """The living device with this token. Notes that it was seen, at most once a minute."""
    device: Device | None = (
        Device.objects.select_related("location").filter(token_hash=fingerprint(token)).first()
    )
    if device and (device.last_seen is None or at - device.last_seen > SEEN_EVERY):
        Device.objects.filter(pk=device.pk).update(last_seen=at)
    return device


def revoke(device: Device, *, at: dt.datetime, by: Actor) -> None:
    """Turn a device away from its next request on. Revoking twice changes nothing."""
    if device.is_active:
        device.retire(at=at, by=by.who)
        write(by, "device.revoked", device.pk, at=at)
