"""A rehearsal as an account: what was given, what the draft would have given, and to whom."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from loyalty import drafts, giveback
from loyalty.drafts import Said
from loyalty.models import Account, Draft, Member, Program
from portal.figures import bare, gained, money, number, signed
from portal.templatetags.portal import long_date
from portal.voice import voice_of

LATE = dt.timedelta(minutes=2)  # nobody seems to rehearse it
SHOWN = 5  # of those who gain, and of those who lose


@dataclass(frozen=True, slots=True)
class Row:
    """A figure as it was, with the draft, and the difference."""

    name: str
    was: str
    draft: str
    difference: str


@dataclass(frozen=True, slots=True)
class Swing:
    """A member who gains or loses; `bar` is where her bar begins and how long it is, in percent."""

    pk: UUID | None
    name: str
    points: int
    start: str
    length: str


def account_of(program: Program, draft: Draft | None, now: Said) -> dict[str, Any]:
    """What a page needs to show the rehearsal of a draft: nothing, that one is under way, or the
    account.
    """
    found: dict[str, Any] = {"rehearsal": None, "is_rehearsing": False, "is_late": False}
    if draft is None:
        return found
    found["is_rehearsed"] = drafts.is_rehearsed(draft)
    if draft.rehearsing_since:
        found["is_rehearsing"] = True
        found["is_late"] = timezone.now() - draft.rehearsing_since > LATE
    told = draft.rehearsal
    if told and "sales" in told:
        found["rehearsal"] = told
        found |= _account(program, draft, now, told)
    found["is_refused"] = bool(told and "refused" in told)
    return found


def _account(program: Program, draft: Draft, now: Said, told: dict[str, Any]) -> dict[str, Any]:
    rewards = giveback.buyable()
    usual = giveback.usual_sale(rewards)
    said = drafts.said(draft, now)
    goal = next((r for r in rewards if r.cost and giveback.worth(r, usual)), None)
    point = giveback.point_worth(program, said.promises)
    if goal and not point:
        point = Fraction(giveback.worth(goal, usual), goal.cost)
    was, would = told["actual"] - told["actual_clawed"], told["draft"] - told["draft_clawed"]
    rows = [Row(gettext("Points given"), *_points(program, was, would))]
    if goal:
        name = gettext("%(reward)s, so often") % {"reward": goal.name}
        rows.append(Row(name, *_figures(was // goal.cost, would // goal.cost)))
    if point:
        worth = [int(points * point) for points in (was, would)]
        rows.append(Row(gettext("What they are worth"), *_money(*worth)))
        day = _dearest(told["days"], point)
        rows.append(Row(gettext("Dearest day"), *_money(*day)))
    cost = None
    if goal and goal.unit_cost:
        each = Fraction(goal.unit_cost, goal.cost)
        cost = Row(gettext("Cost to you"), *_money(int(was * each), int(would * each)))
    days = told["days"]
    return {
        "rows": rows,
        "cost_row": cost,
        "sales": told["sales"],
        "since": dt.date.fromisoformat(days[0][0]) if days else None,
        "until": dt.date.fromisoformat(days[-1][0]) if days else None,
        "curve": _curve(program, days) if len(days) > 1 else "",
        "gainers": told["gainers"],
        "losers": told["losers"],
        "swings": _swings(told),
        "promised": _promised(program, draft, now),
    }


def _figures(was: int, would: int) -> tuple[str, str, str]:
    return number(was), number(would), signed(would - was)


def _points(program: Program, was: int, would: int) -> tuple[str, str, str]:
    return bare(program, was), bare(program, would), gained(program, would - was)


def _money(was: int, would: int) -> tuple[str, str, str]:
    more = gettext("+%(amount)s") % {"amount": money(would - was)}
    return money(was), money(would), more if would > was else money(would - was)


def _dearest(days: list[list[Any]], point: Fraction) -> tuple[int, int]:
    was = max((day[2] for day in days), default=0)
    would = max((day[3] for day in days), default=0)
    return int(was * point), int(would * point)


def _swings(told: dict[str, Any]) -> list[Swing]:
    """Those who gain most, then those who lose most."""
    rows = [*told["most_gained"][:SHOWN], *told["most_lost"][:SHOWN]]
    found = Member.objects.filter(code__in=[row[0] for row in rows])
    members = {m.code: m for m in found}
    most = max((abs(row[2] - row[1]) for row in rows), default=1) or 1
    swings = []
    for code, actual, draft in rows:
        points = draft - actual
        length = 48 * abs(points) / most
        member = members.get(code)
        swings.append(
            Swing(
                member.pk if member else None,
                (member.name or code) if member else code,
                points,
                f"{50 if points > 0 else 50 - length:.1f}%",
                f"{length:.1f}%",
            )
        )
    return swings


def _promised(program: Program, draft: Draft, now: Said) -> dict[str, Any]:
    """What people hold already, and whether it lives shorter."""
    held = Account.objects.filter(program=program.pk).aggregate(s=Sum("balance"))["s"] or 0
    before, after = now.promises, drafts.said(draft, now).promises
    return {"held": voice_of(program).points(held), "expiry": before.expiry != after.expiry}


def _curve(program: Program, days: list[list[Any]]) -> SafeString:
    """Points given so far, with the draft and as it was."""
    was, would = _sums(days, 2), _sums(days, 3)
    most = max(was[-1], would[-1], 1)
    step = 100 / (len(days) - 1)

    def points(sums: list[int]) -> str:
        return " ".join(f"{n * step:.1f},{100 - s / most * 95:.1f}" for n, s in enumerate(sums))

    ends = [(148 - sums[-1] / most * 133 + 4, sums[-1]) for sums in (would, was)]
    if abs(ends[0][0] - ends[1][0]) < 15:  # noqa: PLR2004 (pixels: two lines of small type)
        ends[1] = (ends[0][0] + 16, ends[1][1])
    label = gettext("Points given so far: %(was)s as it was, %(would)s with the draft") % {
        "was": bare(program, was[-1]),
        "would": bare(program, would[-1]),
    }
    first, last = (dt.date.fromisoformat(days[n][0]) for n in (0, -1))
    says = format_html_join(
        "",
        '<text{} x="89%" y="{}">{}</text>',
        (
            (SafeString(' class="say"') if n == 0 else "", f"{y:.1f}", bare(program, value))
            for n, (y, value) in enumerate(ends)
        ),
    )
    return format_html(
        '<svg class="chart" height="178" role="img" aria-label="{}">'
        '<line class="base" x1="0" x2="88%" y1="148" y2="148"/>'
        '<svg x="0" y="8" width="88%" height="140" viewBox="0 0 100 100" '
        'preserveAspectRatio="none"><polygon class="wash" points="0,100 {} 100,100"/>'
        '<polyline class="line-2" points="{}"/><polyline class="line" points="{}"/></svg>{}'
        '<text x="0" y="168">{}</text><text class="last" x="88%" y="168">{}</text></svg>',
        label,
        points(would),
        points(was),
        points(would),
        says,
        long_date(first),
        long_date(last),
    )


def _sums(days: list[list[Any]], at: int) -> list[int]:
    found, total = [], 0
    for day in days:
        total += day[at]
        found.append(total)
    return found
