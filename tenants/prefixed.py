"""Ids as the API spells them: what a thing is, then its UUID in 26 letters that sort as it does.

mem_01h455vb4pex5vsknk084sn02q
"""

from __future__ import annotations

import re
from uuid import UUID

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
LENGTH = 26
PATTERN = "[0-7][0-9a-hjkmnp-tv-z]{25}"
_SPELLED = re.compile(PATTERN, re.ASCII)


def spell(prefix: str, key: UUID) -> str:
    """`mem_…` of a member's UUID."""
    left, letters = key.int, ""
    for _ in range(LENGTH):
        left, digit = divmod(left, 32)
        letters = ALPHABET[digit] + letters
    return f"{prefix}_{letters}"


def read(prefix: str, text: str) -> UUID | None:
    """The UUID that is spelled so, or None. Each has one spelling."""
    kind, _, letters = text.rpartition("_")
    if kind != prefix or not _SPELLED.fullmatch(letters):
        return None
    number = 0
    for letter in letters:
        number = number * 32 + ALPHABET.index(letter)
    return UUID(int=number)
