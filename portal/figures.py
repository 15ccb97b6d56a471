"""Figures as people read them, in the page's language: numbers, points, money."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Protocol

from babel import Locale
from babel.numbers import format_currency, format_decimal
from django.utils.translation import get_language, get_language_bidi, gettext, ngettext

from tenants import shops
from tenants.context import current

MONEY = "money"  # the unit of a program whose points are minor units
MINUS = "\u2212"  # as wide as the plus
NATIVE_DIGITS = {
    "ar": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"),
    "bn": str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯"),
}
# Only between digits: the points of a currency's sign (د.إ.) stay what they are.
NATIVE_MARKS = {"ar": str.maketrans(".,", "\u066b\u066c")}
BETWEEN_DIGITS = re.compile(r"(?<=[0-9])[.,](?=[0-9])")


class HasUnit(Protocol):
    """A program, as seen from here: what its points are called, by language and plural form."""

    @property
    def unit(self) -> str: ...

    @property
    def unit_words(self) -> dict[str, list[str]]: ...


# The plural forms of a language in the order in which a shop writes them down (CLDR).
PLURALS = {"ar": ("zero", "one", "two", "few", "many", "other")}


def _language() -> str:
    return (get_language() or "en").split("-")[0]


def locale() -> Locale:
    return _parsed(_language())


# Babel reads its patterns anew for every figure, at about a millisecond each. A shop's prices and
# balances are few, and seen again and again.
_parsed = lru_cache(maxsize=64)(Locale.parse)


@lru_cache(maxsize=8192)
def _decimal(value: int, language: str) -> str:
    text: str = format_decimal(value, locale=_parsed(language))
    return text


@lru_cache(maxsize=8192)
def _money(minor: int, currency: str, decimals: int, language: str) -> str:
    text = format_currency(_exact(minor, decimals), currency, locale=_parsed(language))
    return _TIGHT.sub("\u00a0", text)


def native(text: str) -> str:
    """In the digits of the page's language, where the shop wants that."""
    language = _language()
    scope = current()
    if language not in NATIVE_DIGITS or not scope or not scope.tenant_id:
        return text
    if not shops.front().native_digits:
        return text
    marks = NATIVE_MARKS.get(language, {})
    text = BETWEEN_DIGITS.sub(lambda mark: mark[0].translate(marks), text)
    return text.translate(NATIVE_DIGITS[language])


def number(value: int | None) -> str:
    """12,345; an em dash for what is not known."""
    if value is None:
        return "—"
    text = native(_decimal(abs(value), _language()))
    return _isolated(f"{MINUS}{text}") if value < 0 else text


def _isolated(text: str) -> str:
    """A sign stays before its figure where the text runs to the left (U+2066, U+2069)."""
    return f"\u2066{text}\u2069" if get_language_bidi() else text


def decimal(value: float) -> str:
    """61.3"""
    return native(format_decimal(value, "#,##0.0", locale=locale()))


def fraction(value: Fraction) -> str:
    """28.5, with three decimals at most."""
    text: str = format_decimal(Decimal(value.numerator) / value.denominator, locale=locale())
    return native(text)


def percent_of(percent: float, length: int) -> str:
    """How much of `length` pixels that is, for the width of a bar."""
    return f"{percent * length / 100:.1f}"


def signed(value: int) -> str:
    """With its sign: +24."""
    return _isolated(f"+{number(value)}") if value > 0 else number(value)


def unit(program: HasUnit, count: int) -> str:
    """The word for `count` of the program's points: the shop's own in the page's language, else
    ours.
    """
    spoken = locale()
    words = program.unit_words.get(spoken.language)
    if not words:
        return _our_word(program.unit, count)
    forms = PLURALS.get(spoken.language, ("one", "other"))
    at = forms.index(spoken.plural_form(count)) if spoken.plural_form(count) in forms else -1
    return words[at] if at < len(words) else words[-1]


def counted(program: HasUnit, points: int) -> str:
    """24 points; AED 0.24 where the program's unit is money."""
    if program.unit == MONEY:
        return bare(program, points)
    return gettext("%(n)s %(unit)s") % {"n": number(points), "unit": unit(program, points)}


def bare(program: HasUnit | None, points: int | None) -> str:
    """24, where everybody knows of what; AED 0.24 where the program's unit is money."""
    if points is None or program is None or program.unit != MONEY:
        return number(points)
    return _isolated(f"{MINUS}{money(-points)}") if points < 0 else money(points)


def exact(program: HasUnit, points: Fraction) -> str:
    """28.5, with three decimals at most; AED 0.285 where the program's unit is money."""
    if points.denominator == 1:
        return bare(program, points.numerator)
    if program.unit != MONEY:
        return fraction(points)
    front, size = shops.front(), abs(points)
    told = _exact(Decimal(size.numerator) / size.denominator, front.decimals)
    text = format_currency(
        round(told, front.decimals + 3),
        front.currency,
        locale=locale(),
        currency_digits=False,
        decimal_quantization=False,
    )
    text = native(_TIGHT.sub("\u00a0", text))
    return _isolated(f"{MINUS}{text}") if points < 0 else text


def gained(program: HasUnit, points: int) -> str:
    """+24; +AED 0.24 where the program's unit is money."""
    if program.unit != MONEY:
        return signed(points)
    return _isolated(f"+{money(points)}") if points > 0 else bare(program, points)


def _our_word(unit_kind: str, count: int) -> str:
    if unit_kind == "stamp":
        return ngettext("stamp", "stamps", count)
    return ngettext("point", "points", count)


# CLDR wants a space between a currency's letters and its figures; Babel leaves it out.
_TIGHT = re.compile(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Z])")


def money(minor: int | None) -> str:
    """AED 24.50, from minor units of the shop's currency."""
    if minor is None:
        return "—"
    front = shops.front()
    return native(_money(minor, front.currency, front.decimals, _language()))


def money_in(minor: int, currency: str, decimals: int) -> str:
    """The same in a currency of no shop yet, in Latin digits: on the apex."""
    return _money(minor, currency, decimals, _language())


def _exact(minor: int | Decimal, digits: int) -> Decimal:
    return Decimal(minor).scaleb(-digits)
