"""Single-use secrets: links that sign in, pair a tablet or open a card.

128 bits from the system's generator, so they cannot be guessed (who tries is held back all the
same: tenants.guesses). Only their SHA-256 is kept; a slow hash protects weak secrets.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from uuid import UUID

from django.db.models import Q, QuerySet

from tenants.models import OneTimeSecret

SIGN_IN, PAIR, CARD = "sign-in", "pair", "card"
INVITE, HAND_OVER = "invite", "hand-over"

# What people read aloud or type: Crockford's base 32, without letters that look like digits.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LOOK_ALIKES = str.maketrans("OIL", "011")


def fingerprint(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def new_code(length: int) -> str:
    """So many characters of ALPHABET, 5 bits each."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def read_code(text: str) -> str:
    """A code as somebody typed it: case, spaces and dashes count for nothing; O is 0, I and L
    are 1.
    """
    plain = "".join(text.split()).replace("-", "").upper()
    return plain.translate(LOOK_ALIKES)


def mint(
    purpose: str, subject: UUID, lifetime: dt.timedelta, *, at: dt.datetime, code: int = 0
) -> str:
    """A new secret for `subject` (a user, a location, a member); each call makes another.

    `code` makes it one of so many characters to be typed, which must be guarded by guesses.
    """
    secret = new_code(code) if code else secrets.token_urlsafe(16)
    OneTimeSecret.objects.create(
        purpose=purpose, subject=subject, hash=fingerprint(secret), expires_at=at + lifetime
    )
    return secret


def peek(purpose: str, secret: str, *, at: dt.datetime) -> UUID | None:
    """Whom a secret is for, without using it up; None if it is unknown, used or too old."""
    row = _valid(purpose, secret, at).first()
    return row.subject if row else None


def use(purpose: str, secret: str, *, at: dt.datetime) -> UUID | None:
    """Use a secret up and say whom it is for; None the second time.

    One statement asks and takes, so of two browsers with the same link one gets in.
    """
    subject = peek(purpose, secret, at=at)
    if subject and _valid(purpose, secret, at).update(used_at=at):
        return subject
    return None


def was_used(purpose: str, secret: str, *, since: dt.datetime) -> bool:
    """Whether this secret has been used up since then. One statement."""
    used = OneTimeSecret.objects.filter(purpose=purpose, hash=fingerprint(secret))
    return used.filter(used_at__gt=since).exists()


def was_minted(purpose: str, secret: str) -> bool:
    """Whether this was ever a secret of ours, used or not, until `forget_old` forgets it."""
    return OneTimeSecret.objects.filter(purpose=purpose, hash=fingerprint(secret)).exists()


def forget_old(at: dt.datetime) -> int:
    """Delete the secrets that open nothing any more, used or too old; returns how many."""
    gone, _ = OneTimeSecret.objects.filter(
        Q(expires_at__lte=at) | Q(used_at__isnull=False)
    ).delete()
    return gone


def _valid(purpose: str, secret: str, at: dt.datetime) -> QuerySet[OneTimeSecret]:
    return OneTimeSecret.objects.filter(
        purpose=purpose, hash=fingerprint(secret), used_at=None, expires_at__gt=at
    )
