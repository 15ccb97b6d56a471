"""When something is open, by the clock on the shop's wall: dates, weekdays, hours.

Hours that do not begin before they end go over midnight and belong to the evening on which they
begin: Friday 22:00-02:00 is open on Saturday at 01:00 and not on Friday at 01:00. When clocks go
back, the hour that comes twice is open twice; when they go forward, the one that is skipped is not.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from loyalty.calendar import DAY, Span, ends, local_date, month_end, spans, starts, year_end
from loyalty.reading import Fields

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK, MONTH, YEAR, ALL = "week", "month", "year", "all"
PERIODS = (ALL, "day", WEEK, MONTH, YEAR)
HOURS = re.compile(r"(\d{1,2}):([0-5]\d)-(\d{1,2}):([0-5]\d)", re.ASCII)
MIDNIGHT = 24 * 60
AHEAD = 400  # days to look for what comes next; what has weekdays comes every week


class Hours(NamedTuple):
    """Minutes of the wall clock: open from `begin`, closed again at `end`."""

    begin: int
    end: int

    @property
    def is_overnight(self) -> bool:
        return self.begin >= self.end

    def __str__(self) -> str:
        return f"{clock(self.begin)}-{clock(self.end)}"


class Opening(NamedTuple):
    """Open from `start` until before `end`; None: since ever, or for ever."""

    start: dt.datetime | None
    end: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Window:
    """`first` and `last` are local days, both in it; `days` are weekdays, Monday is 0, none for
    all.
    """

    first: dt.date | None = None
    last: dt.date | None = None
    days: frozenset[int] = frozenset()
    hours: Hours | None = None

    def __bool__(self) -> bool:
        return self != ALWAYS

    def is_open(self, at: dt.datetime, zone: dt.tzinfo) -> bool:
        """Is it open at that instant?"""
        local = at.astimezone(zone)
        return self.holds(local.date(), local.hour * 60 + local.minute)

    def holds(self, date: dt.date, minute: int) -> bool:
        """Is it open when the clock on the wall shows that day and minute?"""
        if self.hours is None:
            return self.begins_on(date)
        begin, end = self.hours
        if begin < end:
            return begin <= minute < end and self.begins_on(date)
        if minute >= begin:
            return self.begins_on(date)
        return minute < end and self.begins_on(date - DAY)

    def begins_on(self, date: dt.date) -> bool:
        """Is this one of its days? What goes over midnight belongs to the day it begins on."""
        return (
            (not self.days or date.weekday() in self.days)
            and (self.first is None or self.first <= date)
            and (self.last is None or date <= self.last)
        )


ALWAYS = Window()


def read(given: Fields) -> Window:
    """The window among the fields from, until, days and hours; refuses what is none."""
    first, last = given.date("from"), given.date("until")
    if first and last and last < first:
        raise given.refuse("until", _("This ends before it begins."))
    names = given.names("days")
    if unknown := sorted(names - set(DAYS)):
        raise given.refuse(
            "days",
            _("%(day)s is none of mon, tue, wed, thu, fri, sat and sun.") % {"day": unknown[0]},
        )
    days = frozenset(DAYS.index(name) for name in names)
    return Window(first, last, days if len(days) < len(DAYS) else frozenset(), _hours(given))


def as_data(window: Window) -> dict[str, object]:
    """The JSON that reads back as this window."""
    found: dict[str, object] = {}
    if window.first:
        found["from"] = window.first.isoformat()
    if window.last:
        found["until"] = window.last.isoformat()
    if window.days:
        found["days"] = [DAYS[day] for day in sorted(window.days)]
    if window.hours:
        found["hours"] = str(window.hours)
    return found


def next_openings(window: Window, at: dt.datetime, zone: dt.tzinfo, n: int = 3) -> list[Opening]:
    """The next `n` times it is open, in UTC; the first may have begun already.

    Days that follow each other are one opening. What is always open has none worth naming.
    """
    if not window:
        return []
    if not window.hours and not window.days:
        whole = Opening(
            starts(window.first, zone) if window.first else None,
            ends(window.last, zone) if window.last else None,
        )
        return [] if whole.end and whole.end <= at else [whole]
    coming = (each for each in _openings(window, at, zone) if each.end > at)
    return [Opening(*each) for each in islice(coming, n)]


def period(per: str, at: dt.datetime, zone: dt.tzinfo) -> Span | None:
    """The local day, week (from Monday), month or year around an instant; None for "all"."""
    today = local_date(at, zone)
    if per == WEEK:
        first = today - dt.timedelta(days=today.weekday())
        last = first + dt.timedelta(days=6)
    elif per == MONTH:
        first, last = today.replace(day=1), month_end(today)
    elif per == YEAR:
        first, last = today.replace(month=1, day=1), year_end(today)
    else:
        first = last = today
    return None if per == ALL else Span(starts(first, zone), ends(last, zone))


def clock(minutes: int) -> str:
    """14:00"""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _hours(given: Fields) -> Hours | None:
    text = given.text("hours")
    if not text:
        return None
    found = HOURS.fullmatch(text.strip())
    if found is None:
        raise given.refuse("hours", _("Write hours as 14:00-17:00."))
    hour, minute, until_hour, until_minute = map(int, found.groups())
    begin, end = hour * 60 + minute, until_hour * 60 + until_minute
    if begin >= MIDNIGHT or end > MIDNIGHT:
        raise given.refuse("hours", _("The clock has no such time."))
    return None if begin == 0 and end in {0, MIDNIGHT} else Hours(begin, end)


def _openings(window: Window, at: dt.datetime, zone: dt.tzinfo) -> Iterator[Span]:
    """Every opening from about `at` on, in order."""
    days = _days(window, local_date(at, zone))
    if window.hours:
        for date in days:
            yield from spans(*_walls(date, window.hours), zone)
        return
    run: list[dt.date] = []
    for date in days:
        if run and date - run[-1] > DAY:
            yield Span(starts(run[0], zone), ends(run[-1], zone))
            run = []
        run.append(date)
    if run:
        yield Span(starts(run[0], zone), ends(run[-1], zone))


def _days(window: Window, today: dt.date) -> Iterator[dt.date]:
    """Its days, from the run that may still be open today on."""
    date = max(today - 7 * DAY, window.first or dt.date.min)
    for _n in range(AHEAD):
        if window.last and date > window.last:
            return
        if window.begins_on(date):
            yield date
        date += DAY


def _walls(date: dt.date, hours: Hours) -> tuple[dt.datetime, dt.datetime]:
    midnight = dt.datetime.combine(date, dt.time())
    end = hours.end + (MIDNIGHT if hours.is_overnight else 0)
    return midnight + dt.timedelta(minutes=hours.begin), midnight + dt.timedelta(minutes=end)
