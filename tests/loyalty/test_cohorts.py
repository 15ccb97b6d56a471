"""Who came again, by the month in which she joined."""

from __future__ import annotations

import datetime as dt

from loyalty import cohorts, merging, refunds
from loyalty.cohorts import Cohort, Repeat
from loyalty.enrolment import enrol
from loyalty.purchases import record
from tenants.actors import Actor
from tests.conftest import NOW

DAY = dt.timedelta(days=1)


def at(month, day, hour=9):
    return dt.datetime(2026, month, day, hour, tzinfo=dt.UTC)


def join(shop, name, when):
    return enrol(name=name, card=name, at=when, by=shop.till)


def buy(shop, member, *times):
    for when in times:
        record(member, 500, at=when, by=shop.till, key=f"{member.name} {when}")


def test_each_month_says_how_many_of_its_members_bought_in_each_month_after_it(in_cafe):
    ann, bob = join(in_cafe, "ann", at(1, 5)), join(in_cafe, "bob", at(1, 31, 21))  # February there
    join(in_cafe, "cat", at(1, 7))
    buy(in_cafe, ann, at(1, 5), at(1, 6), at(3, 1))
    buy(in_cafe, bob, at(2, 28, 21))  # March there
    assert cohorts.cohorts(NOW, months=3) == [
        Cohort(dt.date(2026, 1, 1), 2, [1, 0, 1]),
        Cohort(dt.date(2026, 2, 1), 1, [0, 1]),
        Cohort(dt.date(2026, 3, 1), 1, [0]),  # the member whom the shop opened with
    ]
    assert [each.month.month for each in cohorts.cohorts(NOW)][:2] == [4, 5]


def test_repeat_and_active_count_sales_that_stand(in_cafe):
    by = Actor.of_staff(in_cafe.owner)
    ann, bob = join(in_cafe, "ann", at(1, 5)), join(in_cafe, "bob", at(1, 5))
    buy(in_cafe, ann, at(1, 5), at(1, 6))
    sale = record(bob, 500, at=NOW - DAY, by=in_cafe.till, key="b1").purchase
    record(bob, 500, at=NOW, by=in_cafe.till, key="b2")
    assert cohorts.repeat(NOW) == Repeat(bought=2, again=2)
    assert (cohorts.active(NOW), cohorts.active(NOW, days=30)) == (2, 1)
    refunds.void(sale, at=NOW, by=by, key="v")
    assert cohorts.repeat(NOW) == Repeat(bought=2, again=1)
    assert cohorts.repeat(at(1, 5)) == Repeat(bought=1, again=0)


def test_two_cards_that_became_one_are_one_member(in_cafe):
    by = Actor.of_staff(in_cafe.owner)
    ann, again = join(in_cafe, "ann", at(2, 1)), join(in_cafe, "again", at(2, 2))
    buy(in_cafe, ann, at(2, 3))
    buy(in_cafe, again, at(2, 4))
    merging.merge(again, ann, at=NOW, by=by, key="m")
    assert cohorts.cohorts(NOW, months=2)[0] == Cohort(dt.date(2026, 2, 1), 1, [1, 0])
    assert cohorts.repeat(NOW) == Repeat(bought=1, again=1)
