"""Letters that colleagues have sent: counted by where they go, and for the shop."""

from __future__ import annotations

import datetime as dt

from tenants import guesses
from tenants.guesses import ASKED, LETTER

ALL = ""  # of one shop there is one count


def refuse_flood(to: str, *, at: dt.datetime) -> None:
    """Count a letter or text to this address or phone; raises TooManyGuesses where it, or the shop,
    has had too many. Not within a transaction.
    """
    guesses.check(ASKED, ALL, at=at)
    guesses.take(LETTER, to, at=at)
    guesses.take(ASKED, ALL, at=at)
