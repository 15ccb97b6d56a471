from __future__ import annotations

import re

import pytest
from django import forms
from hypothesis import given
from hypothesis import strategies as st

from portal.forms import MoneyField, SoughtField, clean_text
from portal.manage.fields import WholeField

NASTY = [
    "\x00",
    "24\x00",
    "1" * 10_000,
    "\ud800",
    "1e9",
    "-5",
    "+5",
    "0x10",
    "NaN",
    "∞",
    "½",
    "२४",
    "1,2,3",
    "1.2.3",
]


@pytest.mark.parametrize(
    ("typed", "decimals", "minor"),
    [
        ("24.50", 2, 2450),
        ("24,5", 2, 2450),
        ("24", 2, 2400),
        ("24.", 2, 2400),
        (" 24.5 ", 2, 2450),
        ("٢٤\u066b\u0665", 2, 2450),
        ("২৪.৫০", 2, 2450),
        ("1250", 0, 1250),
        ("1.250", 3, 1250),
        ("0.01", 2, 1),
    ],
)
def test_money_as_people_type_it(typed, decimals, minor):
    assert MoneyField(decimals=decimals).clean(typed) == minor


@pytest.mark.parametrize("typed", ["1.234", "1e9", "-5", "abc", "9" * 20, "1,234.50", "0x10"])
def test_money_that_could_mean_something_else_is_refused(typed):
    with pytest.raises(forms.ValidationError):
        MoneyField(decimals=2).clean(typed)


GROUPED = [
    ("1,000", 2, "1000.50"),
    ("1.000", 2, "1000.50"),
    ("1٫000", 2, "1000.50"),
    ("١٬٢٥٠", 2, "1000.50"),
    ("১,২৫০", 2, "1000.50"),
    ("1,000.50", 2, "1000.50"),
    ("1.000,50", 2, "1000.50"),
    ("1 000", 2, "1000.50"),
    ("1\u202f000,5", 2, "1000.50"),
    ("1'000", 2, "1000.50"),
    ("1,00,000", 2, "1000.50"),
    ("12,345,678", 2, "1000.50"),
    ("1,000.", 2, "1000.50"),
    ("1,000", 0, "1000"),
    ("1.000", 0, "1000"),
    ("1٬000", 0, "1000"),
    ("1٬000", 3, "1000.500"),
    ("1,000,000", 3, "1000.500"),
    ("1,000.500", 3, "1000.500"),
]


@pytest.mark.parametrize(("typed", "decimals", "example"), GROUPED)
def test_a_mark_between_thousands_is_never_taken_for_a_decimal_one(typed, decimals, example):
    with pytest.raises(forms.ValidationError, match=f"without a mark.* {re.escape(example)}"):
        MoneyField(decimals=decimals).clean(typed)


@pytest.mark.parametrize(
    ("typed", "decimals", "minor"),
    [
        ("1,000", 3, 1000),
        ("1٫250", 3, 1250),
        ("0.500", 2, 50),
        ("1,00", 2, 100),
        ("1.0000", 2, 100),
    ],
)
def test_what_can_only_be_decimals_is_read_as_such(typed, decimals, minor):
    assert MoneyField(decimals=decimals).clean(typed) == minor


@pytest.mark.parametrize(
    ("typed", "number"),
    [("50", 50), ("١٬٢٠٠", 1200), ("1,200", 1200), ("1 200", 1200), ("1,00,000", 100_000)],
)
def test_a_whole_number_may_have_marks_between_its_thousands(typed, number):
    assert WholeField().clean(typed) == number


@pytest.mark.parametrize("typed", ["1,5", "2,50", "1.200", "1.5", "-5", ",", "1,,000", "9" * 13])
def test_what_is_no_whole_number_is_refused(typed):
    with pytest.raises(forms.ValidationError, match="whole number"):
        WholeField().clean(typed)


@pytest.mark.parametrize("typed", ["", "0", "0.00", ".", None])
def test_nothing_is_asked_for_again(typed):
    with pytest.raises(forms.ValidationError, match="Type the amount"):
        MoneyField(decimals=2).clean(typed)
    assert MoneyField(decimals=2, required=False).clean(typed) is None


@given(st.text() | st.sampled_from(NASTY))
def test_no_text_breaks_a_field(typed):
    try:
        minor = MoneyField(decimals=2).clean(typed)
    except forms.ValidationError:
        pass
    else:
        assert 0 < minor < 10**12
    sought = SoughtField().clean(typed)
    assert len(sought) <= SoughtField.LONGEST
    sought.encode()


def test_a_scanner_types_the_address_on_the_card():
    read = SoughtField().clean
    assert read("HTTP://CAFE.LOCALHOST:8000/M/7K3Q9ZT4XN2B") == "7K3Q9ZT4XN2B"
    assert read("https://cafe.example.com/m/7k3q9zt4xn2b") == "7K3Q9ZT4XN2B"
    assert read("٤٥٦٧") == "4567"


def test_the_joiners_of_bengali_names_stay():
    assert clean_text("র‍্যাব\x00 \t x\u202e") == "র‍্যাব x"
