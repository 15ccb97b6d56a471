"""Local days, and the instants at which they begin. Pure: the caller brings the time and the zone.

What people are promised ends with a day of the shop ("valid through"); what we compare and keep are
instants, half-open: the first one of the day after.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections.abc import Iterator
from typing import NamedTuple

DAY = dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)
LAST = dt.date(9998, 12, 31)  # that may be promised: its end is an instant in every zone


class Span(NamedTuple):
    """From `start` until before `end`."""

    start: dt.datetime
    end: dt.datetime


def local_date(at: dt.datetime, zone: dt.tzinfo) -> dt.date:
    """The day that the shop's calendar shows at an instant."""
    return at.astimezone(zone).date()


def starts(date: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """The first instant of a local day, in UTC.

    Where the clocks skip midnight, that is the instant of the skip; a day that never was (Samoa's
    30 December 2011) begins where the next one does, so it holds no instant.
    """
    # Of a skipped wall time Python takes the offset before the skip (PEP 495): the skip itself.
    midnight = dt.datetime(date.year, date.month, date.day, tzinfo=zone)
    return midnight.astimezone(dt.UTC)


def ends(date: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """The first instant that is no longer in a local day: what is valid through it is gone then.

    Raises OverflowError at the end of all days: who reads a day refuses what is later than LAST.
    """
    return starts(date + DAY, zone)


def add_months(date: dt.date, months: int) -> dt.date:
    """The same day `months` later (or earlier), or the month's last: 31 January + 1 is 28
    February.
    """
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    return date.replace(year=year, month=month + 1, day=min(date.day, days_in(year, month + 1)))


def days_in(year: int, month: int) -> int:
    return monthrange(year, month)[1]


def month_end(date: dt.date) -> dt.date:
    """The last day of the date's month."""
    return date.replace(day=days_in(date.year, date.month))


def year_end(date: dt.date) -> dt.date:
    """The last day of the date's year."""
    return date.replace(month=12, day=31)


def spans(begin: dt.datetime, end: dt.datetime, zone: dt.tzinfo) -> Iterator[Span]:
    """The stretches, in UTC, during which the clock on the wall shows `begin` until before `end`.

    Both are naive, less than a few days apart. Mostly there is one stretch. When clocks go back
    there may be two, when they go forward one may be shorter, or missing.
    """
    start = stop = None
    for piece, offset in _pieces(begin - DAY, end + DAY, zone):
        since = max(piece.start, begin.replace(tzinfo=dt.UTC) - offset)
        until = min(piece.end, end.replace(tzinfo=dt.UTC) - offset)
        if since >= until:
            continue
        if start and stop and since > stop:
            yield Span(start, stop)
            start = None
        start, stop = start or since, until
    if start and stop:
        yield Span(start, stop)


def _pieces(
    begin: dt.datetime, end: dt.datetime, zone: dt.tzinfo
) -> Iterator[tuple[Span, dt.timedelta]]:
    """The time between, in pieces of one offset from UTC each. Clocks change once in that time."""
    start, stop = begin.replace(tzinfo=dt.UTC), end.replace(tzinfo=dt.UTC)
    first, last = offset_at(start, zone), offset_at(stop, zone)
    if first == last:
        yield Span(start, stop), first
        return
    before, after = start, stop
    while after - before > SECOND:
        middle = before + (after - before) // SECOND // 2 * SECOND
        before, after = (middle, after) if offset_at(middle, zone) == first else (before, middle)
    yield Span(start, after), first
    yield Span(after, stop), last


def offset_at(at: dt.datetime, zone: dt.tzinfo) -> dt.timedelta:
    """How far the clock on the wall is from UTC at an instant."""
    return at.astimezone(zone).utcoffset() or dt.timedelta(0)
