"""Conditions are read strictly and read back as written; limits, selectors and doors."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from loyalty import conditions
from loyalty.conditions import NONE, Conditions, Limit, Rate, next_windows, read
from loyalty.refusals import BadConditions
from loyalty.windows import Hours, Window
from tests.loyalty.test_windows import BERLIN, berlin

WHOLE = {
    "from": "2026-05-01",
    "until": "2026-05-31",
    "days": ["tue", "fri"],
    "hours": "22:00-02:00",
    "skus": ["A", "B"],
    "categories": ["cakes"],
    "tiers": ["Gold"],
    "locations": ["Harbour"],
    "min_spend": 1000,
    "limit": {"times": 2, "per": "week"},
    "total_uses": 100,
    "max_discount": 1500,
    "max_percent": 50,
    "min": 500,
    "rate": {"points": 150, "value": 1000},
}


def test_every_field_is_read():
    assert read(WHOLE) == Conditions(
        window=Window(
            dt.date(2026, 5, 1), dt.date(2026, 5, 31), frozenset({1, 4}), Hours(1320, 120)
        ),
        skus=frozenset({"A", "B"}),
        categories=frozenset({"cakes"}),
        tiers=frozenset({"Gold"}),
        locations=frozenset({"Harbour"}),
        min_spend=1000,
        limit=Limit(2, "week"),
        total_uses=100,
        max_discount=1500,
        max_percent=50,
        min_points=500,
        rate=Rate(150, 1000),
    )


def test_what_is_written_reads_back():
    assert json.loads(json.dumps(read(WHOLE).as_data())) == WHOLE
    for name, value in WHOLE.items():
        assert read({name: value}).as_data() == {name: value}


@pytest.mark.parametrize("found", [{}, {"skus": []}, {"limit": None}, {"days": [], "rate": None}])
def test_nothing_said_is_no_condition(found):
    assert read(found) == NONE
    assert read(found).as_data() == {}


@pytest.mark.parametrize(
    ("found", "field"),
    [
        ({"sku": ["A"]}, "sku"),
        ({"skus": "A"}, "skus"),
        ({"tiers": [1]}, "tiers"),
        ({"locations": [""]}, "locations"),
        ({"min_spend": "10.00"}, "min_spend"),
        ({"min_spend": -1}, "min_spend"),
        ({"limit": 1}, "limit"),
        ({"limit": {}}, "limit.times"),
        ({"limit": {"per": "day"}}, "limit.times"),
        ({"limit": {"times": 0}}, "limit.times"),
        ({"limit": {"times": 1, "per": "hour"}}, "limit.per"),
        ({"limit": {"times": 1, "every": "day"}}, "limit.every"),
        ({"total_uses": 0}, "total_uses"),
        ({"max_percent": 101}, "max_percent"),
        ({"max_percent": 0}, "max_percent"),
        ({"rate": {"points": 1}}, "rate.value"),
        ({"rate": {"value": 1}}, "rate.points"),
        ({"rate": {"points": 0, "value": 1}}, "rate.points"),
        ({"hours": "noon"}, "hours"),
    ],
)
def test_what_cannot_be_is_refused_by_name(found, field):
    with pytest.raises(BadConditions) as refused:
        read(found)
    assert refused.value.field == field
    assert refused.value.code == "bad_conditions"


def test_a_limit_is_for_ever_where_no_period_is_named():
    assert read({"limit": {"times": 3}}).limit == Limit(3, "all")


def test_lines_match_by_sku_or_by_category():
    about = read({"skus": ["A"], "categories": ["cakes"]})
    lines = [("A", "tea"), ("X", "cakes"), ("X", "tea"), ("", "")]
    assert [about.matches(*line) for line in lines] == [True, True, False, False]
    assert all(NONE.matches(*line) for line in lines)


def test_members_and_places():
    gold = read({"tiers": ["Gold"], "locations": ["Harbour", "Station"]})
    assert gold.is_for("Gold", "Station")
    assert not gold.is_for("Silver", "Station")
    assert not gold.is_for("Gold", "Airport")
    assert not gold.is_for("", "")
    assert NONE.is_for("", "")


def test_the_window_is_the_shops():
    may = read({"until": "2026-05-31"})
    assert may.is_open(berlin("2026-05-31T23:59"), BERLIN)
    assert not may.is_open(berlin("2026-06-01T00:00"), BERLIN)
    assert NONE.is_open(berlin("2026-06-01T00:00"), BERLIN)


def test_the_next_times_are_those_of_the_window():
    found = next_windows(read({"days": ["mon"]}), berlin("2026-05-12T10:00"), BERLIN, n=2)
    assert [o.start for o in found] == [berlin("2026-05-18T00:00"), berlin("2026-05-25T00:00")]
    assert conditions.next_windows(NONE, berlin("2026-05-12T10:00"), BERLIN) == []
