"""What an owner changes about a program, and what that does to points that were given before."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty import programs, state, sweeping
from loyalty.models import EarnRule, Entry, Program
from loyalty.purchases import record
from loyalty.refusals import BadConditions, BadPolicy
from tenants.actors import Actor
from tests.conftest import NOW

DAY = dt.timedelta(days=1)


@pytest.fixture
def by(in_cafe):
    return Actor.of_staff(in_cafe.owner)


def balance(shop, at) -> int:
    return state.state_of(shop.member, at=at).balance


def test_points_that_die_of_silence_do_so_a_whole_period_after_that_was_promised(in_cafe, by):
    record(in_cafe.member, 10_000, at=NOW, by=in_cafe.till, key="k")
    later = NOW + 300 * DAY
    told = {"expiry": {"mode": "inactivity", "days": 100}}
    programs.set_policy(in_cafe.program, told, at=later, by=by)
    assert balance(in_cafe, later + 99 * DAY) == 100
    assert balance(in_cafe, later + 102 * DAY) == 0
    sweeping.sweep(later + 102 * DAY)
    assert list(Entry.objects.values_list("kind", "amount")) == [("earn", 100), ("expire", -100)]


def test_a_promise_of_before_keeps_its_dates(in_cafe, by):
    programs.set_policy(in_cafe.program, {"expiry": {"mode": "lot", "days": 10}}, at=NOW, by=by)
    record(in_cafe.member, 10_000, at=NOW, by=in_cafe.till, key="k")
    programs.set_policy(in_cafe.program, {"expiry": None}, at=NOW + DAY, by=by)
    record(in_cafe.member, 5_000, at=NOW + DAY, by=in_cafe.till, key="l")
    assert Program.objects.get().policy == {}
    assert balance(in_cafe, NOW + 9 * DAY) == 150
    assert balance(in_cafe, NOW + 20 * DAY) == 50


def test_what_nobody_knows_is_refused_and_changes_nothing(in_cafe, by):
    with pytest.raises(BadPolicy, match="pending_day"):
        programs.set_policy(in_cafe.program, {"pending_day": 3}, at=NOW, by=by)
    rule = {"kind": "visit", "points": 1, "conditions": {"wekdays": ["mon"]}}
    with pytest.raises(BadConditions, match="wekdays"):
        programs.set_rules(in_cafe.program, [rule], at=NOW, by=by)
    assert Program.objects.get().policy == {}
    assert EarnRule.objects.count() == 1


def test_new_rules_replace_the_old_ones(in_cafe, by):
    programs.set_rules(in_cafe.program, [{"kind": "visit", "points": 7}], at=NOW, by=by)
    assert record(in_cafe.member, 10_000, at=NOW, by=in_cafe.till, key="k").points == 7
    assert EarnRule.everyone.count() == 2
