"""What a program promises beside its rules: how long points live, what a refund takes, its caps,
tiers and presents.

A policy is data that the owner writes (Program.policy) and that everybody reads through here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction

from django.utils.translation import gettext_lazy as _

from loyalty.calendar import add_months, ends, local_date, month_end, starts, year_end
from loyalty.reading import Fields
from loyalty.refusals import BadPolicy

NET, GROSS = "net", "gross"
INCL, EXCL = "incl", "excl"
NONE, LOT, MONTH_END, YEAR_END, INACTIVITY = "none", "lot", "month_end", "year_end", "inactivity"
DEBT, CLAMP = "debt", "clamp"
SPEND, POINTS, VISITS = "spend", "points", "visits"
ROLLING_MONTHS, CALENDAR_YEAR = "rolling_months", "calendar_year"
BALANCE_BASED, ONE_DOWN = "balance_based", "one_down"

LONGEST_DAYS, LONGEST_MONTHS = 36_500, 1_200  # a century: dates stay dates


@dataclass(frozen=True, slots=True)
class Exclude:
    """What never earns: lines with one of these SKUs or in one of these categories."""

    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.skus or self.categories)


NOTHING = Exclude()


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that sales give one member. None: no cap. A day is a local day; a visit is a sale
    that earned.
    """

    points_per_purchase: int | None = None
    points_per_day: int | None = None
    visits_per_day: int | None = None
    points_per_member: int | None = None

    def __bool__(self) -> bool:
        return self != NO_CAPS


NO_CAPS = Caps()


@dataclass(frozen=True, slots=True)
class Expiry:
    """How long points live.

    lot: each credit for `days` or `months` from the day it was given. month_end, year_end: till the
    end of the month or year of that day. inactivity: the whole balance for `days` or `months` after
    the last activity, counted at the earliest from `since`, the day on which this was switched on.
    """

    mode: str = NONE
    days: int = 0
    months: int = 0
    since: dt.date | None = None


@dataclass(frozen=True, slots=True)
class ReferralBonus:
    """Paid on the friend's first sale of at least `min_spend`. `cap`: for how many friends the
    referrer is paid, None for all.
    """

    referrer: int = 0
    friend: int = 0
    min_spend: int = 0
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """By what a tier is earned, over which window (a rolling one's `months`, or calendar years),
    and how it is lost.
    """

    metric: str = SPEND
    window: str = ROLLING_MONTHS
    months: int = 12
    grace_days: int = 0
    downgrade: str = BALANCE_BASED


@dataclass(frozen=True, slots=True)
class Policy:
    """A program's promises, each at its default where the owner said nothing.

    `basis`: net of the reward's discount, or gross. `tax`: part of what earns, or not.
    `pending_days`: how long points wait before they can be spent. `clawback`: what could not be
    taken back is owed, or forgiven. `restore_grace_days`: how long given-back points live at least.
    `point_value`: minor units that a point is worth. `adjust_limit`: points that a manager may give
    or take without the owner. Bonuses are points.
    """

    basis: str = NET
    tax: str = INCL
    exclude: Exclude = NOTHING
    caps: Caps = NO_CAPS
    pending_days: int = 0
    expiry: Expiry = Expiry()
    clawback: str = DEBT
    restore_grace_days: int = 0
    point_value: Fraction = Fraction(0)
    referral: ReferralBonus = ReferralBonus()
    birthday_bonus: int = 0
    birthday_min_days: int = 0
    enrol_bonus: int = 0
    tiers: TierPolicy = TierPolicy()
    adjust_limit: int = 500

    @classmethod
    def read(cls, found: Mapping[str, object]) -> Policy:
        """The policy in a program's JSON ({"pending_days": 14, "expiry": {"mode": "lot", "days":
        90}}).

        Raises BadPolicy, which names the field: a value that cannot be, or a key nobody knows.
        """
        given = Fields(found, BadPolicy)
        policy = cls(
            basis=given.choice("basis", (NET, GROSS)),
            tax=given.choice("tax", (INCL, EXCL)),
            exclude=_exclude(given.part("exclude")),
            caps=_caps(given.part("caps")),
            pending_days=given.number("pending_days", most=LONGEST_DAYS),
            expiry=_expiry(given.part("expiry")),
            clawback=given.choice("clawback", (DEBT, CLAMP)),
            restore_grace_days=given.number("restore_grace_days", most=LONGEST_DAYS),
            point_value=given.fraction("point_value"),
            referral=_referral(given.part("referral")),
            birthday_bonus=given.number("birthday_bonus"),
            birthday_min_days=given.number("birthday_min_days", most=LONGEST_DAYS),
            enrol_bonus=given.number("enrol_bonus"),
            tiers=_tiers(given.part("tiers")),
            adjust_limit=given.number("adjust_limit", default=500),
        )
        given.done()
        return policy

    def as_data(self) -> dict[str, object]:
        """The JSON of it: what differs from the defaults, so read() of it is the same policy."""
        found = _changed(self, Policy())
        if "tiers" in found:
            found["tiers"] = _with_window(_changed(self.tiers, TierPolicy()))
        return found


def expires_at(policy: Policy, earned_at: dt.datetime, zone: dt.tzinfo) -> dt.datetime | None:
    """The first instant at which a credit given at `earned_at` is gone; None where it does not
    expire by itself (no expiry, or by inactivity).
    """
    expiry = policy.expiry
    if expiry.mode in {NONE, INACTIVITY}:
        return None
    last = _later(local_date(earned_at, zone), expiry)
    if expiry.mode == MONTH_END:
        last = month_end(last)
    elif expiry.mode == YEAR_END:
        last = year_end(last)
    return ends(last, zone)


def inactive_at(policy: Policy, last_activity: dt.datetime, zone: dt.tzinfo) -> dt.datetime | None:
    """The first instant at which a balance last moved at `last_activity` is gone; None where
    balances do not expire by inactivity.
    """
    expiry = policy.expiry
    if expiry.mode != INACTIVITY:
        return None
    since = expiry.since or dt.date.min
    return ends(_later(max(local_date(last_activity, zone), since), expiry), zone)


def available_at(policy: Policy, at: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """From when points given at `at` can be spent: at once, or from a local midnight on."""
    if not policy.pending_days:
        return at
    return starts(local_date(at, zone) + dt.timedelta(days=policy.pending_days), zone)


def restored_until(
    policy: Policy, expires: dt.datetime | None, at: dt.datetime, zone: dt.tzinfo
) -> dt.datetime | None:
    """The first instant at which points given back at `at` are gone, which would have been so at
    `expires`: their own expiry, and at least the grace days.
    """
    if expires is None or not policy.restore_grace_days:
        return expires
    grace = dt.timedelta(days=policy.restore_grace_days)
    return max(expires, ends(local_date(at, zone) + grace, zone))


def _later(date: dt.date, expiry: Expiry) -> dt.date:
    return add_months(date, expiry.months) + dt.timedelta(days=expiry.days)


def _exclude(given: Fields) -> Exclude:
    exclude = Exclude(given.names("skus"), given.names("categories"))
    given.done()
    return exclude


def _caps(given: Fields) -> Caps:
    caps = Caps(
        points_per_purchase=given.whole("points_per_purchase"),
        points_per_day=given.whole("points_per_day"),
        visits_per_day=given.whole("visits_per_day"),
        points_per_member=given.whole("points_per_member"),
    )
    given.done()
    return caps


def _expiry(given: Fields) -> Expiry:
    expiry = Expiry(
        mode=given.choice("mode", (NONE, LOT, MONTH_END, YEAR_END, INACTIVITY)),
        days=given.number("days", most=LONGEST_DAYS),
        months=given.number("months", most=LONGEST_MONTHS),
        since=given.date("since"),
    )
    given.done()
    if expiry.mode in {LOT, INACTIVITY} and not (expiry.days or expiry.months):
        raise given.refuse("days", _("Say after how many days or months points expire."))
    if expiry.mode == NONE and expiry != Expiry():
        raise given.refuse("mode", _("Say how points expire, or give no time for it."))
    if expiry.since and expiry.mode != INACTIVITY:
        raise given.refuse("since", _("Only expiry by inactivity begins on a day."))
    return expiry


def _referral(given: Fields) -> ReferralBonus:
    referral = ReferralBonus(
        referrer=given.number("referrer"),
        friend=given.number("friend"),
        min_spend=given.number("min_spend"),
        cap=given.whole("cap"),
    )
    given.done()
    return referral


def _tiers(given: Fields) -> TierPolicy:
    window = given.part("window")
    tiers = TierPolicy(
        metric=given.choice("metric", (SPEND, POINTS, VISITS)),
        window=window.choice("mode", (ROLLING_MONTHS, CALENDAR_YEAR)),
        months=window.number("n", default=12, least=1, most=LONGEST_MONTHS),
        grace_days=given.number("grace_days", most=LONGEST_DAYS),
        downgrade=given.choice("downgrade", (BALANCE_BASED, ONE_DOWN)),
    )
    window.done()
    given.done()
    return tiers


def _changed(value: object, default: object) -> dict[str, object]:
    """The fields of a dataclass that are not at their default, as JSON."""
    names = [each.name for each in fields(value)]  # type: ignore[arg-type]
    pairs = [(name, getattr(value, name), getattr(default, name)) for name in names]
    return {name: _plain(now, then) for name, now, then in pairs if now != then}


def _with_window(tiers: dict[str, object]) -> dict[str, object]:
    window = {
        key: tiers.pop(name) for name, key in (("window", "mode"), ("months", "n")) if name in tiers
    }
    return {**tiers, "window": window} if window else tiers


def _plain(value: object, default: object) -> object:
    if is_dataclass(value):
        return _changed(value, default)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Fraction):
        return str(value)
    return value.isoformat() if isinstance(value, dt.date) else value
