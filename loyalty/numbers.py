"""Numbers as people write them: digits of three scripts, phones, amounts, card codes, names to
search by.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from decimal import Decimal, InvalidOperation

import phonenumbers

DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹০১২৩৪৫৬৭৮৯", "012345678901234567890123456789")
DECIMAL_MARKS = str.maketrans("\u066b,", "..")
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: read aloud and typed without doubt
LOOKALIKES = str.maketrans("ILO", "110")
CODE_LENGTH = 12
AMOUNT = re.compile(r"\d{1,12}(?:\.\d{1,6})?", re.ASCII)
LONGEST = 200  # characters of anything we read
MOST = 10**12  # minor units in one sale; ten thousand millions is no sale of a small shop


def latin(text: str) -> str:
    """The text with Arabic-Indic, Persian and Bengali digits as 0-9."""
    return text.translate(DIGITS)


def digits(text: str) -> str:
    """Only the digits of a text, as 0-9."""
    return "".join(c for c in latin(text) if c.isascii() and c.isdigit())


def dialled(text: str) -> str:
    """The digits of what may be a phone or a part of one, as 0-9; "" where a letter stands in it.

    Of a card's code, "BMQV1F5K0JFE", the digits 150 are nobody's phone.
    """
    return "" if any(c.isalpha() for c in text) else digits(text)


def phone(text: str, country: str) -> str | None:
    """E.164 ("+971501234567") of a phone as written in `country`, or None if it is none.

    Whether it is, is told by the country's numbering plan: a mobile number with one digit too few
    looks possible, because some landline has as many.
    """
    if len(text) > LONGEST:
        return None
    try:
        number = phonenumbers.parse(latin(text), country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_landline(phone: str) -> bool:
    """Whether no message can reach this phone, in E.164: it is on a wall."""
    kind = phonenumbers.number_type(phonenumbers.parse(phone))
    return bool(kind == phonenumbers.PhoneNumberType.FIXED_LINE)


def email(text: str) -> str | None:
    """An address in the form we compare by, or None if it cannot be one."""
    found = unicodedata.normalize("NFC", text.strip()).lower()
    name, at, host = found.rpartition("@")
    if (
        not name
        or not at
        or "." not in host
        or len(found) > LONGEST
        or any(c.isspace() for c in found)
    ):
        return None
    return found


def minor_units(text: str, decimals: int) -> int | None:
    """An amount as typed ("24.50", "24,5", in any of the three scripts) in minor units, or None.

    Comma, point and the Arabic decimal mark are one; exponents, signs and more decimals than the
    currency has are refused rather than guessed at.
    """
    found = latin(text.strip()).translate(DECIMAL_MARKS)
    if not AMOUNT.fullmatch(found):
        return None
    try:
        scaled = Decimal(found).scaleb(decimals)
    except InvalidOperation:
        return None
    if scaled != scaled.to_integral_value() or scaled >= MOST:
        return None
    return int(scaled)


def new_code() -> str:
    """A member's card code: 11 random Crockford characters (55 bits) and one that checks them."""
    body = "".join(secrets.choice(CROCKFORD) for _ in range(CODE_LENGTH - 1))
    return body + _check(body)


def read_code(text: str) -> str | None:
    """The card code in what was typed or scanned (any case, spaces, hyphens, look-alikes), or
    None.
    """
    found = re.sub(r"[\s-]", "", latin(text)).upper().translate(LOOKALIKES)
    if len(found) != CODE_LENGTH or any(c not in CROCKFORD for c in found):
        return None
    return found if _check(found[:-1]) == found[-1] else None


def _check(body: str) -> str:
    """Luhn's algorithm modulo 32 (ISO/IEC 7812-1, Annex B, on another alphabet): finds every wrong
    character.
    """
    total = 0
    for place, character in enumerate(reversed(body)):
        value = CROCKFORD.index(character) * (2 if place % 2 == 0 else 1)
        total += value // 32 + value % 32
    return CROCKFORD[-total % 32]


def fold(name: str) -> str:
    """A name as it is searched: without case, accents and doubled blanks ("Émile  Zola" → "emile
    zola").
    """
    plain = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
