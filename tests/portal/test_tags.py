from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone, translation

from loyalty.models import Program
from portal.templatetags import portal as tags

DUBAI = timezone.get_fixed_timezone(240)


def test_figures_have_groups_and_true_signs():
    assert tags.number(1234567) == "1,234,567"
    assert tags.signed(24) == "+24"
    assert tags.signed(-24) == "\u221224"
    assert tags.number(None) == "—"


def test_a_sign_stays_before_its_figure_in_arabic():
    with translation.override("ar"):
        assert tags.signed(24) == "\u2066+24\u2069"


def test_money_is_said_in_the_shops_currency(in_cafe):
    assert tags.money(2450) == "AED\u00a024.50"
    with translation.override("ar"):
        assert "24.50" in tags.money(2450)


@pytest.mark.parametrize(
    ("language", "count", "word"),
    [("en", 1, "point"), ("en", 2, "points"), ("en", 0, "points"), ("bn", 1, "পয়েন্ট")],
)
def test_points_have_the_shops_words(language, count, word):
    program = Program(unit_words={"en": ["point", "points"], "bn": ["পয়েন্ট", "পয়েন্ট"]})
    with translation.override(language):
        assert tags.unit(program, count) == word


def test_points_without_words_have_ours():
    assert tags.unit(Program(unit="stamp", unit_words={}), 2) == "stamps"


def test_days_are_told_by_the_shops_clock():
    with timezone.override(DUBAI):
        now = timezone.localtime()
        assert tags.day(now) == "today"
        assert tags.day(now - dt.timedelta(days=1)) == "yesterday"
        assert tags.day(now - dt.timedelta(days=3)).startswith("on ")
        assert tags.day(None) == "never"
        assert str(now.year - 2) in tags.day(now.replace(year=now.year - 2, month=1, day=5))


def test_the_till_shows_of_a_person_only_what_everybody_may_hear():
    assert tags.discreet("Amina Rahman") == "Amina R."
    assert tags.discreet("Yusuf") == "Yusuf"
    assert tags.discreet("") == "?"
    assert tags.masked("+971501234567") == "•••• 4567"
    assert tags.last_digits("4567", "567") == "•• 4<b>567</b>"
    assert tags.last_digits("4567", "0501234567") == "•• <b>4567</b>"


def test_a_name_is_escaped_wherever_it_stands():
    assert "<script>" not in tags.qr("HTTP://X/M/1", '"><script>')
    assert "<b>1" in tags.last_digits("<1", "1")
    assert "<1" not in tags.last_digits("<<1", "1")


def test_a_code_is_drawn_in_capitals_so_it_stays_coarse():
    small, capitals = (
        tags.qr("http://cafe.localhost/m/7k3q9zt4xn2b", ""),
        tags.qr("HTTP://CAFE.LOCALHOST/M/7K3Q9ZT4XN2B", ""),
    )
    assert small == capitals
    assert 'viewBox="0 0 37 37"' in capitals  # version 3, with its quiet zone
