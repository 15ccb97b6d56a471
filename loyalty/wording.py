"""Rules and conditions read back as one plain sentence, in the reader's language.

"2 points for every AED 1.00 spent on cakes, on Tuesdays from 14:00 to 17:00, at least AED 10.00"
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, reduce
from typing import Literal

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _

from loyalty.conditions import Conditions, Limit, Rate
from loyalty.terms import BONUS, ITEM, MULTIPLIER, SPEND, VISIT, Rule
from loyalty.windows import Hours, Window, clock

WEEKDAYS = (
    _("Mondays"),
    _("Tuesdays"),
    _("Wednesdays"),
    _("Thursdays"),
    _("Fridays"),
    _("Saturdays"),
    _("Sundays"),
)
# What a rule gives for anything, and for some goods only.
SMOOTH = "smooth"
GIVES = {
    SPEND: (
        _("%(points)s for every %(per)s spent"),
        _("%(points)s for every %(per)s spent on %(goods)s"),
    ),
    SMOOTH: (
        _("%(points)s for every %(per)s spent, in proportion"),
        _("%(points)s for every %(per)s spent on %(goods)s, in proportion"),
    ),
    VISIT: (
        _("%(points)s for every visit"),
        _("%(points)s for every visit with %(goods)s"),
    ),
    ITEM: (_("%(points)s for each item"), _("%(points)s for each item of %(goods)s")),
    BONUS: (_("%(points)s extra"), _("%(points)s extra with %(goods)s")),
    MULTIPLIER: (
        _("%(factor)s times the points"),
        _("%(factor)s times the points on %(goods)s"),
    ),
}


def _points(count: int) -> str:
    return ngettext("%(n)s point", "%(n)s points", count) % {"n": _number(count)}


@dataclass(frozen=True, slots=True)
class Voice:
    """How a shop writes figures: minor units as money, points in its own words ("2 stamps"), and
    whatever else has digits in the digits it likes.
    """

    money: Callable[[int], str]
    points: Callable[[int], str] = _points
    native: Callable[[str], str] = str

    def count(self, value: int) -> str:
        """A number with nothing behind it: 1,200."""
        return self.native(_number(value))


def of_rule(rule: Rule, voice: Voice) -> str:
    """What a rule gives and when, as a sentence without its full stop."""
    return _joined([_gives(rule, voice), *_parts(rule.conditions, voice)])


def sentence(rule: Rule, voice: Voice) -> str:
    """What a rule gives and when, as a whole sentence, with the name it has."""
    text = gettext("%(sentence)s.") % {"sentence": of_rule(rule, voice)}
    if not rule.name:
        return text
    return gettext("%(name)s: %(why)s") % {"name": rule.name, "why": text}


def of_conditions(conditions: Conditions, voice: Voice) -> str:
    """When something applies, as a part of a sentence; "" where it always does."""
    goods = _goods(conditions)
    about = [gettext("for %(goods)s") % {"goods": goods}] if goods else []
    return _joined([*about, *_parts(conditions, voice)])


def _gives(rule: Rule, voice: Voice) -> str:
    goods = _goods(rule.conditions)
    plain, about_goods = GIVES[SMOOTH if rule.is_smooth else rule.kind]
    return str(about_goods if goods else plain) % {
        "points": voice.points(rule.points),
        "per": voice.money(rule.per),
        "factor": voice.native(_number(Decimal(rule.factor.numerator) / rule.factor.denominator)),
        "goods": goods,
    }


def _parts(conditions: Conditions, voice: Voice) -> list[str]:
    """Every condition but the goods, in the order in which one would say them."""
    found = [*_dates(conditions.window, voice), _weekly(conditions.window, voice)]
    if conditions.tiers:
        tiers = listed(sorted(conditions.tiers), "or")
        found.append(gettext("for %(tiers)s members") % {"tiers": tiers})
    if conditions.locations:
        locations = listed(sorted(conditions.locations), "or")
        found.append(gettext("at %(locations)s") % {"locations": locations})
    if conditions.min_spend:
        found.append(gettext("at least %(amount)s") % {"amount": voice.money(conditions.min_spend)})
    if conditions.limit:
        found.append(_limit(conditions.limit, voice))
    if conditions.total_uses is not None:
        first = conditions.total_uses
        text = ngettext("for the first sale", "for the first %(n)s sales", first)
        found.append(text % {"n": voice.native(_number(first))})
    return [part for part in [*found, *_of_reward(conditions, voice)] if part]


def _of_reward(conditions: Conditions, voice: Voice) -> list[str]:
    found = []
    if conditions.rate:
        found.append(_rate(conditions.rate, voice))
    if conditions.min_points:
        least = {"points": voice.points(conditions.min_points)}
        found.append(gettext("at least %(points)s at a time") % least)
    if conditions.max_percent is not None:
        share = format_percent(Decimal(conditions.max_percent) / 100, locale=_locale())
        text = gettext("at most %(share)s of the bill")
        found.append(text % {"share": voice.native(share)})
    if conditions.max_discount is not None:
        most = {"amount": voice.money(conditions.max_discount)}
        found.append(gettext("at most %(amount)s off") % most)
    return found


def _dates(window: Window, voice: Voice) -> list[str]:
    first, last = (_date(date, voice) for date in (window.first, window.last))
    if first and first == last:
        return [gettext("on %(day)s") % {"day": first}]
    if first and last:
        return [gettext("from %(first)s to %(last)s") % {"first": first, "last": last}]
    if first:
        return [gettext("from %(first)s on") % {"first": first}]
    return [gettext("until %(last)s") % {"last": last}] if last else []


def _weekly(window: Window, voice: Voice) -> str:
    """On Tuesdays from 14:00 to 17:00."""
    days = _days(window.days) if window.days else ""
    hours = _hours(window.hours, voice) if window.hours else ""
    if days and hours:
        return gettext("%(days)s %(hours)s") % {"days": days, "hours": hours}
    return days or hours


def _days(days: frozenset[int]) -> str:
    """A run of three or more by its ends, also over the week's end; others one by one."""
    first = [day for day in days if (day - 1) % 7 not in days]
    if len(first) == 1 and len(days) > 2:  # noqa: PLR2004
        ends = {"first": WEEKDAYS[first[0]], "last": WEEKDAYS[(first[0] + len(days) - 1) % 7]}
        return gettext("on %(first)s to %(last)s") % ends
    names = listed([str(WEEKDAYS[day]) for day in sorted(days)], "standard")
    return gettext("on %(days)s") % {"days": names}


def _hours(hours: Hours, voice: Voice) -> str:
    ends = {"begin": voice.native(clock(hours.begin)), "end": voice.native(clock(hours.end))}
    if hours.is_overnight and hours.end:
        return gettext("from %(begin)s to %(end)s of the next day") % ends
    return gettext("from %(begin)s to %(end)s") % ends


def _limit(limit: Limit, voice: Voice) -> str:
    forms = {
        "all": ngettext("once for each member", "%(n)s times for each member", limit.times),
        "day": ngettext("once a day", "%(n)s times a day", limit.times),
        "week": ngettext("once a week", "%(n)s times a week", limit.times),
        "month": ngettext("once a month", "%(n)s times a month", limit.times),
        "year": ngettext("once a year", "%(n)s times a year", limit.times),
    }
    return forms[limit.per] % {"n": voice.native(_number(limit.times))}


def _rate(rate: Rate, voice: Voice) -> str:
    figures = {"points": voice.points(rate.points), "amount": voice.money(rate.value)}
    return gettext("%(points)s pay %(amount)s") % figures


def _goods(conditions: Conditions) -> str:
    return listed([*sorted(conditions.categories), *sorted(conditions.skus)], "or")


def _date(date: dt.date | None, voice: Voice) -> str:
    return voice.native(format_date(date, "long", locale=_locale())) if date else ""


def listed(names: Iterable[str], style: Literal["standard", "or"]) -> str:
    """Cakes, tea or bread."""
    text: str = format_list(list(names), style=style, locale=_locale())
    return text


def _joined(parts: Iterable[str]) -> str:
    found = [part for part in parts if part]
    pair = gettext("%(one)s, %(other)s")
    return reduce(lambda one, other: pair % {"one": one, "other": other}, found) if found else ""


def _number(value: int | Decimal) -> str:
    text: str = format_decimal(value, locale=_locale())
    return text


def _locale() -> Locale:
    return _parsed((get_language() or "en").split("-")[0])


_parsed = lru_cache(maxsize=64)(Locale.parse)
