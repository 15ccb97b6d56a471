"""How a sale came to its points, in words: the arithmetic that was kept with it, never made
again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from loyalty.models import Entry, Program, Purchase
from loyalty.pricing import (
    BONUS,
    CAP,
    CEIL,
    FLOOR,
    ITEM,
    MULTIPLIER,
    SPEND,
    TIER,
    VISIT,
    Step,
)
from portal.figures import MONEY, HasUnit, bare, exact, fraction, money, number

TIMES = "\u00d7"
OF_SALES = {Entry.Kind.EARN, Entry.Kind.CLAWBACK}
TITLES: dict[str, object] = {
    Entry.Kind.BONUS: _("A bonus"),
    Entry.Kind.REDEEM: _("Redeemed"),
    Entry.Kind.EXPIRE: _("Expired"),
    Entry.Kind.RESTORE: _("Given back"),
    Entry.Kind.ADJUST: _("Corrected by hand"),
    Entry.Kind.MERGE_IN: _("From another card"),
    Entry.Kind.MERGE_OUT: _("To another card"),
    Entry.Kind.OPENING: _("Brought along at the beginning"),
    Entry.Kind.FORFEIT: _("Given up"),
}
BONUSES: dict[str, object] = {
    "birthday": _("For the birthday"),
    "enrol": _("For joining"),
    "referral": _("For a friend who came"),
    "voucher": _("By a code"),
}
CAPS_OF_MONEY: dict[str, object] = {
    "points_per_purchase": _("At most %(amount)s a sale"),
    "points_per_day": _("At most %(amount)s a day"),
    "points_per_member": _("At most %(amount)s for each member"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """46 times AED 1.00 | 1 point each | 46"""

    text: str
    why: str
    points: str


@dataclass(frozen=True, slots=True)
class Sum:
    """`total` is in points of `program`."""

    lines: tuple[Line, ...]
    total: int
    program: HasUnit
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
    def program(self) -> Program:
        """Whose points those are."""
        return self.entry.account.program

    @property
    def reason(self) -> str:
        """What a person gave as the reason, for the staff alone."""
        return self.entry.reason if self.entry.kind == Entry.Kind.ADJUST else ""

    @property
    def staff(self) -> str:
        """Who stood at the till, where the statement brought that too."""
        act = self.entry.refund if self.entry.refund_id else self.entry.purchase
        return act.staff.name if act and act.staff_id and act.staff else ""

    @property
    def at(self) -> dt.datetime:
        return self.entry.occurred_at


def told(entry: Entry) -> Told:
    """An entry with its sale and its account's program, which came in the same statement."""
    sale, program, title = entry.purchase, entry.account.program, title_of(entry)
    if sale is None or entry.kind not in OF_SALES:
        return Told(entry, title, Sum((), entry.amount, program))
    if entry.kind == Entry.Kind.CLAWBACK:
        gave = gettext("What the sale of %(total)s gave") % {"total": money(sale.total)}
        line = Line(gave, "", bare(program, entry.amount))
        return Told(entry, title, Sum((line,), entry.amount, program))
    steps = cast(Sequence[Step], sale.snapshot.get("steps", ()))
    rounding = str(sale.snapshot.get("rounding", FLOOR))
    lines = sum_of(steps, entry.amount, program=program, rounding=rounding)
    return Told(entry, title, lines, is_undone(sale))


def title_of(entry: Entry) -> str:
    """What happened, and to which reward."""
    sale = entry.purchase
    if sale is not None and entry.kind == Entry.Kind.CLAWBACK:
        given_back = entry.refund.amount if entry.refund else sale.total
        return gettext("Taken back: %(total)s") % {"total": money(given_back)}
    if sale is not None and entry.kind == Entry.Kind.EARN:
        return gettext("Bought for %(total)s") % {"total": money(sale.total)}
    title = str(BONUSES.get(entry.reason) or TITLES.get(entry.kind, ""))
    reward = entry.voucher.reward if entry.voucher else None
    return f"{title}: {reward.name}" if reward else title


def is_undone(sale: Purchase) -> bool:
    return sale.total > 0 and sale.refunded == sale.total


def sum_of(steps: Sequence[Step], points: int, *, program: HasUnit, rounding: str = FLOOR) -> Sum:
    """The lines of the arithmetic, in the points of `program`. Where they do not add up to whole
    points, the note says how it was rounded.
    """
    whole = sum((Fraction(step["points"]) for step in steps), Fraction(0))
    note = "" if whole == points else _rounded(whole, rounding, program)
    return Sum(tuple(_line(step, program) for step in steps), points, program, note)


def _line(step: Step, program: HasUnit) -> Line:
    text, why = _WORDS[step["kind"]](step, program)
    if name := step.get("name"):
        why = gettext("%(name)s: %(why)s") % {"name": name, "why": why} if why else name
    return Line(text, why, exact(program, Fraction(step["points"])))


def _spent(step: Step, program: HasUnit) -> tuple[str, str]:
    per, each = money(step["per"]), step["each"]
    if not step["steps"] and Fraction(step["points"]):
        why = gettext("%(n)s for every %(per)s") % {"n": bare(program, each), "per": per}
        return money(step["basis"]), why
    return f"{number(step['steps'])} {TIMES} {per}", _apiece(each, program)


def _visited(_step: Step, _program: HasUnit) -> tuple[str, str]:
    return gettext("A visit"), ""


def _sold(step: Step, program: HasUnit) -> tuple[str, str]:
    units = step["steps"]
    text = ngettext("%(n)s item", "%(n)s items", units) % {"n": number(units)}
    return text, _apiece(step["each"], program)


def _multiplied(step: Step, _program: HasUnit) -> tuple[str, str]:
    amount = {"amount": money(step["basis"])}
    return _times(step), gettext("what that adds on %(amount)s") % amount


def _given(_step: Step, _program: HasUnit) -> tuple[str, str]:
    return gettext("A bonus"), ""


def _raised(step: Step, _program: HasUnit) -> tuple[str, str]:
    return _times(step), gettext("what that adds as %(tier)s") % {"tier": step["rule"]}


def _capped(step: Step, program: HasUnit) -> tuple[str, str]:
    most = step["each"]
    if program.unit == MONEY and step["rule"] in CAPS_OF_MONEY:
        return str(CAPS_OF_MONEY[step["rule"]]) % {"amount": bare(program, most)}, ""
    words = {
        "points_per_purchase": ngettext(
            "At most %(n)s point a sale", "At most %(n)s points a sale", most
        ),
        "points_per_day": ngettext("At most %(n)s point a day", "At most %(n)s points a day", most),
        "points_per_member": ngettext(
            "At most %(n)s point for each member", "At most %(n)s points for each member", most
        ),
        "visits_per_day": ngettext("At most %(n)s visit a day", "At most %(n)s visits a day", most),
    }
    return words[step["rule"]] % {"n": number(most)}, ""


_WORDS: dict[str, Callable[[Step, HasUnit], tuple[str, str]]] = {
    SPEND: _spent,
    VISIT: _visited,
    ITEM: _sold,
    MULTIPLIER: _multiplied,
    BONUS: _given,
    TIER: _raised,
    CAP: _capped,
}


def _apiece(each: int, program: HasUnit) -> str:
    if program.unit == MONEY:
        return gettext("%(amount)s each") % {"amount": bare(program, each)}
    return ngettext("%(n)s point each", "%(n)s points each", each) % {"n": number(each)}


def _times(step: Step) -> str:
    times = Fraction(step["each"], step["per"])
    factor = number(times.numerator) if times.denominator == 1 else fraction(times)
    return gettext("%(factor)s times the points") % {"factor": factor}


def _rounded(whole: Fraction, rounding: str, program: HasUnit) -> str:
    words = {
        FLOOR: gettext("%(exact)s, rounded down"),
        CEIL: gettext("%(exact)s, rounded up"),
    }.get(rounding, gettext("%(exact)s, rounded"))
    return words % {"exact": exact(program, whole)}
