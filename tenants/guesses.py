"""Guessing is dear: each wrong try at a door makes its subject wait, longer and longer.

The counts are rows, because a counter in a cache can be lost and then the door stands open. A row
knows its subject, an address or a network, only as a hash keyed with the server's key. Outside
every shop, on the apex, the rows are the house's own (SiteGuess).

    guesses.check(LINK, network, at=now)      # raises TooManyGuesses
    …                                         # look whether it is right
    guesses.wrong(LINK, network, at=now)      # or guesses.right(…)

A network is many people, of whom most guess nothing and ask for one letter: what it did is forgiven
one by one as time goes by. What is counted of a person or an address stands until she gets in.
"""

from __future__ import annotations

import datetime as dt
import hmac
import math
from typing import Any

from django.conf import settings
from django.db import transaction

from tenants.context import current, tenant_id
from tenants.models import Guess, SiteGuess

LINK = "link"  # one-time links, by the client's network
LOGIN = "login"  # passwords and codes, by the address that is to sign in
LOGIN_FROM = "login-from"  # the same, by the client's network
SECOND = "second"  # the second proof of who one is, by the person
PROOF = "proof"  # the digits on a customer's screen, by her card
LETTER = "letter"  # letters and texts that anybody may ask for, by where they go
LETTER_FROM = "letter-from"  # the same, by the client's network
CODE = "code"  # codes sent to a customer, by her phone or address
CODE_FROM = "code-from"  # codes that were typed, by the client's network
ASKED = "asked"  # letters that the colleagues of a shop ask for, all of them together

# So many wrong tries go by, then that one and each further one cost a wait, in seconds; the last
# stays. A network is many people: a shop's own guests, or a street of one phone company.
FREE = {
    LINK: 30,
    LOGIN: 5,
    LOGIN_FROM: 20,
    SECOND: 5,
    PROOF: 5,
    LETTER: 5,
    LETTER_FROM: 20,
    CODE: 6,
    CODE_FROM: 20,
    ASKED: 60,
}
WAITS = (15, 30, 60, 120, 240, 480, 900)
# Anybody can ask for letters to her address and type wrong codes for it, and while it waits she is
# kept out too. So an address waits for minutes; for longer waits whose network it was.
OWN_WAITS = {
    LETTER: (60, 300),
    LOGIN: (*WAITS[:5], 300),
    CODE: (*WAITS[:5], 300),
}
FORGOTTEN_AFTER = dt.timedelta(days=1)  # without a wrong try
# Where one try is forgiven for each so much that goes by: who tries without end gets no more of
# them than the longest wait lets through.
FORGIVING = frozenset({LINK, LOGIN_FROM, LETTER_FROM, CODE_FROM, ASKED})
FORGIVEN_EACH = dt.timedelta(seconds=WAITS[-1])


class TooManyGuesses(Exception):
    """Nobody may try here for so many seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__("too many guesses")
        self.wait = wait


def check(door: str, subject: str, *, at: dt.datetime) -> None:
    """Raise TooManyGuesses while this subject has to wait. Counts nothing."""
    row = _rows().filter(door=door, subject=_hash(door, subject)).first()
    if row:
        _refuse_waiting(row, at)


def wrong(door: str, subject: str, *, at: dt.datetime) -> None:
    """Count a wrong try. Tries at once are counted one by one.

    A transaction of its own, so that the count outlives whatever its request undoes.
    """
    with transaction.atomic(durable=True):
        _count(_locked(door, subject, at), at)


def take(door: str, subject: str, *, at: dt.datetime) -> int:
    """Check, and count a try before it is made; `right` takes that back. Says how many seconds the
    next one has to wait, 0 while they are free.

    For what many can try at once: of a hundred tries in the same moment no more than FREE are made.
    """
    with transaction.atomic(durable=True):
        row = _locked(door, subject, at)
        _refuse_waiting(row, at)
        return _count(row, at)


def right(door: str, subject: str) -> None:
    """Forget what was wrong before. Never for a network: one who gets in would free all others."""
    rows = _rows().filter(door=door, subject=_hash(door, subject))
    rows.update(wrong=0, wait_until=None)


def forget_old(at: dt.datetime) -> int:
    """Delete the counts that nobody has added to for a day; says how many. For a nightly job."""
    deleted, _ = Guess.objects.filter(since__lt=at - FORGOTTEN_AFTER).delete()
    return deleted


def _rows() -> Any:
    """The shop's that we are inside, or the house's."""
    return SiteGuess.objects.all() if current() is None else Guess.objects.all()


def _locked(door: str, subject: str, at: dt.datetime) -> Guess | SiteGuess:
    """The subject's row, made if need be; until the end of the transaction nobody else has it."""
    name = {"door": door, "subject": _hash(door, subject)}
    rows = _rows().select_for_update()
    row: Guess | SiteGuess | None = rows.filter(**name).first()
    if row is None:
        rows.bulk_create([rows.model(**name, since=at)], ignore_conflicts=True)
        row = rows.get(**name)
    _forgive(row, at)
    return row


def _forgive(row: Guess | SiteGuess, at: dt.datetime) -> None:
    """What lies far enough back counts no more. `since` is the last try; where tries are forgiven
    one by one, the time from which the next quarter of an hour runs.
    """
    passed = at - row.since
    if passed > FORGOTTEN_AFTER:
        row.wrong, row.wait_until = 0, None
    elif row.door in FORGIVING and passed >= FORGIVEN_EACH:
        row.wrong = max(0, row.wrong - passed // FORGIVEN_EACH)
        row.since = at - passed % FORGIVEN_EACH


def _count(row: Guess | SiteGuess, at: dt.datetime) -> int:
    if row.wrong == 0 or row.door not in FORGIVING:
        row.since = at
    row.wrong += 1
    beyond, wait = row.wrong - FREE[row.door], 0
    if beyond >= 0:
        waits = OWN_WAITS.get(row.door, WAITS)
        wait = waits[min(beyond, len(waits) - 1)]
        row.wait_until = at + dt.timedelta(seconds=wait)
    row.save(update_fields=["wrong", "since", "wait_until"])
    return wait


def _refuse_waiting(row: Guess | SiteGuess, at: dt.datetime) -> None:
    if row.wait_until and at < row.wait_until:
        raise TooManyGuesses(math.ceil((row.wait_until - at).total_seconds()))


def _hash(door: str, subject: str) -> str:
    """Of no use without the server's key, and different in each shop."""
    whose = "house" if current() is None else tenant_id()
    text = f"guess:{whose}:{door}:{subject}".encode("utf-8", "surrogatepass")
    return hmac.digest(settings.SECRET_KEY.encode(), text, "sha256").hex()
