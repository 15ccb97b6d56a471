"""The figures of a shop's day-book, kept for a little while: until the next sale, in most shops."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import F

from loyalty import books, insights, report
from loyalty.insights import Day, Returning, Standing, Today
from loyalty.models import Account, BooksCheck, Entry, Member, Program, Purchase, Reward
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
    statement, or twelve.
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


@dataclass(frozen=True, slots=True)
class Owed:
    """The books in one line: issued = redeemed + ended + outstanding. `ended` is what expired, was
    taken back or given up. `worth` is what the outstanding points are worth to their holders,
    `making` what it costs the shop to honour them, both in minor units; None where the program does
    not say.
    """

    issued: int
    redeemed: int
    ended: int
    outstanding: int
    worth: int | None
    making: int | None


# The accountant's figures read every entry that there is: up to a minute old, whatever is sold
# meanwhile.
OWED = Kept("owed", Owed, seconds=60, of=[Program, Reward])


def owed(at: dt.datetime) -> Owed:
    """What the shop owes at `at`, or up to a minute before. No statement, or eight."""
    return OWED.get(lambda: _owed(at))


def _owed(at: dt.datetime) -> Owed:
    told = report.report(at)
    worth, making = told.liability or None, None
    best = _best_reward()
    if best is not None:
        worth = worth or told.outstanding * best.value // best.cost
        making = told.outstanding * best.unit_cost // best.cost if best.unit_cost else None
    return Owed(
        issued=told.issued,
        redeemed=told.redeemed,
        ended=told.expired + told.clawed + told.forfeited,
        outstanding=told.outstanding,
        worth=worth,
        making=making,
    )


def _best_reward() -> Reward | None:
    """The reward that gives most for a point: nobody can ask for more than that."""
    offered = Reward.objects.filter(status=Reward.Status.LIVE, program__status=Program.Status.LIVE)
    offered = offered.filter(cost__gt=0, value__gt=0).exclude(kind=Reward.Kind.PERCENT)
    best: Reward | None = offered.order_by(-(F("value") * 1.0 / F("cost"))).first()
    return best


def _checked() -> Checked | None:
    found = books.last_check()
    if found is None:
        return None
    cards = dict.fromkeys(fault["member"] for fault in found.faults if fault["member"])
    return Checked(found.at, found.entries, found.wrong, list(cards))
