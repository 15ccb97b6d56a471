"""What remains of a sale earns by the sale's own snapshot."""

from __future__ import annotations

import json
from fractions import Fraction

from loyalty.conditions import read
from loyalty.policy import Caps, Exclude
from loyalty.pricing import Basket, Line, Price, Rule, Situation, Terms, reprice
from loyalty.tariff import Tariff
from tests.conftest import NOW
from tests.loyalty.test_caps import capped
from tests.loyalty.test_pricing import HERE, PER_UNIT, price, times


def kept(priced: Price) -> dict[str, object]:
    """A snapshot as the database gives it back."""
    found: dict[str, object] = json.loads(json.dumps(priced.snapshot()))
    return found


def test_the_snapshot_of_most_sales_is_one_rule():
    assert kept(price(1999, Terms([PER_UNIT]))) == {
        "steps": [
            {
                "rule": "a",
                "kind": "spend",
                "basis": 1999,
                "per": 100,
                "steps": 19,
                "each": 1,
                "points": "19",
            }
        ],
        "rules": [["a", "spend", 1, 100, False]],
    }


def test_a_snapshot_keeps_only_what_the_sale_had():
    goods = [f"sku {n}" for n in range(500)]
    rules = [PER_UNIT, Rule("g", "bonus", 5, conditions=read({"skus": goods}))]
    exclude = Exclude(frozenset(f"gift {n}" for n in range(500)))
    lines = Line("sku 7", amount=500), Line("gift 1", amount=500), Line("tea", amount=500)
    tariff = Tariff(Terms([*rules, times("2", skus=["mug"])], exclude=exclude))
    snapshot = kept(tariff.price(Basket(1500, lines=lines), HERE))
    assert snapshot["rules"] == [
        ["a", "spend", 1, 100, False],
        ["g", "bonus", 5, 0, False, {"skus": ["sku 7"]}],
    ]
    assert snapshot["exclude"] == [["gift 1"], []]


def test_a_returned_line_takes_only_its_own():
    rules = [
        PER_UNIT,
        Rule("pa", "bonus", 10, conditions=read({"skus": ["A"]})),
        Rule("pb", "bonus", 20, conditions=read({"skus": ["B"]})),
    ]
    lines = Line("A", amount=1000), Line("B", amount=1000), Line("C", amount=2000)
    sold = Tariff(Terms(rules)).price(Basket(4000, lines=lines), HERE)
    assert sold.points == 70
    assert reprice(kept(sold), Basket(2000, lines=lines[:2])).points == 50
    assert reprice(kept(sold), Basket(3000, lines=lines[1:])).points == 50


def test_under_a_threshold_what_was_given_for_it_goes_too():
    fifty = Rule("fifty", "bonus", 100, conditions=read({"min_spend": 5000}))
    sold = price(5000, Terms([PER_UNIT, fifty]))
    assert sold.points == 150
    assert reprice(kept(sold), Basket(4900)).points == 49


def test_windows_tiers_and_limits_are_settled():
    rules = [
        PER_UNIT,
        Rule("m", "bonus", 3, conditions=read({"days": ["mon"], "limit": {"times": 1}})),
        Rule("t", "bonus", 4, conditions=read({"tiers": ["Gold"], "locations": ["Harbour"]})),
    ]
    there = Situation(NOW, "Harbour", "Gold", Fraction(3, 2))
    sold = Tariff(Terms(rules)).price(Basket(1000), there)
    assert sold.points == 22
    assert reprice(kept(sold), Basket(500)).points == 14  # 7.5 down, and both bonuses


def test_a_reward_keeps_its_share_of_what_remains():
    sold = Tariff(Terms([PER_UNIT])).price(Basket(6000, reward_discount=1000), HERE)
    assert sold.points == 50
    assert [reprice(kept(sold), Basket(left)).points for left in (3000, 0)] == [25, 0]


def test_a_cap_leaves_the_room_that_it_had():
    sold = capped(30_000, Caps(points_per_day=50), earned_today=10)
    lefts = [reprice(kept(sold), Basket(total)).points for total in (30_000, 4000, 3999)]
    assert lefts == [40, 40, 39]


def test_carried_cents_go_back_first():
    star = Terms([Rule("star", "spend", 1, 5000)], carries=True)
    sold = price(6000, star)
    lefts = [reprice(kept(sold), Basket(total)) for total in (6000, 5000, 4999, 0)]
    assert [(left.points, left.carry) for left in lefts] == [(1, 1000), (1, 0), (0, 4999), (0, 0)]
    sold = price(1000, star, carry=4500)
    assert (sold.points, sold.carry) == (1, 500)
    left = reprice(kept(sold), Basket(0))
    assert (left.points, left.carry) == (0, 4500)


def test_a_rule_that_carries_is_found_again_among_others():
    rules = [Rule("b", "spend", 1, 300), Rule("a", "spend", 1, 5000), Rule("c", "spend", 1, 700)]
    sold = price(6000, Terms(rules, carries=True), carry=10)
    again = reprice(kept(sold), Basket(6000))
    assert (again.points, again.carry) == (sold.points, sold.carry) == (29, 1010)


def test_snapshots_of_before_conditions_read_the_same():
    old = {
        "steps": [],
        "rules": [["a", "spend", 1, 100, False], ["v", "visit", 2, 0, False]],
        "rounding": "floor",
        "carries": False,
    }
    assert [reprice(old, Basket(total)).points for total in (1999, 1, 0)] == [21, 2, 0]
    smooth = {"rules": [["s", "spend", 5, 100, True]], "rounding": "ceil", "carries": True}
    assert reprice(smooth, Basket(999)).points == 50


def test_a_lost_multiplier_never_makes_what_remains_earn_more():
    """Without the first, the cents of both lines would make one step more."""
    rules = [
        PER_UNIT,
        times("2", "x2", skus=["A"], min_spend=398),
        times("19/10", "x1", skus=["A", "B"]),
    ]
    lines = Line("A", amount=199), Line("B", amount=199)
    sold = Tariff(Terms(rules)).price(Basket(398, lines=lines), HERE)
    less = (lines[0], Line("B", amount=198))
    assert reprice(kept(sold), Basket(397, lines=less)).points <= sold.points
