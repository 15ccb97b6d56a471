"""Pricing is exact and has one rounding."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.conditions import read
from loyalty.policy import Exclude
from loyalty.pricing import (
    CEIL,
    FLOOR,
    NEAREST,
    Basket,
    Line,
    Price,
    Rule,
    Situation,
    Terms,
    round_off,
)
from loyalty.refusals import LinesExceedTotal, NegativeAmount
from loyalty.tariff import Tariff
from tests.conftest import NOW

PER_UNIT = Rule("a", "spend", points=1, per=100)
HERE = Situation(NOW)
BILL = (
    Line("123", "red", amount=1200),
    Line("000", "blue", amount=10_000),
    Line("0001", "delivery", amount=4000),
)


def price(total: int, terms: Terms, *, carry: int = 0) -> Price:
    return Tariff(terms).price(Basket(total), Situation(NOW, carry=carry))


def earns(rules: list[Rule], *lines: Line, total: int = 0, **terms: object) -> int:
    """The points of a sale of these lines, or of a total without any."""
    basket = Basket(total or sum(line.amount for line in lines), lines=lines)
    return Tariff(Terms(rules, **terms)).price(basket, HERE).points


def times(factor: str, id_: str = "m", **conditions: object) -> Rule:
    return Rule(id_, "multiplier", factor=Fraction(factor), conditions=read(conditions))


# --- Bases ----------------------------------------------------------------------------------------


def test_rules_add_up_each_on_its_own_step():
    terms = Terms([PER_UNIT, Rule("b", "spend", points=1, per=200)])
    priced = price(1999, terms)
    assert priced.points == 28
    assert priced.used == ("a", "b")
    assert [(s["rule"], s["steps"], s["points"]) for s in priced.steps] == [
        ("a", 19, "19"),
        ("b", 9, "9"),
    ]


def test_a_visit_counts_once_and_a_sale_of_nothing_is_none():
    terms = Terms([Rule("v", "visit", points=1)])
    assert [price(total, terms).points for total in (-1, 0, 1, 10_000)] == [0, 0, 1, 1]


@pytest.mark.parametrize("total", [0, -500])
def test_a_sale_of_nothing_or_less_earns_nothing(total):
    rules = [PER_UNIT, Rule("v", "visit", 1), Rule("i", "item", 1), Rule("b", "bonus", 5)]
    priced = price(total, Terms(rules, carries=True), carry=70)
    assert (priced.points, priced.carry, priced.steps, priced.used) == (0, 70, (), ())


def test_units_are_counted_of_the_lines_that_match():
    pens = Rule("u", "item", 1, conditions=read({"skus": ["pen"]}))
    lines = Line("pen", qty=4, amount=800), Line("desk", amount=500)
    assert earns([pens], *lines) == 4
    assert earns([Rule("u", "item", 1)], *lines) == 5
    assert earns([Rule("u", "item", 1)], *lines, total=2000) == 6  # the rest is one thing more
    assert earns([Rule("u", "item", 1)], total=2000) == 1


def test_rules_about_goods_see_nothing_in_a_sale_without_lines():
    rules = [
        Rule("s", "spend", 1, 100, conditions=read({"skus": ["pen"]})),
        Rule("i", "item", 1, conditions=read({"categories": ["pens"]})),
        Rule("b", "bonus", 9, conditions=read({"skus": ["pen"]})),
    ]
    assert earns(rules, total=5000) == 0
    assert earns(rules, Line("pen", "pens", amount=0), total=5000) == 10


def test_lines_may_make_up_less_than_the_total_and_not_more():
    coffee = Rule("c", "spend", 1, 100, conditions=read({"skus": ["coffee"]}))
    line = Line("coffee", amount=400)
    assert earns([coffee], line, total=1000) == 4
    assert earns([PER_UNIT], line, total=1000) == 10
    with pytest.raises(LinesExceedTotal):
        Basket(399, lines=(line,))


@pytest.mark.parametrize("line", [Line(amount=-1), Line(qty=-1, amount=5)])
def test_a_line_below_zero_is_refused(line):
    with pytest.raises(NegativeAmount):
        Basket(1000, lines=(line,))


def test_a_line_of_no_units_is_none():
    bonus = Rule("b", "bonus", 9, conditions=read({"skus": ["pen"]}))
    assert earns([bonus], Line("pen", qty=0), total=100) == 0


# --- What earns -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exclude", "points"),
    [
        (Exclude(), 608),
        (Exclude(skus=frozenset({"000"})), 208),
        (Exclude(categories=frozenset({"red", "delivery"})), 400),
        (Exclude(frozenset({"000"}), frozenset({"red"})), 160),
    ],
)
def test_what_is_excluded_earns_nothing(exclude, points):
    assert earns([Rule("r4", "spend", 4, 100)], *BILL, exclude=exclude) == points


def test_a_sale_of_excluded_goods_only_is_no_visit_and_has_no_bonus():
    rules = [Rule("v", "visit", 1), Rule("b", "bonus", 5), Rule("i", "item", 1)]
    cards = Exclude(skus=frozenset({"gift"}))
    assert earns(rules, Line("gift", qty=2, amount=5000), exclude=cards) == 0
    assert earns(rules, Line("gift", qty=2, amount=5000), total=5001, exclude=cards) == 7


@pytest.mark.parametrize(("basis", "points"), [("net", 40), ("gross", 50)])
def test_a_reward_takes_from_what_earns_unless_the_owner_chose_gross(basis, points):
    tariff = Tariff(Terms([PER_UNIT], basis=basis))
    assert tariff.price(Basket(5000, reward_discount=1000), HERE).points == points


@pytest.mark.parametrize(("tax", "points"), [("incl", 119), ("excl", 100)])
def test_tax_may_be_left_out(tax, points):
    tariff = Tariff(Terms([PER_UNIT], tax=tax))
    assert tariff.price(Basket(11_900, tax=1900), HERE).points == points


def test_a_reward_takes_its_share_of_every_line():
    coffee = Rule("c", "spend", 1, 1, conditions=read({"skus": ["coffee"]}))
    lines = Line("coffee", amount=1000), Line("cake", amount=2000)
    basket = Basket(3000, reward_discount=600, lines=lines)
    assert Tariff(Terms([coffee])).price(basket, HERE).points == 800


@pytest.mark.parametrize("discount", [1000, 1001])
def test_of_what_a_reward_paid_whole_nothing_earns(discount):
    rules = [PER_UNIT, Rule("v", "visit", 1), Rule("b", "bonus", 5)]
    priced = Tariff(Terms(rules)).price(Basket(1000, reward_discount=discount), HERE)
    assert priced.points == 0


def test_a_minimum_spend_is_met_by_what_earns():
    rule = Rule("b", "spend", 1, 100, conditions=read({"min_spend": 100_500}))
    assert [earns([rule], total=total) for total in (100_499, 100_500)] == [0, 1005]
    tariff = Tariff(Terms([rule]))
    assert tariff.price(Basket(100_600, reward_discount=101), HERE).points == 0
    cards = Exclude(skus=frozenset({"gift"}))
    assert earns([rule], Line("gift", amount=1), total=100_500, exclude=cards) == 0


def test_a_minimum_spend_is_that_of_the_whole_sale():
    cakes = Rule("b", "bonus", 5, conditions=read({"skus": ["cake"], "min_spend": 1000}))
    assert earns([cakes], Line("cake", amount=300), total=1000) == 5
    assert earns([cakes], Line("cake", amount=300), total=999) == 0


# --- Multipliers, bonuses, tiers ------------------------------------------------------------------


def test_a_bonus_is_multiplied_by_nothing():
    bonus = Rule("p", "bonus", 100, conditions=read({"skus": ["123"]}))
    rules = [Rule("r4", "spend", 4, 100), bonus, times("2")]
    assert earns(rules[:2], *BILL) == 708
    assert earns(rules, *BILL) == 1316
    gold = Situation(NOW, tier="Gold", tier_rate=Fraction(2))
    assert Tariff(Terms(rules)).price(Basket(15_200, lines=BILL), gold).points == 2532


def test_bases_multipliers_and_bonuses_combine():
    rules = [
        Rule("p", "bonus", 200, conditions=read({"skus": ["000"]})),
        times("5", "x5", categories=["blue"]),
        times("3", "x3", categories=["red"]),
        Rule("r10", "spend", 10, 100),
        Rule("r4", "spend", 4, 100),
    ]
    priced = Tariff(Terms(rules)).price(Basket(15_200, lines=BILL), HERE)
    assert priced.points == 8264
    assert [(s["rule"], s["points"]) for s in priced.steps] == [
        ("r10", "1520"),
        ("r4", "608"),
        ("x5", "5600"),
        ("x3", "336"),
        ("p", "200"),
    ]


def test_the_best_multiplier_wins_and_never_compounds():
    rules = [PER_UNIT, times("3", "x3"), times("2", "x2"), times("3", "y3")]
    priced = price(1000, Terms(rules))
    assert priced.points == 30
    assert priced.used == ("a", "x3")


def test_of_equal_multipliers_one_that_cannot_be_used_up_is_used():
    once = times("2", "a", limit={"times": 1})
    priced = Tariff(Terms([PER_UNIT, once, times("2", "z")])).price(Basket(1000), HERE)
    assert priced.used == ("a", "z")


def test_lines_of_one_factor_are_counted_together_whichever_rule_gave_it():
    rules = [PER_UNIT, times("2", "x", skus=["A"]), times("2", "y", skus=["B"])]
    lines = Line("A", amount=150), Line("B", amount=150)
    assert earns(rules, *lines) == 6
    priced = Tariff(Terms(rules)).price(Basket(300, lines=lines), HERE)
    assert set(priced.used) == {"a", "x", "y"}


def test_a_multiplier_multiplies_what_is_spent_and_no_visit():
    assert earns([Rule("v", "visit", 1), times("2")], total=1000) == 1
    assert earns([Rule("i", "item", 3), times("2")], Line("A", amount=100)) == 3


def test_carried_cents_are_not_multiplied():
    terms = Terms([PER_UNIT, times("2")], carries=True)
    priced = price(150, terms, carry=50)
    assert (priced.points, priced.carry) == (3, 0)  # two steps, and one more for 1.50


def test_a_tier_multiplies_before_the_one_rounding():
    silver = Situation(NOW, tier="Silver", tier_rate=Fraction(5, 4))
    priced = Tariff(Terms([PER_UNIT])).price(Basket(1000), silver)
    assert priced.points == 12
    assert [(s["rule"], s["kind"], s["points"]) for s in priced.steps] == [
        ("a", "spend", "10"),
        ("Silver", "tier", "5/2"),
    ]
    half = Terms([PER_UNIT, times("3/2")])
    assert Tariff(half).price(Basket(1900), silver).points == 35  # 28.5 by 1.25 is 35.6


@pytest.mark.parametrize(("rounding", "points"), [(FLOOR, 28), (NEAREST, 29), (CEIL, 29)])
def test_rounding_is_the_last_thing_but_bonuses(rounding, points):
    assert earns([PER_UNIT, times("3/2")], total=1999, rounding=rounding) == points


# --- Rounding -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "points"), [(FLOOR, 2), (NEAREST, 3), (CEIL, 3)])
def test_a_smooth_rule_is_rounded_once(how, points):
    half = Rule("h", "spend", points=5, per=200, is_smooth=True)
    assert price(50, Terms([half, half], rounding=how)).points == points


def test_cash_back_is_kept_in_whole_cents():
    back = Rule("back", "spend", 5, 100, is_smooth=True)
    assert earns([back], total=999) == 49


@pytest.mark.parametrize(
    ("exact", "floor", "nearest", "ceil"),
    [("0", 0, 0, 0), ("5/2", 2, 3, 3), ("7/3", 2, 2, 3), ("8/3", 2, 3, 3), ("4", 4, 4, 4)],
)
def test_roundings(exact, floor, nearest, ceil):
    found = [round_off(Fraction(exact), how) for how in (FLOOR, NEAREST, CEIL)]
    assert found == [floor, nearest, ceil]


amounts = st.integers(0, 10**9)


@given(amounts, st.integers(1, 50), st.integers(1, 10_000), st.sampled_from([FLOOR, NEAREST, CEIL]))
def test_a_bigger_sale_never_earns_less(total, points, per, rounding):
    for is_smooth in (False, True):
        terms = Terms([Rule("a", "spend", points, per, is_smooth)], rounding)
        assert price(total, terms).points <= price(total + 1, terms).points
