"""Codes of vouchers: easy to read aloud, and found however they are typed."""

from __future__ import annotations

import re
import secrets

from loyalty.numbers import CROCKFORD, LOOKALIKES, latin

LENGTH = 8  # 40 bits: nobody guesses one, and who tries is made to wait at the door
LONGEST = 40


def new_code() -> str:
    """Eight characters, none of which looks like another, in two groups: "7KQ2-M9XA"."""
    signs = [secrets.choice(CROCKFORD) for _ in range(LENGTH)]
    return f"{''.join(signs[:4])}-{''.join(signs[4:])}"


def code_key(text: str) -> str:
    """A code as it is compared: without case, blanks and hyphens, look-alikes as one, digits of
    any script. "" where nothing of it can be a code.
    """
    signs = re.sub(r"[^\w]|_", "", latin(text)).upper().translate(LOOKALIKES)
    return signs if len(signs) <= LONGEST else ""
