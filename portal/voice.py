"""How the shop we are inside says its figures where a whole sentence is made of them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from babel.numbers import format_percent
from django.utils.translation import gettext

from loyalty.wording import Voice
from portal.figures import HasUnit, locale, money, native, number, unit


def voice_of(program: HasUnit) -> Voice:
    """Money, and the program's points by their own name; a point of a money program is money."""

    def points(count: int) -> str:
        if program.unit == "money":
            return money(count)
        return gettext("%(n)s %(unit)s") % {"n": number(count), "unit": unit(program, count)}

    return Voice(money=money, points=points, native=native)


def percent(share: Fraction) -> str:
    """6.4%, of a share."""
    exact = Decimal(round(share * 1000)) / 1000
    text: str = format_percent(exact.normalize(), locale=locale(), decimal_quantization=False)
    return native(text)
