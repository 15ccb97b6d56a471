"""What a program promises beside its rules, one plain sentence for each promise, in the reader's
language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext, ngettext

from loyalty.policy import (
    CLAMP,
    EXCL,
    GROSS,
    INACTIVITY,
    LOT,
    MONTH_END,
    NONE,
    YEAR_END,
    Caps,
    Expiry,
    Policy,
)
from loyalty.terms import CEIL, NEAREST
from loyalty.wording import Voice, listed

Sentences = dict[str, str]


def of_policy(policy: Policy, figuring: Mapping[str, Any], voice: Voice) -> Sentences:
    """The sentences by the name of the promise, in the order in which one would say them; without
    what is not promised. `figuring` is the program's `rounding` and `carries`.
    """
    found: Sentences = {}
    for name, tell in _TOLD.items():
        if sentence := tell(policy, voice):
            found[name] = sentence
    found |= _figuring(figuring)
    return found


def _expiry(policy: Policy, voice: Voice) -> str:
    expiry = policy.expiry
    if expiry.mode == NONE:
        return gettext("They never expire.")
    time = _time(expiry, voice)
    words = {
        LOT: gettext("They expire %(time)s after they were earned."),
        INACTIVITY: gettext("All of them expire when nobody came for %(time)s."),
        MONTH_END: gettext("They expire at the end of the month, %(time)s on."),
        YEAR_END: gettext("They expire at the end of the year, %(time)s on."),
    }
    if not time:
        return {
            MONTH_END: gettext("They expire at the end of the month."),
            YEAR_END: gettext("They expire at the end of the year."),
        }[expiry.mode]
    return words[expiry.mode] % {"time": time}


def _time(expiry: Expiry, voice: Voice) -> str:
    found = []
    if expiry.months:
        text = ngettext("%(n)s month", "%(n)s months", expiry.months)
        found.append(text % {"n": voice.count(expiry.months)})
    if expiry.days:
        text = ngettext("%(n)s day", "%(n)s days", expiry.days)
        found.append(text % {"n": voice.count(expiry.days)})
    return listed(found, "standard") if found else ""


def _pending(policy: Policy, voice: Voice) -> str:
    days = policy.pending_days
    if not days:
        return gettext("They can be spent at once.")
    text = ngettext(
        "They can be spent from the next day on.", "They can be spent %(n)s days later.", days
    )
    return text % {"n": voice.count(days)}


def _caps(policy: Policy, voice: Voice) -> str:
    return " ".join(_each_cap(policy.caps, voice))


def _each_cap(caps: Caps, voice: Voice) -> list[str]:
    found = []
    if caps.points_per_purchase is not None:
        most = {"points": voice.points(caps.points_per_purchase)}
        found.append(gettext("A sale gives at most %(points)s.") % most)
    if caps.points_per_day is not None:
        most = {"points": voice.points(caps.points_per_day)}
        found.append(gettext("A day gives at most %(points)s.") % most)
    if caps.points_per_member is not None:
        most = {"points": voice.points(caps.points_per_member)}
        found.append(gettext("In all, a member earns at most %(points)s.") % most)
    if caps.visits_per_day is not None:
        text = ngettext(
            "%(n)s visit a day counts.", "%(n)s visits a day count.", caps.visits_per_day
        )
        found.append(text % {"n": voice.count(caps.visits_per_day)})
    return found


def _basis(policy: Policy, voice: Voice) -> str:
    if policy.basis == GROSS:
        return gettext("What a reward took off the bill earns too.")
    return ""


def _tax(policy: Policy, voice: Voice) -> str:
    return gettext("Tax earns nothing.") if policy.tax == EXCL else ""


def _exclude(policy: Policy, voice: Voice) -> str:
    names = [*sorted(policy.exclude.categories), *sorted(policy.exclude.skus)]
    if not names:
        return ""
    return gettext("Nothing is earned on %(goods)s.") % {"goods": listed(names, "or")}


def _clawback(policy: Policy, voice: Voice) -> str:
    if policy.clawback == CLAMP:
        return gettext("Points of a returned sale that were spent already are forgiven.")
    return ""


def _enrol(policy: Policy, voice: Voice) -> str:
    if not policy.enrol_bonus:
        return ""
    return gettext("Whoever joins gets %(points)s.") % {"points": voice.points(policy.enrol_bonus)}


def _birthday(policy: Policy, voice: Voice) -> str:
    if not policy.birthday_bonus:
        return ""
    given = {"points": voice.points(policy.birthday_bonus)}
    return gettext("A birthday gives %(points)s.") % given


def _referral(policy: Policy, voice: Voice) -> str:
    bonus = policy.referral
    if not (bonus.referrer or bonus.friend):
        return ""
    figures = {
        "points": voice.points(bonus.referrer),
        "friend": voice.points(bonus.friend),
        "amount": voice.money(bonus.min_spend),
    }
    if bonus.min_spend:
        return (
            gettext(
                "Whoever brings a friend gets %(points)s, and the friend %(friend)s, once the"
                " friend's first sale comes to %(amount)s."
            )
            % figures
        )
    return (
        gettext(
            "Whoever brings a friend gets %(points)s, and the friend %(friend)s, with the friend's"
            " first sale."
        )
        % figures
    )


def _figuring(figuring: Mapping[str, Any]) -> Sentences:
    rounding = {
        NEAREST: gettext("Fractions are rounded to the nearest."),
        CEIL: gettext("Fractions are rounded up."),
    }.get(figuring["rounding"], gettext("Fractions are rounded down."))
    found = {"rounding": rounding}
    if figuring["carries"]:
        found["carries"] = gettext("What is left of a spend counts next time.")
    return found


_TOLD: dict[str, Callable[[Policy, Voice], str]] = {
    "expiry": _expiry,
    "pending_days": _pending,
    "caps": _caps,
    "enrol_bonus": _enrol,
    "birthday_bonus": _birthday,
    "referral": _referral,
    "exclude": _exclude,
    "basis": _basis,
    "tax": _tax,
    "clawback": _clawback,
}
