"""The accountant's figures: they add up at any instant, swept or not."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from loyalty import adjustments, programs, refunds, report, state, sweeping
from loyalty.enrolment import enrol
from loyalty.models import Account, Lot
from loyalty.purchases import record
from tenants.actors import Actor
from tests.conftest import NOW
from tests.loyalty.living import BEGAN, DAY, live

HOUR = dt.timedelta(hours=1)


def adds_up(told):
    gone = told.redeemed + told.expired + told.clawed + told.forfeited
    return told.issued == gone + told.outstanding


@pytest.fixture
def expiring(in_cafe):
    """Points live for 60 days; one is worth three and a half fils."""
    policy = {"expiry": {"mode": "lot", "days": 60}, "point_value": "3.5"}
    programs.set_policy(in_cafe.program, policy, at=BEGAN, by=Actor.of_staff(in_cafe.owner))
    return in_cafe


def sell(shop, member, total, at, key):
    return record(member, total, at=at, by=shop.till, key=key).purchase


def test_points_that_time_has_ended_are_expired_before_anybody_writes_it(expiring):
    ann, bob = expiring.member, enrol(card="bob", at=BEGAN, by=expiring.till)
    sell(expiring, ann, 15000, BEGAN, "a")
    sell(expiring, ann, 5000, BEGAN + 31 * DAY, "b")
    sale = sell(expiring, bob, 8000, BEGAN + 72 * DAY, "c")
    refunds.refund(sale, amount=3000, at=BEGAN + 73 * DAY, by=expiring.till, key="r")
    at = BEGAN + 77 * DAY
    Account.objects.filter(member=ann).update(next_change_at=BEGAN + 61 * DAY)
    told = report.report(at)
    assert (told.issued, told.redeemed, told.clawed, told.forfeited) == (280, 0, 30, 0)
    assert (told.expired, told.outstanding) == (150, 100)
    assert told.liability == 350
    assert adds_up(told)
    sweeping.sweep(at)
    assert not Lot.objects.filter(expires_at__lte=at, remaining__gt=0).exists()
    assert report.report(at) == told


def test_the_past_stays_as_it_was(in_cafe):
    lived = live(in_cafe)
    days = [BEGAN + n * DAY for n in range(-1, 92, 7)]
    told = [report.report(at) for at in days]
    assert all(map(adds_up, told))
    sweeping.sweep(NOW + 200 * DAY)
    refunds.void(lived.first, at=NOW + 201 * DAY, by=lived.owner, key="late")
    assert [report.report(at) for at in days] == told
    assert told[0].members == 0
    assert told[1].issued > 0


def test_outstanding_is_what_members_hold_less_what_they_owe(in_cafe):
    lived = live(in_cafe)
    for at in (NOW, NOW + 5 * DAY, NOW + 100 * DAY):
        named = (lived.ann, lived.bob, lived.cat, lived.dan, lived.eve, lived.fay)
        states = [state.state_of(member, at=at) for member in (*named, in_cafe.member)]
        held = sum(each.balance + each.pending - each.debt for each in states)
        assert report.report(at).outstanding == held


def test_members_are_those_of_that_day(in_cafe):
    lived = live(in_cafe)
    # Of five one was erased and two were joined; then one was brought, joined and parted again, and
    # the last is the one that the shop opened with.
    erased, joined, parted = BEGAN + 71 * DAY, lived.merge.at, BEGAN + 83 * DAY
    times = (erased - HOUR, erased, joined, parted - 2 * DAY, parted, NOW)
    assert [report.report(at).members for at in times] == [5, 4, 3, 3, 4, 5]
    before, after = (report.report(at).repeat for at in (BEGAN + 4 * DAY - HOUR, NOW))
    assert (before, after) == (0, 2)  # a sale that came back is none


def test_a_sale_counts_until_the_moment_it_came_back(expiring):
    sell(expiring, expiring.member, 1000, BEGAN, "a")
    sale = sell(expiring, expiring.member, 1000, BEGAN + DAY, "b")
    refunds.void(sale, at=BEGAN + 3 * DAY, by=Actor.of_staff(expiring.owner), key="v")
    told = [report.report(BEGAN + n * DAY) for n in (1, 2, 3)]
    assert [each.repeat for each in told] == [1, 1, 0]
    assert [each.clawed for each in told] == [0, 0, 10]


def test_what_is_owed_is_rounded_down_and_a_debt_takes_away(expiring):
    sale = sell(expiring, expiring.member, 1500, BEGAN, "a")
    told = report.report(BEGAN)
    assert (told.outstanding, told.liability) == (15, 52)
    by = Actor.of_staff(expiring.owner)
    adjustments.adjust(expiring.member, -15, reason="spent", at=BEGAN, by=by, key="x")
    refunds.void(sale, at=BEGAN, by=by, key="v")
    told = report.report(BEGAN)
    assert (told.issued, told.clawed, told.outstanding, told.liability) == (0, 15, -15, -53)
    assert adds_up(told)


def test_breakage_is_told_by_the_month_in_which_points_were_given(expiring):
    sell(expiring, expiring.member, 10000, dt.datetime(2026, 1, 31, 20, 30, tzinfo=dt.UTC), "a")
    sell(expiring, expiring.member, 3000, dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC), "b")
    by = Actor.of_staff(expiring.owner)
    adjustments.adjust(expiring.member, -25, reason="x", at=NOW, by=by, key="x")
    told = report.breakage(NOW + 40 * DAY)
    # It was February already in Dubai.
    assert [(each.month, each.credited, each.expired) for each in told] == [
        (dt.date(2026, 2, 1), 100, 75),
        (dt.date(2026, 3, 1), 30, 0),
    ]
    assert told[0].share == Fraction(3, 4)
    sweeping.sweep(NOW + 40 * DAY)
    assert report.breakage(NOW + 40 * DAY) == told


def test_a_report_is_a_handful_of_statements(in_cafe, django_assert_max_num_queries):
    live(in_cafe)
    with django_assert_max_num_queries(9):
        report.report(NOW)
