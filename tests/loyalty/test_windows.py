"""Windows are read off the clock on the shop's wall."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import windows
from loyalty.reading import Fields
from loyalty.refusals import BadConditions
from loyalty.windows import ALL, DAYS, Hours, Window, next_openings, period
from tests.loyalty.test_calendar import ZONES, utc

BERLIN = ZoneInfo("Europe/Berlin")


def window(**found: object) -> Window:
    data = {name.rstrip("_"): value for name, value in found.items()}
    return windows.read(Fields(data, BadConditions))


def berlin(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def is_open(found: Window, text: str) -> bool:
    at = dt.datetime.fromisoformat(text)
    return found.is_open(at if at.tzinfo else at.replace(tzinfo=BERLIN), BERLIN)


def test_the_end_of_a_happy_hour_is_no_part_of_it():
    happy = window(days=["tue"], hours="14:00-17:00")
    times = ["12T13:59:59", "12T14:00", "12T16:59:59", "12T17:00", "13T15:00"]
    assert [is_open(happy, f"2026-05-{t}") for t in times] == [False, True, True, False, False]


def test_over_midnight_belongs_to_the_evening_it_begins_on():
    late = window(days=["fri"], hours="22:00-02:00")
    times = ["15T21:59", "15T22:00", "16T01:59", "16T02:00", "15T01:00"]
    assert [is_open(late, f"2026-05-{t}") for t in times] == [False, True, True, False, False]


def test_dates_are_those_of_the_evening_too():
    late = window(from_="2026-05-15", until="2026-05-15", hours="22:00-02:00")
    times = ["15T01:00", "15T23:00", "16T01:00", "16T23:00"]
    assert [is_open(late, f"2026-05-{t}") for t in times] == [False, True, True, False]


def test_dates_are_whole_local_days_both_of_them():
    may = window(from_="2026-05-01", until="2026-05-31")
    times = ["04-30T23:59:59", "05-01T00:00", "05-31T23:59:59", "06-01T00:00"]
    assert [is_open(may, f"2026-{t}") for t in times] == [False, True, True, False]


def test_the_hour_that_comes_twice_is_open_twice():
    night = window(hours="02:00-03:00")
    times = ["00:00", "00:30", "01:30", "02:00"]
    assert [is_open(night, f"2026-10-25T{t}+00:00") for t in times] == [True, True, True, False]


def test_the_hour_that_is_skipped_is_not_open():
    night = window(hours="02:00-03:00")
    times = ["00:59:59", "01:00", "01:30", "02:00"]
    assert not any(is_open(night, f"2026-03-29T{t}+00:00") for t in times)
    assert is_open(night, "2026-03-28T01:30+00:00")


def test_the_wall_clock_counts_in_summer_and_winter():
    three = window(hours="15:00-16:00")
    assert is_open(three, "2026-03-28T14:10+00:00")
    assert not is_open(three, "2026-03-29T14:10+00:00")
    assert is_open(three, "2026-03-29T13:10+00:00")


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("14:00-17:00", 840, 1020),
        ("9:05-10:00", 545, 600),
        ("22:00-02:00", 1320, 120),
        ("10:00-10:00", 600, 600),
        ("18:00-24:00", 1080, 1440),
        ("18:00-00:00", 1080, 0),
    ],
)
def test_hours(text, begin, end):
    assert window(hours=text).hours == Hours(begin, end)


def test_hours_that_end_where_they_begin_are_a_whole_day_from_there():
    day = window(days=["fri"], hours="10:00-10:00")
    times = ["15T09:59", "15T10:00", "16T09:59", "16T10:00"]
    assert [is_open(day, f"2026-05-{t}") for t in times] == [False, True, True, False]


@pytest.mark.parametrize("text", ["00:00-24:00", "00:00-00:00", ""])
def test_all_hours_are_no_condition(text):
    assert not window(hours=text)


def test_all_days_are_no_condition():
    assert not window(days=list(DAYS))


@pytest.mark.parametrize(
    ("found", "field"),
    [
        ({"hours": "14-17"}, "hours"),
        ({"hours": "24:00-25:00"}, "hours"),
        ({"hours": "14:60-15:00"}, "hours"),
        ({"hours": "14:00-24:01"}, "hours"),
        ({"hours": 14}, "hours"),
        ({"days": ["tuesday"]}, "days"),
        ({"days": "tue"}, "days"),
        ({"from": "2026-02-30"}, "from"),
        ({"until": "tomorrow"}, "until"),
        ({"from": "2026-05-02", "until": "2026-05-01"}, "until"),
    ],
)
def test_what_is_no_window_is_refused_by_name(found, field):
    with pytest.raises(BadConditions) as refused:
        windows.read(Fields(found, BadConditions))
    assert refused.value.field == field
    assert str(refused.value).startswith(f"{field}: ")


some_windows = st.builds(
    Window,
    first=st.none() | st.dates(dt.date(2026, 10, 20), dt.date(2026, 10, 30)),
    last=st.none() | st.dates(dt.date(2026, 10, 30), dt.date(2026, 11, 9)),
    days=st.frozensets(st.integers(0, 6), max_size=6),
    hours=st.none() | st.builds(Hours, st.integers(1, 1439), st.integers(0, 1440)),
)


@given(some_windows)
def test_a_window_reads_back(found):
    assert windows.read(Fields(windows.as_data(found), BadConditions)) == found


@given(some_windows, st.sampled_from(ZONES), st.integers(0, 20 * 96))
def test_the_next_openings_are_when_it_is_open(found, zone, quarter):
    at = utc("2026-10-20T00:07") + dt.timedelta(minutes=15 * quarter)
    if not found:
        return
    coming = next_openings(found, at, zone, n=3)
    assert all(o.end is None or o.end > at for o in coming)
    closes = [o.end for o in coming]
    until = closes[-1] if len(coming) == 3 and closes[-1] else at + dt.timedelta(days=6)
    instant = at
    while instant < min(until, at + dt.timedelta(days=6)):
        shown = any(
            (o.start is None or o.start <= instant) and (o.end is None or instant < o.end)
            for o in coming
        )
        assert found.is_open(instant, zone) == shown, instant
        instant += dt.timedelta(minutes=31)


def test_the_next_three_happy_hours():
    happy = window(days=["tue"], hours="14:00-17:00")
    found = next_openings(happy, berlin("2026-10-20T15:00"), BERLIN)
    assert [o.start for o in found] == [
        utc("2026-10-20T12:00"),  # it has begun
        utc("2026-10-27T13:00"),  # the clocks went back
        utc("2026-11-03T13:00"),
    ]


def test_days_that_follow_each_other_are_one_opening():
    weekend = window(days=["fri", "sat"])
    (first, _, _) = next_openings(weekend, berlin("2026-05-16T12:00"), BERLIN)
    assert first == (berlin("2026-05-15T00:00"), berlin("2026-05-17T00:00"))


def test_dates_alone_are_one_opening_and_none_when_they_are_over():
    may = window(from_="2026-05-01", until="2026-05-31")
    whole = (berlin("2026-05-01T00:00"), berlin("2026-06-01T00:00"))
    assert next_openings(may, berlin("2026-04-01T00:00"), BERLIN) == [whole]
    assert next_openings(may, berlin("2026-06-01T00:00"), BERLIN) == []
    since = window(from_="2026-05-01")
    assert next_openings(since, utc("2026-07-01"), BERLIN) == [(whole[0], None)]


def test_what_is_always_open_has_no_openings():
    assert next_openings(Window(), utc("2026-07-01"), BERLIN) == []


@pytest.mark.parametrize(
    ("per", "start", "end"),
    [
        ("day", "2026-05-14T00:00", "2026-05-15T00:00"),
        ("week", "2026-05-11T00:00", "2026-05-18T00:00"),
        ("month", "2026-05-01T00:00", "2026-06-01T00:00"),
        ("year", "2026-01-01T00:00", "2027-01-01T00:00"),
    ],
)
def test_periods_are_those_of_the_shops_calendar(per, start, end):
    at = utc("2026-05-13T22:30")  # the 14th in Berlin, a Thursday
    assert period(per, at, BERLIN) == (berlin(start), berlin(end))
    assert period(ALL, at, BERLIN) is None
