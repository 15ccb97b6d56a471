"""Guessing is dear: each wrong try at a door makes its subject wait, longer and longer.

The counts are rows, because a counter in a cache can be lost and then the door stands open. A row
knows its subject, an address or a network, only as a hash keyed with the server's key.

    guesses.check(LINK, network, at=now)      # raises TooManyGuesses
    …                                         # look whether it is right
    guesses.wrong(LINK, network, at=now)      # or guesses.right(…)
"""

from __future__ import annotations

import datetime as dt
import hmac
import math

from django.conf import settings
from django.db import transaction

from tenants.context import tenant_id
from tenants.models import Guess

LINK = "link"  # one-time links, by the client's network
LOGIN = "login"  # passwords and codes, by the address that is to sign in
LOGIN_FROM = "login-from"  # the same, by the client's network

# So many wrong tries go by, then that one and each further one cost a wait, in seconds; the last
# stays. A network is many people: a shop's own guests, or a street of one phone company.
FREE = {LINK: 30, LOGIN: 5, LOGIN_FROM: 20}
WAITS = (15, 30, 60, 120, 240, 480, 900)
FORGOTTEN_AFTER = dt.timedelta(days=1)  # without a wrong try


class TooManyGuesses(Exception):
    """Nobody may try here for so many seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__("too many guesses")
        self.wait = wait


def check(door: str, subject: str, *, at: dt.datetime) -> None:
    """Raise TooManyGuesses while this subject has to wait. Counts nothing."""
    row = Guess.objects.filter(door=door, subject=_hash(door, subject)).first()
    if row:
        _refuse_waiting(row, at)


def wrong(door: str, subject: str, *, at: dt.datetime) -> None:
    """Count a wrong try. Tries at once are counted one by one.

    A transaction of its own, so that the count outlives whatever its request undoes.
    """
    with transaction.atomic(durable=True):
        _count(_locked(door, subject, at), at)


def take(door: str, subject: str, *, at: dt.datetime) -> None:
    """Check, and count a try before it is made; `right` takes that back.

    For what many can try at once: of a hundred tries in the same moment no more than FREE are made.
    """
    with transaction.atomic(durable=True):
        row = _locked(door, subject, at)
        _refuse_waiting(row, at)
        _count(row, at)


def right(door: str, subject: str) -> None:
    """Forget what was wrong before. Never for a network: one who gets in would free all others."""
    rows = Guess.objects.filter(door=door, subject=_hash(door, subject))
    rows.update(wrong=0, wait_until=None)


def forget_old(at: dt.datetime) -> int:
    """Delete the counts that nobody has added to for a day; says how many. For a nightly job."""
    deleted, _ = Guess.objects.filter(since__lt=at - FORGOTTEN_AFTER).delete()
    return deleted


def _locked(door: str, subject: str, at: dt.datetime) -> Guess:
    """The subject's row, made if need be; until the end of the transaction nobody else has it."""
    name = {"door": door, "subject": _hash(door, subject)}
    rows = Guess.objects.select_for_update()
    row = rows.filter(**name).first()
    if row is None:
        Guess.objects.bulk_create([Guess(**name, since=at)], ignore_conflicts=True)
        row = rows.get(**name)
    if at - row.since > FORGOTTEN_AFTER:
        row.wrong, row.wait_until = 0, None
    return row


def _count(row: Guess, at: dt.datetime) -> None:
    row.wrong, row.since = row.wrong + 1, at
    beyond = row.wrong - FREE[row.door]
    if beyond >= 0:
        wait = WAITS[min(beyond, len(WAITS) - 1)]
        row.wait_until = at + dt.timedelta(seconds=wait)
    row.save(update_fields=["wrong", "since", "wait_until"])


def _refuse_waiting(row: Guess, at: dt.datetime) -> None:
    if row.wait_until and at < row.wait_until:
        raise TooManyGuesses(math.ceil((row.wait_until - at).total_seconds()))


def _hash(door: str, subject: str) -> str:
    """Of no use without the server's key, and different in each shop."""
    text = f"guess:{tenant_id()}:{door}:{subject}".encode("utf-8", "surrogatepass")
    return hmac.digest(settings.SECRET_KEY.encode(), text, "sha256").hex()
