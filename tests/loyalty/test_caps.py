"""What one sale leaves to the next: carried cents, room under caps, and uses of limited rules."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.conditions import read
from loyalty.policy import Caps
from loyalty.pricing import Basket, Price, Rule, Situation, Terms, reprice
from loyalty.tariff import Tariff
from tests.conftest import NOW
from tests.loyalty.test_pricing import HERE, PER_UNIT, amounts, price

# --- Carried cents --------------------------------------------------------------------------------


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


def test_thirty_and_twenty_make_a_star():
    star = Terms([Rule("star", "spend", 1, 5000)], carries=True)
    first = price(3000, star)
    second = price(2000, star, carry=first.carry)
    assert [(p.points, p.carry) for p in (first, second)] == [(0, 3000), (1, 0)]
    assert price(2000, Terms(star.rules), carry=3000).points == 0


def test_cents_that_a_refund_took_back_are_owed_first():
    star = Terms([Rule("star", "spend", 1, 5000)], carries=True)
    assert [(p.points, p.carry) for p in [price(3000, star, carry=-4000)]] == [(0, -1000)]
    assert [(p.points, p.carry) for p in [price(9500, star, carry=-4000)]] == [(1, 500)]


def test_cents_are_carried_for_one_rule_that_always_applies():
    rules = [
        Rule("a", "spend", 1, 100, conditions=read({"days": ["sun"]})),
        Rule("b", "spend", 5, 100, is_smooth=True),
        Rule("d", "spend", 1, 5000),
        Rule("c", "spend", 1, 1000),
    ]
    tariff = Tariff(Terms(rules, carries=True))
    assert tariff.carrying == rules[3]
    assert tariff.price(Basket(1500), HERE).carry == 500
    assert tariff.price(Basket(100), Situation(NOW, carry=-300)).carry == -200
    assert Tariff(Terms(rules)).carrying is None


def test_cents_wait_while_their_rule_does_not_apply():
    sunday = Rule("a", "spend", 1, 1000, conditions=read({"days": ["sun"]}))
    assert price(1500, Terms([sunday], carries=True), carry=70).carry == 70
    about = Rule("a", "spend", 1, 1000, conditions=read({"skus": ["A"]}))
    assert price(1500, Terms([about], carries=True), carry=1070).points == 0


# --- Caps and limits ------------------------------------------------------------------------------


def capped(total: int, caps: Caps, **situation: int) -> Price:
    return Tariff(Terms([PER_UNIT], caps=caps)).price(Basket(total), Situation(NOW, **situation))


@pytest.mark.parametrize(
    ("caps", "situation", "points"),
    [
        (Caps(points_per_purchase=50), {}, 50),
        (Caps(points_per_purchase=300), {}, 300),
        (Caps(points_per_day=50), {"earned_today": 30}, 20),
        (Caps(points_per_day=50), {"earned_today": 60}, 0),
        (Caps(points_per_member=1000), {"earned_ever": 900}, 100),
        (Caps(points_per_day=50, points_per_member=1000), {"earned_ever": 990}, 10),
        (Caps(visits_per_day=2), {"visits_today": 1}, 300),
        (Caps(visits_per_day=2), {"visits_today": 2}, 0),
        (Caps(points_per_purchase=0), {}, 0),
    ],
)
def test_caps_come_last(caps, situation, points):
    priced = capped(30_000, caps, **situation)
    assert priced.points == points
    assert sum(Fraction(step["points"]) for step in priced.steps) == points


def test_a_cap_is_told_with_its_figure():
    step = capped(30_000, Caps(points_per_day=50), earned_today=30).steps[-1]
    assert (step["kind"], step["rule"], step["each"], step["points"]) == (
        "cap",
        "points_per_day",
        50,
        "-280",
    )


def test_a_visit_too_many_uses_nothing_up_and_keeps_its_cents():
    terms = Terms([PER_UNIT], carries=True, caps=Caps(visits_per_day=1))
    priced = Tariff(terms).price(Basket(150), Situation(NOW, carry=20, visits_today=1))
    assert (priced.points, priced.carry, priced.used) == (0, 20, ())
    left = reprice(priced.snapshot(), Basket(100))
    assert (left.points, left.carry) == (0, 20)


FIRST = Rule("first", "bonus", 50, conditions=read({"limit": {"times": 2}}))
EARLY = Rule("early", "bonus", 20, conditions=read({"total_uses": 2}))
BOTH = Rule("both", "bonus", 7, conditions=read({"limit": {"times": 1}, "total_uses": 2}))


@pytest.mark.parametrize(
    ("rule", "situation", "points"),
    [
        (FIRST, {}, 60),
        (FIRST, {"uses": {"first": 1, "early": 9}}, 60),
        (FIRST, {"uses": {"first": 2}}, 10),
        (EARLY, {"uses": {"early": 1}}, 30),
        (EARLY, {"uses": {"early": 2}}, 10),
        (EARLY, {"total_uses": {"early": 2}}, 10),
        (BOTH, {"uses": {"both": 0}, "total_uses": {"both": 1}}, 17),
        (BOTH, {"uses": {"both": 1}, "total_uses": {"both": 1}}, 10),
        (BOTH, {"uses": {"both": 0}, "total_uses": {"both": 2}}, 10),
    ],
)
def test_a_rule_that_is_used_up_is_not_open(rule, situation, points):
    priced = Tariff(Terms([PER_UNIT, rule])).price(Basket(1000), Situation(NOW, **situation))
    assert priced.points == points
    assert (rule.id in priced.used) == (points > 10)
