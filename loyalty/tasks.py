"""What the worker does for each shop by itself."""

from __future__ import annotations

import datetime as dt
import logging

from loyalty import birthdays, books, operations, rollups, sweeping
from tenants import jobs

log = logging.getLogger("portal.books")
# Local hours. By four, the day that points were good through is over, and no clock is put forward
# or back any more. Birthdays begin in the morning, and are looked for again in case nobody did.
SWEEPING, LOOKING_BACK, CELEBRATING = {4}, {5}, {6, 12, 18}


@jobs.periodic("53 2 * * *", name="loyalty.forget_operations_of_all")
def forget_operations_of_all(at: dt.datetime) -> None:
    """Each night, one job a shop."""
    jobs.enqueue_for_all(forget_operations, at=at.isoformat())


@jobs.task(name="loyalty.forget_operations")
def forget_operations(at: str) -> None:
    """Forget the keys of commands that nobody will send again."""
    operations.forget_old(dt.datetime.fromisoformat(at))


@jobs.periodic("29 * * * *", name="loyalty.look_back_where_it_is_night")
def look_back_where_it_is_night(at: dt.datetime) -> None:
    """Each hour, two jobs for each shop in whose night it is, after the sweep."""
    jobs.enqueue_where_it_is(LOOKING_BACK, check_books, at=at)
    jobs.enqueue_where_it_is(LOOKING_BACK, sum_up_days, at=at)


@jobs.task(name="loyalty.check_books")
def check_books(at: str) -> None:
    """Walk the books. The owner reads what was found on her home, whoever looks after the portal in
    the log.
    """
    found = books.check(dt.datetime.fromisoformat(at))
    if found.wrong:
        kinds = sorted({str(fault["kind"]) for fault in found.faults})
        log.error("books wrong", extra={"facts": {"count": found.wrong, "kinds": kinds}})


@jobs.task(name="loyalty.sum_up_days")
def sum_up_days(at: str) -> None:
    """Make the figures of the days that are over, and of those that something reached late."""
    rollups.build(dt.datetime.fromisoformat(at))


@jobs.periodic("7 * * * *", name="loyalty.sweep_where_it_is_night")
def sweep_where_it_is_night(at: dt.datetime) -> None:
    """Each hour, one job for each shop in whose night it is."""
    jobs.enqueue_where_it_is(SWEEPING, sweep, at=at)


@jobs.task(name="loyalty.sweep")
def sweep(at: str) -> None:
    """Write down which points have expired and which can be spent from now on."""
    sweeping.sweep(dt.datetime.fromisoformat(at))


@jobs.periodic("13 * * * *", name="loyalty.celebrate_where_it_is_day")
def celebrate_where_it_is_day(at: dt.datetime) -> None:
    """Each hour, one job for each shop where it is time."""
    jobs.enqueue_where_it_is(CELEBRATING, celebrate, at=at)


@jobs.task(name="loyalty.celebrate")
def celebrate(at: str) -> None:
    """Give everybody whose birthday it is the program's present."""
    birthdays.award(dt.datetime.fromisoformat(at))
