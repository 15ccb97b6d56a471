"""A row a day, made once, made anew where something came late, and the same as the books say."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db.models import F

from loyalty import flows, merging, programs, refunds, report, rollups, sweeping
from loyalty.calendar import ends
from loyalty.enrolment import enrol
from loyalty.models import DailyStat
from loyalty.purchases import record
from tenants.actors import Actor
from tests.conftest import NOW
from tests.loyalty.corruptions import by_hand
from tests.loyalty.living import BEGAN, DAY, live

TODAY = dt.date(2026, 3, 2)


@pytest.fixture
def lived(in_cafe):
    return live(in_cafe)


@pytest.fixture
def prompt(monkeypatch):
    """Nobody's clock is wrong and no command takes long, so a row is looked at once."""
    monkeypatch.setattr(rollups, "SLACK", dt.timedelta(0))


def rows():
    return {row.date: row for row in DailyStat.objects.order_by("date")}


def sell(shop, total, at, key, member=None):
    return record(member or shop.member, total, at=at, by=shop.till, key=key).purchase


def test_every_day_that_is_over_has_a_row_and_its_figures_are_those_of_the_report(lived):
    assert rollups.build(NOW) == len(rows())
    dates = list(rows())
    assert dates == [dates[0] + n * DAY for n in range(len(dates))]
    assert (dates[0], dates[-1]) == (dt.date(2025, 12, 2), TODAY - DAY)
    zone, before = flows.zone_of(), report.report(ends(dates[0] - DAY, flows.zone_of()))
    for date, row in rows().items():
        told = report.report(ends(date, zone) - dt.timedelta(microseconds=1))
        for figure in rollups.POINTS:
            assert getattr(row, figure) == getattr(told, figure) - getattr(before, figure)
        assert row.outstanding == told.outstanding
        before = told
    assert sum(row.joined for row in rows().values()) == 6
    assert list(rollups.verify()) == []


def test_a_second_build_writes_nothing_and_the_next_day_one_row(in_cafe, prompt):
    sell(in_cafe, 1000, NOW - 2 * DAY, "a")
    assert rollups.build(NOW) == 2
    assert rollups.build(NOW) == 0
    sell(in_cafe, 2550, NOW, "b")
    assert rollups.build(NOW) == 0  # today is not over
    assert rollups.build(NOW + DAY) == 1
    row = rows()[TODAY]
    assert (row.issued, row.visits, row.spent, row.people, row.joined) == (25, 1, 2550, 1, 1)
    assert row.outstanding == 35


def test_what_comes_late_is_counted_on_its_day_and_carried_on(in_cafe, prompt):
    sell(in_cafe, 1000, NOW - 9 * DAY, "a")
    rollups.build(NOW)
    kept = rows()
    sell(in_cafe, 700, NOW - 5 * DAY, "offline")
    assert rollups.build(NOW) == 5  # that day, and what is outstanding after it
    row = rows()[TODAY - 5 * DAY]
    assert (row.issued, row.visits, row.outstanding) == (7, 1, 17)
    assert rows()[TODAY - 6 * DAY].seen == kept[TODAY - 6 * DAY].seen
    assert rows()[TODAY - DAY].outstanding == 17
    sell(in_cafe, 300, NOW - 12 * DAY, "before the first")
    rollups.build(NOW)
    assert min(rows()) == TODAY - 12 * DAY
    assert rows()[TODAY - DAY].outstanding == 20
    assert list(rollups.verify()) == []


def test_a_sale_that_comes_back_changes_the_day_it_was_made_on(in_cafe, prompt):
    sale = sell(in_cafe, 1000, NOW - 5 * DAY, "a")
    rollups.build(NOW)
    refunds.refund(sale, amount=400, at=NOW, by=in_cafe.till, key="r1")
    rollups.build(NOW + DAY)
    row = rows()[TODAY - 5 * DAY]
    assert (row.visits, row.spent, row.issued, row.clawed) == (1, 600, 10, 0)
    assert rows()[TODAY].clawed == 4
    refunds.refund(sale, at=NOW + DAY, by=in_cafe.till, key="r2")
    rollups.build(NOW + 2 * DAY)
    row = rows()[TODAY - 5 * DAY]
    assert (row.visits, row.spent, row.people) == (0, 0, 0)
    assert list(rollups.verify()) == []


def test_two_cards_that_become_one_are_one_person_on_each_day(in_cafe, prompt):
    by = Actor.of_staff(in_cafe.owner)
    other = enrol(card="other", at=NOW - 9 * DAY, by=by)
    for member in (in_cafe.member, other):
        sell(in_cafe, 1000, NOW - 4 * DAY, f"of {member.pk}", member)
    rollups.build(NOW)
    day = TODAY - 4 * DAY
    assert rows()[day].people == 2
    done = merging.merge(other, in_cafe.member, at=NOW, by=by, key="m").merge
    rollups.build(NOW)
    assert (rows()[day].people, rows()[day].visits) == (1, 2)
    merging.unmerge(done, at=NOW, by=by, key="u")
    rollups.build(NOW)
    assert rows()[day].people == 2


def test_points_that_time_ended_count_on_their_day_before_anybody_writes_it(in_cafe, prompt):
    by = Actor.of_staff(in_cafe.owner)
    programs.set_policy(in_cafe.program, {"expiry": {"mode": "lot", "days": 3}}, at=BEGAN, by=by)
    sell(in_cafe, 1000, NOW - 9 * DAY, "a")
    rollups.build(NOW)
    row = rows()[TODAY - 5 * DAY]
    assert (row.expired, row.unwritten, row.outstanding) == (10, 10, 0)
    sweeping.sweep(NOW)
    rollups.build(NOW)
    row = rows()[TODAY - 5 * DAY]
    assert (row.expired, row.unwritten, row.outstanding) == (10, 0, 0)
    assert rollups.build(NOW) == 0


def test_days_are_those_of_the_shop(in_cafe, prompt):
    midnight = dt.datetime(2026, 2, 20, 20, tzinfo=dt.UTC)  # in Dubai
    sell(in_cafe, 1000, midnight - dt.timedelta(microseconds=1), "a")
    sell(in_cafe, 2000, midnight, "b")
    rollups.build(NOW)
    assert rows()[dt.date(2026, 2, 20)].issued == 10
    assert rows()[dt.date(2026, 2, 21)].issued == 20
    by_hand("UPDATE tenants_tenant SET zone = 'Europe/Berlin' WHERE slug = 'cafe'")
    wrong = {(each.date.day, each.kept, each.found) for each in rollups.verify()}
    assert {(20, 10, 30), (21, 20, 0)} <= wrong
    rollups.rebuild(NOW)
    assert rows()[dt.date(2026, 2, 20)].issued == 30
    assert list(rollups.verify()) == []


def test_a_wrong_figure_is_named(lived, prompt):
    rollups.build(NOW)
    day = lived.recent.occurred_at.date()
    DailyStat.objects.filter(date=day).update(
        spent=F("spent") + 5, outstanding=F("outstanding") + 1
    )
    found = {(each.date, each.figure): each.kept - each.found for each in rollups.verify()}
    assert found == {
        (day, "spent"): 5,
        (day, "outstanding"): 1,
        (day + DAY, "outstanding"): -1,
    }
    rollups.rebuild(NOW)
    assert list(rollups.verify()) == []


def test_a_shop_in_which_nothing_has_happened_has_its_first_day_tomorrow(in_cafe):
    assert rollups.build(NOW) == 0
    assert rollups.build(NOW + DAY) == 1  # a member joined today
    assert list(rollups.verify()) == []


def test_one_day_more_costs_the_same_whatever_lies_behind_it(
    in_cafe, prompt, django_assert_max_num_queries
):
    for n in range(40):
        sell(in_cafe, 1000, NOW - n * DAY, f"k{n}")
    rollups.build(NOW)
    with django_assert_max_num_queries(28):
        assert rollups.build(NOW + DAY) == 1
