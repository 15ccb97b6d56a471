"""Members as the owner sees them: their rhythm, their sums, their last digits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from loyalty import finding, history
from loyalty.models import Entry, Member
from portal.arithmetic import Told, told
from portal.charts import DAYS, rhythm, usual_gap
from portal.figures import native, number


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list of members."""

    member: Member
    phone: str
    rhythm: SafeString
    told: str = ""
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Chip:
    """A segment to keep: its name in the address, what it is called, and how many are in it."""

    keep: str
    words: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the account, and what stood in it afterwards."""

    told: Told
    after: int


@dataclass(frozen=True, slots=True)
class DayOfLines:
    date: dt.date
    lines: list[Line]


def rows(members: Sequence[Member], at: dt.datetime) -> list[Row]:
    """The members of one page with their phones and the rhythm of their visits. Two statements."""
    phones = finding.phones_of(members)
    visits = history.visits_of_each(members, since=at - dt.timedelta(days=DAYS))
    return [_row(m, phones.get(m.pk, ""), visits.get(m.pk, []), at) for m in members]


def _row(member: Member, phone: str, visits: Sequence[dt.datetime], at: dt.datetime) -> Row:
    sentence, usual = rhythm_sentence(visits), usual_gap(visits)
    silent = (at - max(visits)) / dt.timedelta(days=1) if visits else 0
    return Row(
        member,
        phone,
        rhythm(visits, at, sentence),
        silence_sentence(usual, int(silent)) if usual else sentence,
        is_late=bool(usual and silent > 2 * usual),
    )


def silence_sentence(usual: int, silent: int) -> str:
    """Every 4 days. Nothing for 13."""
    every = (
        gettext("Every day.")
        if usual <= 1
        else ngettext("Every %(n)s day.", "Every %(n)s days.", usual) % {"n": number(usual)}
    )
    nothing = ngettext("Nothing for %(n)s day.", "Nothing for %(n)s days.", silent)
    return f"{every} {nothing % {'n': number(silent)}}"


def rhythm_sentence(visits: Sequence[dt.datetime]) -> str:
    usual = usual_gap(visits)
    if usual is None:
        seen = ngettext("%(n)s visit in 60 days", "%(n)s visits in 60 days", len(visits))
        return native(seen % {"n": number(len(visits))})
    if usual <= 1:
        return gettext("usually every day")
    every = ngettext("usually every %(n)s day", "usually every %(n)s days", usual)
    return every % {"n": number(usual)}


def by_day(entries: Sequence[Entry], standing: int) -> list[DayOfLines]:
    """Entries, newest first, under their days; `standing` is what is in the account after the
    first of them.
    """
    lines: list[Line] = []
    for entry in entries:
        lines.append(Line(told(entry), standing))
        standing -= entry.amount
    days = groupby(lines, key=lambda line: timezone.localtime(line.told.at).date())
    return [DayOfLines(date, list(group)) for date, group in days]
