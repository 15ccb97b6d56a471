"""The arithmetic of a sale is told line by line, and the lines add up to what it earned."""

from __future__ import annotations

from fractions import Fraction

import pytest
from django.utils.translation import override

from loyalty.conditions import read
from loyalty.models import Program
from loyalty.policy import Caps
from loyalty.pricing import Basket, Line, Price, Rule, Situation, Terms
from loyalty.tariff import Tariff
from portal.arithmetic import sum_of
from tests.conftest import NOW

POINTS, MONEY = Program(unit="point"), Program(unit="money")
RULES = [
    Rule("s", "spend", 1, 100),
    Rule("v", "visit", 2),
    Rule("i", "item", 3, conditions=read({"skus": ["pen"]}), name="Pens"),
    Rule("m", "multiplier", factor=Fraction(3, 2), name="Monday"),
    Rule("b", "bonus", 50),
]


def priced() -> Price:
    terms = Terms(RULES, caps=Caps(points_per_day=70))
    situation = Situation(NOW, tier="Gold", tier_rate=Fraction(5, 4), earned_today=10)
    lines = (Line("pen", qty=2, amount=500),)
    return Tariff(terms).price(Basket(1000, lines=lines), situation)


@pytest.mark.usefixtures("in_cafe")
def test_every_kind_of_step_is_told():
    sale = priced()
    told = sum_of(sale.steps, sale.points, program=POINTS)
    assert [(line.text, line.why, line.points) for line in told.lines] == [
        ("10 × AED\u00a01.00", "1 point each", "10"),
        ("A visit", "", "2"),
        ("2 items", "Pens: 3 points each", "6"),
        ("1.5 times the points", "Monday: what that adds on AED\u00a010.00", "5"),
        ("1.25 times the points", "what that adds as Gold", "5.75"),
        ("A bonus", "", "50"),
        ("At most 70 points a day", "", "\u221218"),
    ]
    assert (told.total, told.note) == (60, "60.75, rounded down")


@pytest.mark.usefixtures("in_cafe")
def test_a_smooth_rule_is_told_by_its_rate():
    sale = Tariff(Terms([Rule("s", "spend", 5, 100, is_smooth=True)])).price(
        Basket(999), Situation(NOW)
    )
    told = sum_of(sale.steps, sale.points, program=POINTS)
    (line,) = told.lines
    assert (line.text, line.why) == ("AED\u00a09.99", "5 for every AED\u00a01.00")
    assert told.note == "49.95, rounded down"


@pytest.mark.usefixtures("in_cafe")
def test_points_that_are_money_are_told_as_money():
    sale = priced()
    told = sum_of(sale.steps, sale.points, program=MONEY)
    assert [(line.why, line.points) for line in told.lines] == [
        ("AED\u00a00.01 each", "AED\u00a00.10"),
        ("", "AED\u00a00.02"),
        ("Pens: AED\u00a00.03 each", "AED\u00a00.06"),
        ("Monday: what that adds on AED\u00a010.00", "AED\u00a00.05"),
        ("what that adds as Gold", "AED\u00a00.0575"),
        ("", "AED\u00a00.50"),
        ("", "\u2212AED\u00a00.18"),
    ]
    assert told.lines[-1].text == "At most AED\u00a00.70 a day"
    assert told.note == "AED\u00a00.6075, rounded down"
    back = [Rule("s", "spend", 5, 100, is_smooth=True)]
    sale = Tariff(Terms(back)).price(Basket(24_510), Situation(NOW))
    (line,) = sum_of(sale.steps, sale.points, program=MONEY).lines
    assert (line.text, line.why) == ("AED\u00a0245.10", "AED\u00a00.05 for every AED\u00a01.00")
    assert line.points == "AED\u00a012.255"


@pytest.mark.parametrize("cap", ["points_per_purchase", "points_per_member", "visits_per_day"])
@pytest.mark.parametrize("language", ["en", "ar", "bn"])
@pytest.mark.usefixtures("in_cafe")
def test_every_cap_has_words(cap, language):
    terms = Terms([Rule("v", "visit", 5)], caps=Caps(**{cap: 1}))
    situation = Situation(NOW, visits_today=1, earned_ever=1)
    sale = Tariff(terms).price(Basket(100), situation)
    with override(language):
        told = sum_of(sale.steps, sale.points, program=POINTS)
        assert told.lines[-1].text
        assert cap not in told.lines[-1].text
    assert told.note == ""
