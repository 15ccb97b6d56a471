"""What people type, and what we make of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import numbers


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("050 123 4567", "AE", "+971501234567"),
        ("٠٥٠١٢٣٤٥٦٧", "AE", "+971501234567"),
        ("০১৭১১২২৩৩৪৪", "BD", "+8801711223344"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("+49 151 23456789", "AE", "+4915123456789"),
        ("0049 151 23456789", "DE", "+4915123456789"),
        ("(0151) 23 45 67 89", "DE", "+4915123456789"),
        ("+49-151-2345-6789", "DE", "+4915123456789"),
        ("0151 2345678", "DE", None),  # a digit too few for a mobile
        ("0151 234567890", "DE", None),
        ("030 123456", "DE", "+4930123456"),
        ("+971500000017", "AE", "+971500000017"),
        ("123", "AE", None),
        ("", "AE", None),
        ("call me", "AE", None),
        ("050" * 5_000, "AE", None),
        ("050\x001234567", "AE", None),
    ],
)
def test_phone(text, country, expected):
    assert numbers.phone(text, country) == expected


@pytest.mark.parametrize(
    ("text", "decimals", "expected"),
    [
        ("24.50", 2, 2450),
        ("24,5", 2, 2450),
        ("٢٤٫٥", 2, 2450),
        ("২৪.৫০", 2, 2450),
        ("24", 0, 24),
        ("1.234", 3, 1234),
        ("0", 2, 0),
        ("24.505", 2, None),
        ("24.500", 2, 2450),
        ("1e3", 2, None),
        ("-5", 2, None),
        ("+5", 2, None),
        ("", 2, None),
        (".", 2, None),
        ("1.2.3", 2, None),
        ("NaN", 2, None),
        ("Infinity", 2, None),
        ("9" * 30, 2, None),
        ("12\x00", 2, None),
        ("٣" * 10_000, 2, None),
    ],
)
def test_amount(text, decimals, expected):
    assert numbers.minor_units(text, decimals) == expected


@given(st.text(max_size=60), st.sampled_from(["AE", "DE", "BD"]))
def test_nothing_typed_raises(text, country):
    numbers.phone(text, country)
    numbers.email(text)
    numbers.minor_units(text, 2)
    numbers.read_code(text)
    numbers.fold(text)


@given(st.integers(0, 11), st.sampled_from(numbers.CROCKFORD))
def test_a_code_with_one_wrong_character_is_noticed(place, wrong):
    code = numbers.new_code()
    assert numbers.read_code(f" {code[:4].lower()}-{code[4:8]} {code[8:]}") == code
    if code[place] != wrong:
        assert numbers.read_code(code[:place] + wrong + code[place + 1 :]) is None


def test_look_alikes_in_a_code_are_read_as_what_they_are():
    code = next(c for c in (numbers.new_code() for _ in range(500)) if "0" in c and "1" in c)
    assert numbers.read_code(code.replace("0", "O").replace("1", "l")) == code


def test_names_fold_to_what_is_searched():
    assert numbers.fold("  Émile   ZOLA ") == "emile zola"
    assert numbers.fold("Straße") == "strasse"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("050 123-4567", "0501234567"),
        ("+971 (50) 123", "97150123"),
        ("٤٥٦٧", "4567"),
        ("4567!", "4567"),
        ("BMQV1F5K0JFE", ""),
        ("মোট ৫০", ""),
        ("", ""),
    ],
)
def test_what_may_be_a_part_of_a_phone(text, expected):
    assert numbers.dialled(text) == expected
