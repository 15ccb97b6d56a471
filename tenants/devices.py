"""Tablets: paired once with the owner's code or link, then known by a cookie that is revocable."""

from __future__ import annotations

import datetime as dt
from secrets import token_urlsafe

from django.db import transaction

from tenants import secrets
from tenants.actors import Actor
from tenants.models import Device, Location, OneTimeSecret
from tenants.secrets import fingerprint
from tenants.trace import write

SEEN_EVERY = dt.timedelta(minutes=1)
CODE_LIVES = dt.timedelta(minutes=10)
CODE_LENGTH = 8


def offer_code(location: Location, *, at: dt.datetime) -> str:
    """A new code that pairs one tablet at `location`, typed or scanned, within ten minutes.

    Who tries codes is counted by her network (tenants.guesses): eight characters are 40 bits.
    """
    return secrets.mint(secrets.PAIR, location.pk, CODE_LIVES, at=at, code=CODE_LENGTH)


def read_code(text: str) -> str:
    """What a tablet was told, as it was offered: a typed code in its one spelling, a link's secret
    as it is.
    """
    typed = secrets.read_code(text)
    return typed if len(typed) == CODE_LENGTH else text


def pair_by(
    secret: str, name: str, location: Location, *, at: dt.datetime, before: Device | None = None
) -> tuple[Device, str]:
    """Pair with a code or link that was just used up; `paired_by` then finds the device. What the
    same browser was `before` ends: nobody could come back to it.
    """
    with transaction.atomic():
        device, token = pair(name, location, at=at)
        rows = OneTimeSecret.objects.filter(purpose=secrets.PAIR, hash=fingerprint(secret))
        rows.update(subject=device.pk)
        if before:
            _end(before, at=at, by=f"device:{device.pk}")
    return device, token


def paired_by(code: str) -> Device | None:
    """The device that was paired with this code; None while it was not used."""
    rows = OneTimeSecret.objects.filter(purpose=secrets.PAIR, hash=fingerprint(code))
    subject = rows.exclude(used_at=None).values_list("subject", flat=True).first()
    device: Device | None = Device.objects.filter(pk=subject).first() if subject else None
    return device


def pair(name: str, location: Location, *, at: dt.datetime) -> tuple[Device, str]:
    """A new device at `location`, and the token for its cookie (256 bit, told only now)."""
    token = token_urlsafe(32)
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
    _end(device, at=at, by=by.who)


def all_paired() -> list[Device]:
    """The living devices with their locations, the one seen last first."""
    rows = Device.objects.select_related("location").order_by("-last_seen", "pk")
    return list(rows)


def rename(device: Device, name: str, *, at: dt.datetime, by: Actor) -> None:
    """Call a device something else. The same name again changes nothing."""
    if device.name != name:
        before, device.name = device.name, name
        with transaction.atomic():
            device.save(update_fields=["name"])
            write(
                by,
                "device.renamed",
                device.pk,
                at=at,
                before={"name": before},
                after={"name": name},
            )


def _end(device: Device, *, at: dt.datetime, by: str) -> None:
    if device.is_active:
        device.retire(at=at, by=by)
        write(by, "device.revoked", device.pk, at=at)
