"""Figures are what the books say."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.db import connection

from loyalty import history, insights, ledger, programs, roster
from loyalty.enrolment import enrol
from loyalty.finding import search
from loyalty.models import Entry
from loyalty.purchases import record
from loyalty.refunds import void
from tests.conftest import NOW

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.fixture
def busy(in_cafe):
    """Three sales today, one undone; two a week ago, one of them later in the day."""
    bob = enrol(name="Bob Zuckerman", phone="0507654321", at=NOW, by=in_cafe.till)
    plan = [
        (in_cafe.member, 1000, NOW - 7 * DAY - HOUR),
        (in_cafe.member, 1000, NOW - 7 * DAY + 3 * HOUR),
        (in_cafe.member, 2500, NOW - HOUR),
        (bob, 1500, NOW - HOUR / 2),
        (bob, 9900, NOW - HOUR / 5),
    ]
    sales = [
        record(who, total, at=at, by=in_cafe.till, key=f"k{n}").purchase
        for n, (who, total, at) in enumerate(plan)
    ]
    void(sales[-1], at=NOW, by=in_cafe.till, key="u")
    in_cafe.bob = bob
    return in_cafe


def test_today_compares_with_last_week_until_the_same_time(busy):
    today = insights.today(NOW)
    assert (today.visits, today.visits_before, today.that_day) == (2, 1, 2)
    assert (today.people, today.spent, today.points_given, today.joined) == (2, 4000, 40, 2)
    assert sum(today.by_hour) == 2
    assert today.by_hour[12] == 2  # Dubai


def test_thirty_days_have_thirty_rows_and_the_last_is_today(busy):
    days = insights.thirty_days(NOW)
    assert len(days) == 30
    assert (days[-1].date, days[-1].visits, days[-1].points) == (dt.date(2026, 3, 2), 2, 40)
    assert (days[-8].visits, days[-2].visits) == (2, 0)


def test_what_is_owed_is_what_members_hold(busy):
    standing = insights.standing(NOW)
    assert (standing.members, standing.outstanding, standing.given) == (2, 60, 60)


def test_who_came_back(in_cafe):
    bob = enrol(phone="0507654321", at=NOW, by=in_cafe.till)
    for n, (who, at) in enumerate(
        [(in_cafe.member, NOW - 40 * DAY), (bob, NOW - 45 * DAY), (bob, NOW - DAY)]
    ):
        record(who, 100, at=at, by=in_cafe.till, key=f"k{n}")
    found = insights.returning(NOW)
    assert (found.bought, found.came_back, found.percent) == (2, 1, 50.0)
    assert insights.returning(NOW - 100 * DAY).percent is None


def test_the_counter_the_timeline_and_the_card_show_the_newest_first(busy):
    assert [e.amount for e in insights.at_the_counter(2)] == [-99, 99]
    assert [e.amount for e in history.timeline(busy.bob)] == [-99, 99, 15]
    account = ledger.account_of(busy.member)
    assert account.balance == 45
    assert [e.amount for e in history.last_entries(account)] == [25, 10, 10]
    assert len(history.visits_of(busy.bob)) == 1


@pytest.fixture
def crowded(in_cafe):
    """Nine entries at three instants, as jobs write them: many of one moment."""
    for n in range(9):
        at = NOW - n // 3 * HOUR
        record(in_cafe.member, 100 * (n + 1), at=at, by=in_cafe.till, key=f"k{n}")
    return in_cafe


@pytest.mark.parametrize("step", [1, 2, 3, 4, 9])
def test_page_after_page_no_line_is_lost_and_none_comes_twice(crowded, step):
    def pages(read):
        place, found = None, []
        while more := read(limit=step, before=place):
            found += more
            place = history.Place.of(more[-1])
        return [entry.amount for entry in found]

    everything = [entry.amount for entry in insights.at_the_counter(99)]
    assert len(everything) == 9
    assert pages(insights.at_the_counter) == everything
    assert pages(lambda **about: history.timeline(crowded.member, **about)) == everything


def test_what_stood_before_a_line_is_what_all_the_older_ones_come_to(crowded):
    account = ledger.account_of(crowded.member)
    entries = history.timeline(crowded.member)
    assert history.standing_before(account, None) == sum(each.amount for each in entries)
    for n, entry in enumerate(entries):
        older = sum(each.amount for each in entries[n + 1 :])
        assert history.standing_before(account, history.Place.of(entry)) == older


def test_older_lines_are_read_along_the_index_of_time(crowded):
    place = history.Place.of(history.timeline(crowded.member)[4])
    older = history.older_than(Entry.objects.all(), place).order_by("-occurred_at", "-id")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    plan = older[:40].explain()
    condition = re.search(r"using entry_by_time.*\n +Index Cond: (.+)", plan)
    assert condition, plan
    assert "occurred_at <=" in condition[1], plan


def test_members_can_be_sorted_by_what_their_account_says(busy, django_assert_num_queries):
    with django_assert_num_queries(3):
        page = roster.page_of(search(""), programs.current(), sort="points")
        assert [(m.name, m.balance) for m in page] == [("Amina Rahman", 45), ("Bob Zuckerman", 15)]
    by = {
        sort: [m.name[0] for m in roster.page_of(search(""), programs.current(), sort=sort)]
        for sort in roster.SORTS
    }
    assert by["last"] == ["B", "A"]
    assert by["name"] == ["A", "B"]
    assert [m.name for m in roster.page_of(search("zuck"), programs.current())] == ["Bob Zuckerman"]
    assert len(roster.page_of(search(""), programs.current(), sort="nonsense", number=99)) == 2
