"""How the shop we are inside says its figures where a whole sentence is made of them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import partial

from babel.numbers import format_percent

from loyalty.refusals import Refusal
from loyalty.wording import Voice
from portal.figures import HasUnit, bare, counted, locale, money, native

OF_POINTS = ("missing", "minimum")  # figures of a refusal


def voice_of(program: HasUnit) -> Voice:
    """Money, and the program's points by their own name; a point of a money program is money."""
    return Voice(money=money, points=partial(counted, program), native=native)


def refused(refusal: Refusal, program: HasUnit) -> str:
    """Why a command was refused, with its points as the program has them."""
    figures = {
        name: bare(program, value) if name in OF_POINTS else value
        for name, value in refusal.figures.items()
    }
    return str(refusal.sentence) % figures


def percent(share: Fraction) -> str:
    """6.4%, of a share."""
    exact = Decimal(round(share * 1000)) / 1000
    text: str = format_percent(exact.normalize(), locale=locale(), decimal_quantization=False)
    return native(text)
