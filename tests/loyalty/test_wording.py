"""Rules read back as a sentence in the reader's language."""

from __future__ import annotations

from fractions import Fraction

import pytest
from django.utils.translation import override

from loyalty import wording
from loyalty.conditions import read
from loyalty.terms import Rule
from loyalty.wording import Voice

VOICE = Voice(money=lambda minor: f"AED {minor // 100}.{minor % 100:02}")
HAPPY = {"days": ["tue"], "hours": "14:00-17:00", "min_spend": 1000}


def told(kind: str = "spend", points: int = 2, **found: object) -> str:
    data = {name.rstrip("_"): value for name, value in found.items()}
    rule = Rule("r", kind, points, per=100, factor=Fraction(3, 2), conditions=read(data))
    return wording.of_rule(rule, VOICE)


@pytest.mark.parametrize(
    ("kind", "plain", "about"),
    [
        ("spend", "2 points for every AED 1.00 spent", " on cakes"),
        ("visit", "2 points for every visit", " with cakes"),
        ("item", "2 points for each item", " of cakes"),
        ("bonus", "2 points extra", " with cakes"),
        ("multiplier", "1.5 times the points", " on cakes"),
    ],
)
def test_what_a_rule_gives(kind, plain, about):
    assert told(kind) == plain
    assert told(kind, categories=["cakes"]) == plain + about


def test_cash_back_is_in_proportion():
    back = Rule("r", "spend", 5, 100, is_smooth=True)
    assert wording.of_rule(back, VOICE) == "5 points for every AED 1.00 spent, in proportion"


def test_a_happy_hour_is_one_sentence():
    assert told(**HAPPY) == (
        "2 points for every AED 1.00 spent, on Tuesdays from 14:00 to 17:00, at least AED 10.00"
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"from_": "2026-05-01", "until": "2026-05-31"}, "from May 1, 2026 to May 31, 2026"),
        ({"from_": "2026-05-01"}, "from May 1, 2026 on"),
        ({"until": "2026-05-31"}, "until May 31, 2026"),
        ({"from_": "2026-05-01", "until": "2026-05-01"}, "on May 1, 2026"),
        ({"days": ["mon", "thu"]}, "on Mondays and Thursdays"),
        ({"days": ["fri", "sat", "sun", "mon"]}, "on Fridays to Mondays"),
        ({"days": ["sun", "mon"]}, "on Mondays and Sundays"),
        (
            {"days": ["fri"], "hours": "22:00-02:00"},
            "on Fridays from 22:00 to 02:00 of the next day",
        ),
        ({"hours": "18:00-24:00"}, "from 18:00 to 24:00"),
        ({"hours": "18:00-00:00"}, "from 18:00 to 00:00"),
        ({"tiers": ["Silver", "Gold"]}, "for Gold or Silver members"),
        ({"locations": ["Harbour"]}, "at Harbour"),
        ({"limit": {"times": 1}}, "once for each member"),
        ({"limit": {"times": 3, "per": "week"}}, "3 times a week"),
        ({"limit": {"times": 1, "per": "day"}}, "once a day"),
        ({"limit": {"times": 2, "per": "month"}}, "2 times a month"),
        ({"limit": {"times": 1, "per": "year"}}, "once a year"),
        ({"total_uses": 1000}, "for the first 1,000 sales"),
        ({"total_uses": 1}, "for the first sale"),
    ],
)
def test_each_condition_is_said(found, said):
    assert told("bonus", 1, **found) == f"1 point extra, {said}"


def test_a_rewards_conditions_are_said_without_a_rule():
    pay = {
        "rate": {"points": 150, "value": 1000},
        "min": 150,
        "max_percent": 50,
        "max_discount": 1500,
    }
    assert wording.of_conditions(read(pay), VOICE) == (
        "150 points pay AED 10.00, at least 150 points at a time, at most 50% of the bill,"
        " at most AED 15.00 off"
    )
    goods = read({"skus": ["A1"], "categories": ["cakes"], "tiers": ["Gold"]})
    assert wording.of_conditions(goods, VOICE) == "for cakes or A1, for Gold members"
    assert wording.of_conditions(read({}), VOICE) == ""


def test_a_shop_says_it_in_its_own_words_and_digits():
    voice = Voice(
        money=lambda minor: f"£{minor // 100}",
        points=lambda count: f"{count} stamps",
        native=lambda text: text.translate(str.maketrans("1234567890", "১২৩৪৫৬৭৮৯০")),
    )
    rule = Rule("r", "spend", 2, 500, conditions=read({"hours": "14:00-17:00"}))
    assert wording.of_rule(rule, voice) == "2 stamps for every £5 spent, from ১৪:০০ to ১৭:০০"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "ar",
            "نقطتان عن كل AED 1.00 تُنفق، أيام الثلاثاء من 14:00 إلى 17:00، بحد أدنى AED 10.00",
        ),
        (
            "bn",
            "প্রতি AED 1.00 খরচে 2 পয়েন্ট, প্রতি মঙ্গলবার 14:00 থেকে 17:00 পর্যন্ত, কমপক্ষে AED 10.00",
        ),
    ],
)
def test_it_is_said_in_the_readers_language(language, said):
    with override(language):
        assert told(**HAPPY) == said
