"""How a sale came to its points, in words: the arithmetic that was kept with it, never made
again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from django.utils.translation import gettext, ngettext

from loyalty.models import Entry, Purchase
from loyalty.pricing import CEIL, FLOOR, VISIT, Step
from portal.figures import money, number

TIMES = "\u00d7"


@dataclass(frozen=True, slots=True)
class Line:
    """46 times AED 1.00 | 1 point each | 46"""

    text: str
    why: str
    points: str


@dataclass(frozen=True, slots=True)
class Sum:
    lines: tuple[Line, ...]
    total: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """An entry of the ledger as a person reads it."""

    entry: Entry
    title: str
    sum: Sum
    is_undone: bool = False

    @property
    def points(self) -> int:
        return self.entry.amount

    @property
    def staff(self) -> str:
        """Who stood at the till, where the statement brought that too."""
        act = self.entry.refund if self.entry.refund_id else self.entry.purchase
        return act.staff.name if act and act.staff_id and act.staff else ""

    @property
    def at(self) -> dt.datetime:
        return self.entry.occurred_at


def told(entry: Entry) -> Told:
    """An entry with its sale, which came in the same statement."""
    sale = entry.purchase
    if sale is None:
        return Told(entry, entry.reason, Sum((), entry.amount))
    total = money(sale.total)
    if entry.amount < 0:
        line = Line(
            gettext("What the sale of %(total)s gave") % {"total": total}, "", number(entry.amount)
        )
        title = gettext("Taken back: %(total)s") % {"total": total}
        return Told(entry, title, Sum((line,), entry.amount))
    steps = cast(Sequence[Step], sale.snapshot.get("steps", ()))
    rounding = str(sale.snapshot.get("rounding", FLOOR))
    title = gettext("Bought for %(total)s") % {"total": total}
    return Told(entry, title, sum_of(steps, entry.amount, rounding=rounding), is_undone(sale))


def is_undone(sale: Purchase) -> bool:
    return sale.total > 0 and sale.refunded == sale.total


def sum_of(steps: Sequence[Step], points: int, *, rounding: str = FLOOR) -> Sum:
    """The lines of the arithmetic. Where they do not add up to whole points, the note says how it
    was rounded.
    """
    exact = sum((Fraction(step["points"]) for step in steps), Fraction(0))
    note = "" if exact == points else _rounded(exact, rounding)
    return Sum(tuple(_line(step) for step in steps), points, note)


def _line(step: Step) -> Line:
    points = _figure(Fraction(step["points"]))
    if step["kind"] == VISIT:
        return Line(gettext("A visit"), "", points)
    per, each = money(step["per"]), step["each"]
    if not step["steps"] and Fraction(step["points"]):
        why = gettext("%(n)s for every %(per)s") % {"n": number(each), "per": per}
        return Line(money(step["basis"]), why, points)
    why = ngettext("%(n)s point each", "%(n)s points each", each) % {"n": number(each)}
    return Line(f"{number(step['steps'])} {TIMES} {per}", why, points)


def _rounded(exact: Fraction, rounding: str) -> str:
    words = {
        FLOOR: gettext("%(exact)s, rounded down"),
        CEIL: gettext("%(exact)s, rounded up"),
    }.get(rounding, gettext("%(exact)s, rounded"))
    return words % {"exact": _figure(exact)}


def _figure(value: Fraction) -> str:
    if value.denominator == 1:
        return number(value.numerator)
    return f"{float(value):.2f}".rstrip("0").rstrip(".")
