"""Secret keys of the API: made, shown once, found again by their hash, retired.

A key has 160 random bits, so a fast hash keeps it and no count of guesses is needed.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Q

from tenants.actors import Actor
from tenants.models import ApiKey
from tenants.secrets import fingerprint
from tenants.trace import write

BEGINS = "sk_live_"
SHOWN = 12  # characters of a secret that a list shows
LONGEST_NAME = 80
NOTED_EVERY = dt.timedelta(minutes=1)  # that a key is in use

# What a token may: see docs/api.md.
SCOPES = (
    "member:read",
    "member:write",
    "purchase:write",
    "reward:redeem",
    "points:adjust",
    "program:read",
)
# What a member's own token may, in a browser on somebody's site.
MEMBER_SCOPES = frozenset({"member:read", "program:read"})
_HOST = re.compile(r"[a-z0-9.-]{1,253}(?::[0-9]{1,5})?", re.ASCII)


class BadKey(Exception):
    """A key cannot be made so. `field` is "name", "scopes" or "origins"."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


def make(
    name: str, scopes: Collection[str], origins: Collection[str], *, at: dt.datetime, by: Actor
) -> tuple[ApiKey, str]:
    """A new key and its secret, which is told now and never again.

    `origins` are the sites ("https://shop.example") whose browsers may use the tokens of its
    members. A second call makes another key. Raises BadKey.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadKey("name", f"Give it a name of at most {LONGEST_NAME} characters.")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise BadKey("scopes", f"Choose among {', '.join(SCOPES)}.")
    sites = [origin_of(each) for each in dict.fromkeys(origins)]
    secret = BEGINS + secrets.token_hex(20)
    with transaction.atomic():
        key: ApiKey = ApiKey.objects.create(
            name=name,
            prefix=secret[:SHOWN],
            hash=fingerprint(secret),
            scopes=[scope for scope in SCOPES if scope in scopes],
            origins=sites,
            made_at=at,
            made_by=by.who,
        )
        write(by, "key.made", key.pk, at=at, after={"scopes": key.scopes, "origins": sites})
    return key, secret


def find(secret: str, *, at: dt.datetime) -> ApiKey | None:
    """The key with this secret, unless it was retired. Notes that it is in use, once a minute."""
    if not secret.startswith(BEGINS):
        return None
    key: ApiKey | None = ApiKey.objects.filter(hash=fingerprint(secret)).first()
    if key is None:
        return None
    stale = Q(last_used__isnull=True) | Q(last_used__lte=at - NOTED_EVERY)
    if key.last_used is None or key.last_used <= at - NOTED_EVERY:
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used=at)
        key.last_used = at
    return key


def living() -> Iterable[ApiKey]:
    """The keys that open something, the newest first."""
    found: Iterable[ApiKey] = ApiKey.objects.order_by("-id")
    return found


def retire(key: ApiKey, *, at: dt.datetime, by: Actor) -> ApiKey:
    """Put a key out of use, and with it every token that it was exchanged for. Twice is once."""
    with transaction.atomic():
        if key.is_active:
            key.retire(at=at, by=by.who)
            write(by, "key.retired", key.pk, at=at)
    return key


def serves(origin: str) -> bool:
    """May a browser on this site use tokens of any key of the shop? One statement."""
    return (
        len(origin) <= LONGEST_ORIGIN and ApiKey.objects.filter(origins__contains=[origin]).exists()
    )


LONGEST_ORIGIN = 270


def origin_of(text: str) -> str:
    """A site as a browser names it ("https://shop.example:8443"). Plain http only on this machine.

    Raises BadKey.
    """
    try:
        parts = urlsplit(text.strip().lower())
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    local = host in ("localhost", "127.0.0.1") or host.endswith(".localhost")
    is_plain = parts.path in ("", "/") and not (parts.query or parts.fragment)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and local)
    if not (is_plain and is_safe and host and _HOST.fullmatch(parts.netloc)):
        raise BadKey("origins", "An origin is written as https://shop.example, without a path.")
    return f"{parts.scheme}://{parts.netloc}"
