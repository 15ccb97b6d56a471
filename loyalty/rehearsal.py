"""Rehearsal: what a draft of the rules would have given for the sales that were really made.

The shop's sales are priced once more, in the order in which they were recorded, with the carried
cents, caps, limits and refunds of the draft threaded through in memory. Nothing is written. With
the rules by which the sales were made it gives, sale by sale, what they earned.

What a draft cannot change stays as it was: who bought, where, and in which tier she was. Sales from
before the first day count towards caps and limits as they stand now; a rule that is new counts as
unused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from heapq import merge, nlargest, nsmallest
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db.models import Case, F, JSONField, When

from loyalty import flows, programs
from loyalty.calendar import DAY, local_date, starts
from loyalty.models import Account, Program, Purchase, Refund
from loyalty.policy import Policy
from loyalty.refusals import ProgramNotLive
from loyalty.replay import Replay, Return, Sold
from loyalty.terms import Terms
from tenants.models import Location

TOP = 10
SOLD = (
    *("pk", "account", "occurred_at", "total", "tax", "reward_discount", "lines"),
    *("earned", "clawed", "refunded", "snapshot__tier", "told", "location"),
)
RETURN = ("pk", "purchase", "amount", "lines")


@dataclass(frozen=True, slots=True)
class Change:
    """The card of a member, and the points that its sales gave and would have given."""

    member: str
    actual: int
    draft: int


@dataclass(frozen=True, slots=True)
class RehearsedDay:
    """The sales of a local day, the points they gave, and would have given."""

    date: dt.date
    sales: int
    actual: int
    draft: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The same sales by the rules as they were (`actual`) and by the draft.

    `actual` and `draft` are points given, `…_clawed` those of them that refunds took back, `…_cost`
    what the rest is worth in minor units, rounded down. `changed` sales gave another number of
    points. `gainers` and `losers` count members by what they kept; `most_gained` and `most_lost`
    are the first TOP of them.
    """

    days: list[RehearsedDay]
    sales: int
    changed: int
    actual: int
    draft: int
    actual_clawed: int
    draft_clawed: int
    actual_cost: int
    draft_cost: int
    gainers: int
    losers: int
    most_gained: list[Change]
    most_lost: list[Change]

    @property
    def worst_day(self) -> RehearsedDay | None:
        """The day on which the draft would have cost most beyond what was given."""
        return max(self.days, key=lambda day: (day.draft - day.actual, day.draft), default=None)


def draft_of(
    program: Program, rules: Sequence[dict[str, Any]] | None = None, **changes: Any
) -> Terms:
    """The program's terms with other rules (EarnRule fields, as set_rules() takes them) and other
    settings of its policy; `rounding` and `carries` are among the changes. A rule that promises the
    same as one in force is that rule. Raises BadConditions, BadSetting, BadPolicy.
    """
    promise = programs.promise_of(program, zone=str(flows.zone_of()))
    figuring = {name: changes.pop(name, getattr(program, name)) for name in ("rounding", "carries")}
    policy = Policy.read(programs.without_nothing({**program.policy, **changes}))
    terms = programs.terms_of(program, zone=promise.zone, policy=policy)
    if rules is not None:
        rows = programs.rows_of(program, rules)
        terms = replace(terms, rules=tuple(programs.rule_of(row) for row in rows))
    return replace(terms, **figuring)


def rehearse(terms: Terms, *, days: int, at: dt.datetime) -> Rehearsal:
    """Replay the sales of the last `days` local days (today's until `at` among them) by `terms`.

    Reads sales and refunds as streams, as of one moment; in memory are the sums of each member, and
    where there are daily caps or limits, of each of her days. Raises ProgramNotLive.
    """
    program = programs.live()
    if program is None:
        raise ProgramNotLive
    last = local_date(at, terms.zone)
    first = last - (days - 1) * DAY
    since = starts(first, terms.zone)
    with flows.one_moment():
        replay = Replay(terms, program, since)
        for event in _events(terms, program, since, at):
            if isinstance(event, Sold):
                replay.sell(event)
            else:
                replay.give_back(event)
        return _told(replay, program)


def _events(
    terms: Terms, program: Program, since: dt.datetime, until: dt.datetime
) -> Iterator[Sold | Return]:
    """Sales and refunds in the order in which they were recorded."""
    sales: Any = Purchase.objects.filter(
        account__program=program.pk, occurred_at__gte=since, occurred_at__lte=until
    )
    refunds: Any = Refund.objects.filter(purchase__in=sales.values("pk"), amount__gt=0)
    if not terms.carries:  # then the arithmetic of most sales is not asked for
        asked = When(refunded__gt=0, then=F("snapshot"))
        told = sales.annotate(told=Case(asked, output_field=JSONField()))
    else:
        told = sales.annotate(told=F("snapshot"))
    places = dict(Location.objects.values_list("pk", "name"))
    sold = (
        Sold._make((*row, places[location]))
        for *row, location in told.order_by("pk").values_list(*SOLD).iterator(flows.AT_ONCE)
    )
    returned = (
        Return(*row) for row in refunds.order_by("pk").values_list(*RETURN).iterator(flows.AT_ONCE)
    )
    return merge(sold, returned, key=attrgetter("pk"))


def _told(replay: Replay, program: Program) -> Rehearsal:
    value = programs.promise_of(program, zone=str(replay.terms.zone)).policy.point_value
    moved = {pk: sums for pk, sums in replay.members.items() if sums[0] != sums[1]}
    gained = nlargest(TOP, moved.items(), key=_difference)
    lost = nsmallest(TOP, moved.items(), key=_difference)
    codes = _codes([pk for pk, _ in (*gained, *lost)])
    days = [RehearsedDay(date, *sums) for date, sums in sorted(replay.days.items())]
    actual, draft = sum(day.actual for day in days), sum(day.draft for day in days)
    return Rehearsal(
        days=days,
        sales=sum(day.sales for day in days),
        changed=replay.changed,
        actual=actual,
        draft=draft,
        actual_clawed=replay.clawed[0],
        draft_clawed=replay.clawed[1],
        actual_cost=_worth(actual - replay.clawed[0], value),
        draft_cost=_worth(draft - replay.clawed[1], value),
        gainers=sum(after > before for before, after in moved.values()),
        losers=sum(after < before for before, after in moved.values()),
        most_gained=[Change(codes[pk], *sums) for pk, sums in gained if sums[1] > sums[0]],
        most_lost=[Change(codes[pk], *sums) for pk, sums in lost if sums[1] < sums[0]],
    )


def as_data(told: Rehearsal) -> dict[str, Any]:
    """A rehearsal as JSON: its sums, its days as [date, sales, actual, draft], its members as [card
    code, actual, draft].
    """
    found = {field.name: getattr(told, field.name) for field in fields(told)}
    found["days"] = [[d.date.isoformat(), d.sales, d.actual, d.draft] for d in told.days]
    for name in ("most_gained", "most_lost"):
        found[name] = [[c.member, c.actual, c.draft] for c in found[name]]
    return found


def _difference(each: tuple[UUID, list[int]]) -> tuple[int, UUID]:
    return each[1][1] - each[1][0], each[0]


def _codes(accounts: Sequence[UUID]) -> dict[UUID, str]:
    rows = Account.objects.filter(pk__in=accounts).values_list("pk", "member__code")
    return dict(rows)


def _worth(points: int, value: Fraction) -> int:
    exact = points * value
    return exact.numerator // exact.denominator
