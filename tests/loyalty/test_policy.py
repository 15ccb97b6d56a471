"""A policy is read strictly, reads back as written, and ends points with a local day."""

from __future__ import annotations

import datetime as dt
import json
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.policy import (
    Caps,
    Exclude,
    Expiry,
    Policy,
    ReferralBonus,
    TierPolicy,
    available_at,
    expires_at,
    inactive_at,
    restored_until,
)
from loyalty.refusals import BadPolicy
from tests.loyalty.test_calendar import ZONES

BERLIN = ZoneInfo("Europe/Berlin")

WHOLE = {
    "basis": "gross",
    "tax": "excl",
    "exclude": {"skus": ["000"], "categories": ["delivery"]},
    "caps": {
        "points_per_purchase": 50,
        "points_per_day": 60,
        "visits_per_day": 1,
        "points_per_member": 0,
    },
    "pending_days": 14,
    "expiry": {"mode": "inactivity", "months": 6, "since": "2026-01-01"},
    "clawback": "clamp",
    "restore_grace_days": 7,
    "point_value": "7/2",
    "referral": {"referrer": 500, "friend": 250, "min_spend": 2500, "cap": 2},
    "birthday_bonus": 150,
    "birthday_min_days": 7,
    "enrol_bonus": 10,
    "tiers": {
        "metric": "points",
        "window": {"mode": "calendar_year", "n": 6},
        "grace_days": 30,
        "downgrade": "one_down",
    },
    "adjust_limit": 100,
}


def berlin(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def test_who_says_nothing_promises_the_defaults():
    policy = Policy.read({})
    assert policy == Policy()
    assert (policy.basis, policy.tax, policy.clawback) == ("net", "incl", "debt")
    assert (policy.expiry.mode, policy.adjust_limit) == ("none", 500)
    assert (policy.tiers.window, policy.tiers.months) == ("rolling_months", 12)
    assert not policy.caps
    assert not policy.exclude
    assert policy.as_data() == {}


def test_every_field_is_read():
    assert Policy.read(WHOLE) == Policy(
        basis="gross",
        tax="excl",
        exclude=Exclude(frozenset({"000"}), frozenset({"delivery"})),
        caps=Caps(50, 60, 1, 0),
        pending_days=14,
        expiry=Expiry("inactivity", months=6, since=dt.date(2026, 1, 1)),
        clawback="clamp",
        restore_grace_days=7,
        point_value=Fraction(7, 2),
        referral=ReferralBonus(500, 250, 2500, 2),
        birthday_bonus=150,
        birthday_min_days=7,
        enrol_bonus=10,
        tiers=TierPolicy("points", "calendar_year", 6, 30, "one_down"),
        adjust_limit=100,
    )


def test_what_is_written_reads_back():
    assert json.loads(json.dumps(Policy.read(WHOLE).as_data())) == WHOLE


def test_a_field_of_null_is_at_its_default():
    assert Policy.read({"expiry": None, "caps": {"points_per_day": None}}) == Policy()


@pytest.mark.parametrize(
    ("text", "value"), [(3, Fraction(3)), ("3.5", Fraction(7, 2)), ("7/2", Fraction(7, 2))]
)
def test_a_points_value_is_exact(text, value):
    assert Policy.read({"point_value": text}).point_value == value


@pytest.mark.parametrize(
    ("found", "field"),
    [
        ({"pendingdays": 14}, "pendingdays"),
        ({"pending_days": -1}, "pending_days"),
        ({"pending_days": "14"}, "pending_days"),
        ({"pending_days": True}, "pending_days"),
        ({"pending_days": 10**6}, "pending_days"),
        ({"basis": "half"}, "basis"),
        ({"tax": 19}, "tax"),
        ({"clawback": ["debt"]}, "clawback"),
        ({"exclude": ["000"]}, "exclude"),
        ({"exclude": {"sku": ["000"]}}, "exclude.sku"),
        ({"exclude": {"skus": "000"}}, "exclude.skus"),
        ({"exclude": {"skus": ["000", " "]}}, "exclude.skus"),
        ({"caps": {"points_per_week": 5}}, "caps.points_per_week"),
        ({"caps": {"points_per_day": 0.5}}, "caps.points_per_day"),
        ({"expiry": {"mode": "never"}}, "expiry.mode"),
        ({"expiry": {"mode": "lot"}}, "expiry.days"),
        ({"expiry": {"mode": "inactivity"}}, "expiry.days"),
        ({"expiry": {"days": 30}}, "expiry.mode"),
        ({"expiry": {"mode": "lot", "days": 30, "since": "2026-01-01"}}, "expiry.since"),
        ({"expiry": {"mode": "inactivity", "days": 30, "since": "soon"}}, "expiry.since"),
        ({"point_value": 3.5}, "point_value"),
        ({"point_value": "1/0"}, "point_value"),
        ({"point_value": "-1"}, "point_value"),
        ({"point_value": "much"}, "point_value"),
        ({"referral": {"referer": 5}}, "referral.referer"),
        ({"tiers": {"metric": "love"}}, "tiers.metric"),
        ({"tiers": {"window": {"mode": "rolling_months", "n": 0}}}, "tiers.window.n"),
        ({"tiers": {"window": {"months": 3}}}, "tiers.window.months"),
        ({"tiers": {"levels": []}}, "tiers.levels"),
    ],
)
def test_what_cannot_be_is_refused_by_name(found, field):
    with pytest.raises(BadPolicy) as refused:
        Policy.read(found)
    assert refused.value.field == field
    assert refused.value.code == "bad_policy"
    assert str(refused.value).startswith(f"{field}: ")


def test_a_policy_is_an_object():
    with pytest.raises(BadPolicy):
        Policy.read([])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expiry", "earned", "gone"),
    [
        ({"mode": "lot", "days": 90}, "2026-01-10T08:00", "2026-04-11T00:00"),
        ({"mode": "lot", "months": 3}, "2026-01-01T10:00", "2026-04-02T00:00"),
        ({"mode": "lot", "months": 1}, "2026-01-31T10:00", "2026-03-01T00:00"),
        ({"mode": "lot", "months": 1, "days": 1}, "2026-01-31T10:00", "2026-03-02T00:00"),
        ({"mode": "lot", "days": 1}, "2026-03-02T23:59", "2026-03-04T00:00"),
        ({"mode": "month_end"}, "2026-01-22T10:00", "2026-02-01T00:00"),
        ({"mode": "month_end"}, "2026-01-31T23:59", "2026-02-01T00:00"),
        ({"mode": "month_end", "months": 12}, "2027-02-28T10:00", "2028-03-01T00:00"),
        ({"mode": "year_end"}, "2026-12-31T23:30", "2027-01-01T00:00"),
        ({"mode": "year_end", "months": 12}, "2026-06-01T00:00", "2028-01-01T00:00"),
    ],
)
def test_points_die_with_the_end_of_a_local_day(expiry, earned, gone):
    policy = Policy.read({"expiry": expiry})
    assert expires_at(policy, berlin(earned), BERLIN) == berlin(gone)


def test_a_day_of_expiry_is_counted_on_the_shops_calendar():
    policy = Policy.read({"expiry": {"mode": "lot", "days": 1}})
    late = dt.datetime(2026, 3, 2, 23, 30, tzinfo=dt.UTC)  # the third in Berlin
    assert expires_at(policy, late, BERLIN) == berlin("2026-03-05T00:00")


@pytest.mark.parametrize("expiry", [{}, {"mode": "inactivity", "months": 6}])
def test_a_credit_may_not_expire_by_itself(expiry):
    assert expires_at(Policy.read({"expiry": expiry}), berlin("2026-01-01"), BERLIN) is None


def test_silence_ends_a_balance_with_the_end_of_a_local_day():
    policy = Policy.read({"expiry": {"mode": "inactivity", "months": 6}})
    gone = inactive_at(policy, berlin("2026-07-10T23:00"), BERLIN)
    assert gone == berlin("2027-01-11T00:00")


def test_silence_counts_from_when_it_was_switched_on():
    policy = Policy.read({"expiry": {"mode": "inactivity", "days": 30, "since": "2026-06-01"}})
    assert inactive_at(policy, berlin("2024-01-01"), BERLIN) == berlin("2026-07-02T00:00")
    assert inactive_at(policy, berlin("2026-06-10"), BERLIN) == berlin("2026-07-11T00:00")


@pytest.mark.parametrize("expiry", [{}, {"mode": "lot", "days": 30}, {"mode": "year_end"}])
def test_silence_ends_nothing_elsewhere(expiry):
    assert inactive_at(Policy.read({"expiry": expiry}), berlin("2026-01-01"), BERLIN) is None


def test_points_wait_until_a_local_midnight():
    at = berlin("2026-03-01T18:00")
    assert available_at(Policy(pending_days=14), at, BERLIN) == berlin("2026-03-15T00:00")
    assert available_at(Policy(pending_days=1), at, BERLIN) == berlin("2026-03-02T00:00")
    assert available_at(Policy(), at, BERLIN) == at


def test_given_back_points_live_for_their_days_of_grace():
    at, expires = berlin("2026-03-20T10:00"), berlin("2026-03-11T00:00")
    week = Policy(restore_grace_days=7)
    assert restored_until(week, expires, at, BERLIN) == berlin("2026-03-28T00:00")
    assert restored_until(Policy(), expires, at, BERLIN) == expires
    later = berlin("2026-12-01T00:00")
    assert restored_until(week, later, at, BERLIN) == later
    assert restored_until(week, None, at, BERLIN) is None


YEARS = int(berlin("2020-01-01").timestamp()), int(berlin("2035-01-01").timestamp())
instants = st.integers(*YEARS).map(lambda second: dt.datetime.fromtimestamp(second, dt.UTC))


@given(instants, st.sampled_from(ZONES), st.integers(0, 24), st.integers(1, 400))
def test_points_are_alive_through_a_whole_day_and_no_longer(at, zone, months, days):
    policy = Policy(expiry=Expiry("lot", days=days, months=months))
    gone = expires_at(policy, at, zone)
    assert gone is not None
    assert gone > at
    local, before = gone.astimezone(zone), (gone - dt.timedelta(microseconds=1)).astimezone(zone)
    assert before.date() < local.date()
