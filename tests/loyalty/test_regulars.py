"""Late is who does not keep her own rhythm."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from loyalty import members, refunds, regulars
from loyalty.enrolment import enrol
from loyalty.purchases import record
from tenants.actors import Actor
from tests.conftest import NOW

DAY = dt.timedelta(days=1)


@pytest.fixture
def comes(in_cafe):
    """comes("Ann", 1, 8, 15): Ann was here so many days ago, once each."""

    def come(name, *days):
        member = enrol(name=name, card=name, at=NOW - 700 * DAY, by=in_cafe.till)
        for n in days:
            at = NOW - n * DAY
            record(member, 1000, at=at, by=in_cafe.till, key=f"{name} {n}")
        return member

    return come


def names():
    return [each.member.name for each in regulars.late(NOW)]


def test_each_is_late_by_her_own_rhythm(comes):
    comes("every week", 11, 18, 25, 32)
    comes("every month", 11, 41, 71, 101)
    comes("every month, away", 50, 80, 110, 140)
    comes("came twice", 300, 301)
    comes("long gone", 100, 107, 114, 121)
    assert names() == ["every week", "every month, away"]
    week, month = regulars.late(NOW)
    assert (week.rhythm, week.days, week.rhythms) == (7, 11, Fraction(11, 7))
    assert (month.rhythm, month.last) == (30, (NOW - 50 * DAY).date())
    assert [each.member.name for each in regulars.late(NOW, limit=1)] == ["every week"]


def test_once_and_a_half_of_it_is_not_yet_late(comes):
    comes("on the edge", 15, 25, 35, 45)
    assert names() == []
    assert [late.member.name for late in regulars.late(NOW + DAY)] == ["on the edge"]


def test_a_holiday_does_not_change_a_rhythm_and_two_sales_on_a_day_are_one_visit(comes, in_cafe):
    member = comes("steady", 12, 19, 26, 90, 97)
    record(member, 500, at=NOW - 12 * DAY, by=in_cafe.till, key="and a cake")
    (late,) = regulars.late(NOW)
    assert late.rhythm == 7


def test_who_is_gone_or_whose_sales_came_back_is_nobodys_regular(comes, in_cafe):
    by = Actor.of_staff(in_cafe.owner)
    members.block(comes("blocked", 11, 18, 25, 32), at=NOW, by=by)
    members.erase(comes("erased", 11, 18, 25, 32), at=NOW, by=by, key="e")
    member = comes("three left", 11, 18, 25, 32)
    sale = member.accounts.get().purchases.order_by("occurred_at").first()
    refunds.void(sale, at=NOW, by=by, key="v")
    assert names() == []


def test_a_rhythm_is_drawn_from_the_last_visits():
    first = dt.date(2026, 1, 1)
    weekly = [first + 7 * n * DAY for n in range(10)]
    daily = [weekly[-1] + n * DAY for n in range(1, 13)]
    assert regulars.rhythm_of(weekly) == 7
    assert regulars.rhythm_of([*weekly, *daily]) == 1
    assert regulars.rhythm_of(weekly[:3]) is None
    assert regulars.rhythm_of([first, *(first + n * DAY for n in (1, 3, 7, 15))]) == 3


def test_however_many_members_there_are_it_is_three_statements(comes, django_assert_num_queries):
    for n in range(8):
        comes(f"m{n}", 11, 18, 25, 32)
    with django_assert_num_queries(3 + 2):  # and a savepoint around the stream
        assert len(regulars.late(NOW)) == 8
