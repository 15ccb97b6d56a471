"""Codes sent to customers, and what it costs to guess at them.

Each is good for one browser: it opens nothing without the secret that this one keeps.
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction

from loyalty import claims
from loyalty.models import Identifier
from portal import letters
from tenants import guesses, secrets
from tenants.logs import place
from tenants.models import OneTimeSecret

BACK, LEAVE = "card-back", "card-leave"


def can_reach(kind: str) -> bool:
    """Can a code be sent to a phone, or an address, here?"""
    return kind == Identifier.Kind.EMAIL or letters.can_text()


def refuse_flood(value: str, *, at: dt.datetime) -> None:
    """Count a letter to this phone or address; raises TooManyGuesses where it got too many. Not
    within a transaction.

    Only one that got more than what is free counts for the network too: a shop's own is that of all
    its guests, and each of them gets a letter when she takes a card.
    """
    network = place().address
    guesses.check(guesses.LETTER_FROM, network, at=at)
    if guesses.take(guesses.LETTER, value, at=at):
        guesses.wrong(guesses.LETTER_FROM, network, at=at)


def send(kind: str, value: str, letter: str, code: str, *, at: dt.datetime) -> None:
    """Write the letter with the code, which is sent after the commit."""
    channel = letters.Channel.TEXT if kind == Identifier.Kind.PHONE else letters.Channel.MAIL
    minutes = claims.CODE_FOR.seconds // 60
    letters.write(letter, value, {"code": code, "minutes": minutes}, at=at, channel=channel)


def mint(purpose: str, subject: UUID, browser: str, *, at: dt.datetime) -> str:
    """A code that says in `browser`, which keeps that secret, who `subject` is."""
    code = claims.random_code()
    OneTimeSecret.objects.create(
        purpose=purpose,
        subject=subject,
        hash=secrets.fingerprint(f"{browser}:{code}"),
        expires_at=at + claims.CODE_FOR,
    )
    return code


def use(purpose: str, browser: str, code: str, *, at: dt.datetime) -> UUID | None:
    """Use such a code up, and say whom it is for; None for a wrong one."""
    return secrets.use(purpose, f"{browser}:{code}", at=at)


def was_used(purpose: str, browser: str, code: str, *, since: dt.datetime) -> bool:
    """Whether such a code has been used up since then, in this browser."""
    return secrets.was_used(purpose, f"{browser}:{code}", since=since)


def refuse_guesses(value: str, *, at: dt.datetime) -> None:
    """Raises TooManyGuesses while this phone or address, or this network, has to wait."""
    guesses.check(guesses.CODE, value, at=at)
    guesses.check(guesses.CODE_FROM, place().address, at=at)


def was_wrong(value: str, *, at: dt.datetime) -> None:
    guesses.wrong(guesses.CODE, value, at=at)
    guesses.wrong(guesses.CODE_FROM, place().address, at=at)


def was_right(value: str) -> None:
    with transaction.atomic():
        guesses.right(guesses.CODE, value)
        guesses.right(guesses.LETTER, value)
