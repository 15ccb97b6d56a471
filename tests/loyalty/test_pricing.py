"""Pricing is exact and has one rounding."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.pricing import CEIL, FLOOR, NEAREST, Rule, Terms, price, round_off

PER_UNIT = Rule("a", "spend", points=1, per=100)


def test_rules_add_up_each_on_its_own_step():
    terms = Terms([PER_UNIT, Rule("b", "spend", points=1, per=200)])
    priced = price(1999, terms)
    assert priced.points == 28
    assert [(s["rule"], s["steps"], s["points"]) for s in priced.steps] == [
        ("a", 19, "19"),
        ("b", 9, "9"),
    ]


def test_a_visit_counts_once_and_a_sale_of_nothing_is_none():
    terms = Terms([Rule("v", "visit", points=1)])
    assert [price(total, terms).points for total in (0, 1, 10_000)] == [0, 1, 1]


@pytest.mark.parametrize(("how", "points"), [(FLOOR, 2), (NEAREST, 3), (CEIL, 3)])
def test_a_smooth_rule_is_rounded_once(how, points):
    half = Rule("h", "spend", points=5, per=200, is_smooth=True)
    assert price(50, Terms([half, half], rounding=how)).points == points


@pytest.mark.parametrize(
    ("exact", "floor", "nearest", "ceil"),
    [("0", 0, 0, 0), ("5/2", 2, 3, 3), ("7/3", 2, 2, 3), ("8/3", 2, 3, 3), ("4", 4, 4, 4)],
)
def test_roundings(exact, floor, nearest, ceil):
    found = [round_off(Fraction(exact), how) for how in (FLOOR, NEAREST, CEIL)]
    assert found == [floor, nearest, ceil]


amounts = st.integers(0, 10**9)


@given(st.lists(amounts, max_size=20))
def test_with_carry_many_sales_earn_what_one_of_their_sum_would(totals):
    terms = Terms([PER_UNIT], carries=True)
    points = carry = 0
    for total in totals:
        if total:
            priced = price(total, terms, carry=carry)
            points, carry = points + priced.points, priced.carry
    assert points == sum(totals) // 100
    assert carry == sum(totals) % 100


@given(amounts, st.integers(1, 50), st.integers(1, 10_000), st.sampled_from([FLOOR, NEAREST, CEIL]))
def test_a_bigger_sale_never_earns_less(total, points, per, rounding):
    for is_smooth in (False, True):
        terms = Terms([Rule("a", "spend", points, per, is_smooth)], rounding)
        assert price(total, terms).points <= price(total + 1, terms).points
