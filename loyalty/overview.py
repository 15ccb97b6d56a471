"""The figures of a shop's day-book, kept for a little while: until the next sale, in most shops."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from loyalty import books, insights
from loyalty.insights import Day, Returning, Standing, Today
from loyalty.models import Account, BooksCheck, Entry, Member, Program, Purchase
from tenants.models import Shop
from tenants.reads import Kept


@dataclass(frozen=True, slots=True)
class Checked:
    """When the books were last walked, how many entries there were, and how much was wrong: on the
    cards with these codes, and perhaps on none.
    """

    at: dt.datetime
    entries: int
    wrong: int
    cards: list[str]


@dataclass(frozen=True, slots=True)
class Overview:
    """What the owner sees first. `today.at` says as of when."""

    today: Today
    returning: Returning
    standing: Standing
    month: list[Day]
    checked: Checked | None = None


# The Shop, for its days: a visit is counted in its time zone.
HOME = Kept(
    "home",
    Overview,
    seconds=30,
    of=[Account, BooksCheck, Entry, Member, Program, Purchase, Shop],
)


def overview(at: dt.datetime) -> Overview:
    """The figures at `at`, or of up to thirty seconds before if nothing was written since. No
    statement, or eleven.
    """

    def read() -> Overview:
        return Overview(
            today=insights.today(at),
            returning=insights.returning(at),
            standing=insights.standing(at),
            month=insights.thirty_days(at),
            checked=_checked(),
        )

    return HOME.get(read)


def _checked() -> Checked | None:
    found = books.last_check()
    if found is None:
        return None
    cards = dict.fromkeys(fault["member"] for fault in found.faults if fault["member"])
    return Checked(found.at, found.entries, found.wrong, list(cards))
