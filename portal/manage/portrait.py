"""Members as the owner sees them: their rhythm, their sums, their last digits."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from django.db.models import Count, F, Q, Sum
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from loyalty.models import Account, Entry, Identifier, Member, Purchase
from portal.arithmetic import Told, told
from portal.charts import DAYS, rhythm, usual_gap

_standing = Q(total=0) | ~Q(refunded=F("total"))


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list of members."""

    member: Member
    phone: str
    rhythm: SafeString


@dataclass(frozen=True, slots=True)
class Totals:
    visits: int
    spent: int


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
    phones = phones_of(members)
    visits: dict[UUID, list[dt.datetime]] = defaultdict(list)
    seen = Purchase.objects.filter(
        _standing,
        account__member__in=[m.pk for m in members],
        occurred_at__gt=at - dt.timedelta(days=DAYS),
    )
    for member, occurred_at in seen.values_list("account__member", "occurred_at"):
        visits[member].append(occurred_at)
    return [
        Row(m, phones.get(m.pk, ""), rhythm(visits[m.pk], at, rhythm_sentence(visits[m.pk])))
        for m in members
    ]


def phones_of(members: Iterable[Member]) -> dict[UUID, str]:
    found = Identifier.objects.filter(
        member__in=[m.pk for m in members], kind=Identifier.Kind.PHONE
    )
    return dict(found.order_by("-id").values_list("member", "value"))


def rhythm_sentence(visits: Sequence[dt.datetime]) -> str:
    usual = usual_gap(visits)
    if usual is None:
        return ngettext("%(n)s visit in 60 days", "%(n)s visits in 60 days", len(visits)) % {
            "n": len(visits)
        }
    if usual <= 1:
        return gettext("usually every day")
    return ngettext("usually every %(n)s day", "usually every %(n)s days", usual) % {"n": usual}


def totals_of(account: Account | None) -> Totals:
    """All standing sales of an account. One statement."""
    if account is None:
        return Totals(0, 0)
    summed = Purchase.objects.filter(_standing, account=account.pk).aggregate(
        n=Count("pk"), s=Sum("total")
    )
    return Totals(summed["n"], summed["s"] or 0)


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
