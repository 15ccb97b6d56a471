"""Local days begin where the shop's calendar turns its leaf, whatever its clocks do."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.calendar import (
    add_months,
    ends,
    local_date,
    month_end,
    offset_at,
    spans,
    starts,
    year_end,
)

# Clocks that go by half an hour or two hours, change at midnight, on Fridays, or twice in spring.
ZONES = [
    ZoneInfo(name)
    for name in (
        "Europe/Berlin",
        "America/Los_Angeles",
        "America/Havana",
        "America/Asuncion",
        "America/Nuuk",
        "America/Sao_Paulo",
        "America/Scoresbysund",
        "Africa/Cairo",
        "Africa/Casablanca",
        "Antarctica/Troll",
        "Asia/Amman",
        "Asia/Beirut",
        "Asia/Dhaka",
        "Asia/Dubai",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Chatham",
    )
]
BERLIN = ZONES[0]
zones = st.sampled_from(ZONES)
dates = st.dates(dt.date(2000, 1, 1), dt.date(2037, 12, 31))


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def wall(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def test_the_day_is_the_shops_and_not_utcs():
    assert local_date(utc("2026-05-09T22:30"), BERLIN) == dt.date(2026, 5, 10)
    assert local_date(utc("2026-05-11T06:00"), ZoneInfo("America/Los_Angeles")).day == 10


def test_a_day_is_half_open():
    assert starts(dt.date(2026, 5, 10), BERLIN) == utc("2026-05-09T22:00")
    assert ends(dt.date(2026, 5, 10), BERLIN) == utc("2026-05-10T22:00")


def test_a_day_without_a_midnight_begins_where_the_clocks_jump():
    begins = starts(dt.date(2024, 4, 26), ZoneInfo("Africa/Cairo"))
    assert begins == utc("2024-04-25T22:00")
    assert begins.astimezone(ZoneInfo("Africa/Cairo")).hour == 1


def test_a_day_that_never_was_holds_no_instant():
    apia, never = ZoneInfo("Pacific/Apia"), dt.date(2011, 12, 30)
    assert starts(never, apia) == ends(never, apia)


@given(dates, zones)
def test_a_day_begins_at_its_first_instant(date, zone):
    begins = starts(date, zone)
    assert local_date(begins, zone) >= date
    assert local_date(begins - dt.timedelta(microseconds=1), zone) < date


@pytest.mark.parametrize(
    ("date", "months", "later"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-05-15", 12, "2027-05-15"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-01-15", -13, "2024-12-15"),
        ("2026-01-15", 0, "2026-01-15"),
    ],
)
def test_months_later_is_the_same_day_or_the_months_last(date, months, later):
    assert add_months(dt.date.fromisoformat(date), months) == dt.date.fromisoformat(later)


def test_months_and_years_end():
    assert month_end(dt.date(2028, 2, 3)) == dt.date(2028, 2, 29)
    assert year_end(dt.date(2028, 2, 29)) == dt.date(2028, 12, 31)


@given(dates, zones, st.integers(0, 24 * 60), st.integers(1, 24 * 60))
def test_spans_are_the_instants_at_which_the_clock_shows_that_time(date, zone, minute, length):
    begin = dt.datetime.combine(date, dt.time()) + dt.timedelta(minutes=minute)
    end = begin + dt.timedelta(minutes=length)
    found = list(spans(begin, end, zone))

    def shows(at: dt.datetime) -> bool:
        return begin <= at.astimezone(zone).replace(tzinfo=None) < end

    tick = dt.timedelta(microseconds=1)
    for span in found:
        assert shows(span.start)
        assert shows(span.end - tick)
        assert not shows(span.start - tick)
        assert not shows(span.end)
    at = starts(date, zone) - dt.timedelta(hours=3)
    for n in range(0, 54 * 60, 15):
        instant = at + dt.timedelta(minutes=n)
        assert shows(instant) == any(s.start <= instant < s.end for s in found), instant


def test_the_hour_that_comes_twice_is_two_spans_where_it_is_cut():
    found = spans(wall("2026-10-25T01:30"), wall("2026-10-25T02:30"), BERLIN)
    assert [(s.start, s.end) for s in found] == [
        (utc("2026-10-24T23:30"), utc("2026-10-25T00:30")),
        (utc("2026-10-25T01:00"), utc("2026-10-25T01:30")),
    ]


def test_the_hour_that_is_skipped_is_no_span():
    found = spans(wall("2026-03-29T02:00"), wall("2026-03-29T03:00"), BERLIN)
    assert list(found) == []


def test_an_offset_is_that_of_the_instant():
    assert offset_at(utc("2026-03-29T00:59"), BERLIN) == dt.timedelta(hours=1)
    assert offset_at(utc("2026-03-29T01:00"), BERLIN) == dt.timedelta(hours=2)
