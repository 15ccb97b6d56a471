"""Figures in the digits of the page, and points that are money."""

from __future__ import annotations

import unicodedata
from fractions import Fraction

import pytest
from babel.numbers import get_currency_symbol
from django.utils.translation import override
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.models import Program
from portal import brand, figures
from portal.manage import portrait
from tenants import shops
from tenants.models import Shop
from tests.conftest import NOW

CURRENCIES = {"SAR": 2, "KWD": 3, "EGP": 2, "AED": 2, "BDT": 2}
MONEY, POINTS = Program(unit="money"), Program(unit="point")


@pytest.fixture
def in_its_own_digits(in_cafe):
    Shop.objects.update(native_digits=True)
    shops.forget()
    return in_cafe


def latin(text: str) -> str:
    """Digits of any script as 0-9, and the marks of Arabic between them as those of English."""
    return "".join(
        str(unicodedata.digit(c)) if c.isdigit() else {"\u066b": ".", "\u066c": ","}.get(c, c)
        for c in text
    )


@pytest.mark.parametrize("language", ["ar", "bn"])
@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.usefixtures("in_its_own_digits")
def test_own_digits_leave_the_sign_of_a_currency_alone(currency, language):
    symbol = get_currency_symbol(currency, locale=language)

    @settings(deadline=None, max_examples=50)
    @given(st.integers(0, 10**11))
    def each(minor):
        with override(language):
            plain = figures.money_in(minor, currency, CURRENCIES[currency])
            told = figures.native(plain)
        assert symbol in told
        assert latin(told) == plain
        assert not any(c in told for c in "0123456789")

    each()


@pytest.mark.parametrize(
    ("language", "said"), [("ar", "١٬٢٥٠٫٥٠"), ("bn", "১,২৫০.৫০"), ("en", "1,250.50")]
)
@pytest.mark.usefixtures("in_its_own_digits")
def test_marks_between_digits_are_those_of_the_language(language, said):
    with override(language):
        assert said in figures.money(125_050)


@pytest.mark.usefixtures("in_cafe")
def test_points_that_are_money_are_told_as_money():
    dh = "AED\u00a0"
    assert [figures.bare(MONEY, n) for n in (1230, 0, -5)] == [
        f"{dh}12.30",
        f"{dh}0.00",
        f"−{dh}0.05",
    ]
    assert [figures.counted(MONEY, n) for n in (1230, -5)] == [f"{dh}12.30", f"−{dh}0.05"]
    assert [figures.gained(MONEY, n) for n in (5, 0, -5)] == [
        f"+{dh}0.05",
        f"{dh}0.00",
        f"−{dh}0.05",
    ]
    assert [figures.bare(POINTS, n) for n in (1230, -5, None)] == ["1,230", "−5", "—"]
    assert figures.bare(None, 1230) == "1,230"
    assert figures.bare(MONEY, None) == "—"


@pytest.mark.parametrize(
    ("points", "of_points", "of_money"),
    [
        (Fraction(57, 2), "28.5", "AED\u00a00.285"),
        (Fraction(-1, 3), "−0.333", "−AED\u00a00.00333"),
        (Fraction(1230), "1,230", "AED\u00a012.30"),
    ],
)
@pytest.mark.usefixtures("in_cafe")
def test_a_part_of_a_point_is_told_exactly(points, of_points, of_money):
    assert figures.exact(POINTS, points).replace("-", "−") == of_points
    assert figures.exact(MONEY, points) == of_money


@pytest.mark.usefixtures("in_its_own_digits")
def test_every_figure_of_a_sentence_is_in_its_own_digits():
    with override("ar"):
        said = [
            portrait.rhythm_sentence([NOW] * 12),
            portrait.rhythm_sentence([NOW.replace(day=day) for day in (2, 10, 19, 28)]),
            brand.said_of("#ffee00"),
            brand.said_of("#0a6847"),
            brand.said_of("#777777"),
        ]
    assert not [each for each in said if any(c in each for c in "0123456789")]
