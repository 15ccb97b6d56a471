"""What she can have, and what an owner does with rewards."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty import rewards
from loyalty.members import block
from loyalty.models import Reward
from loyalty.redemptions import offers
from loyalty.refusals import (
    BadConditions,
    BadSetting,
)
from tenants.actors import Actor
from tenants.models import AuditEntry
from tests.conftest import NOW
from tests.loyalty.counter import give, reward
from tests.loyalty.giving.taking import DAY, take


def test_offers_tell_what_she_can_have_and_what_she_lacks(in_cafe):
    give(in_cafe, 120)
    reward(in_cafe, cost=100, name="Coffee", position=1)
    reward(in_cafe, cost=150, name="Cake", position=2)
    reward(in_cafe, "gift", 10, name="Mug", position=3, stock=0)
    reward(in_cafe, "gift", 10, name="Spoon", position=4, per_member=1)
    reward(in_cafe, name="Xmas", position=5, conditions={"from": "2026-12-01"})
    reward(in_cafe, name="Draft", position=6, status="draft")
    rate = {"rate": {"points": 1, "value": 1}, "min": 200}
    reward(in_cafe, "pay", 0, name="Pay", position=7, conditions=rate)
    take(in_cafe, Reward.objects.get(name="Spoon"))
    with CaptureQueriesContext(connection) as seen:
        told = offers(in_cafe.member, at=NOW)
    assert [(offer.reward.name, offer.missing, offer.code) for offer in told] == [
        ("Coffee", 0, ""),
        ("Cake", 40, "insufficient_points"),
        ("Mug", 0, "out_of_stock"),
        ("Spoon", 0, "member_limit"),
        ("Pay", 90, "below_minimum"),
    ]
    assert len(seen) <= 5


def test_offers_count_only_points_that_are_still_there(in_cafe, coffee):
    give(in_cafe, 100, expires=dt.date(2026, 3, 10))
    (then,) = offers(in_cafe.member, at=NOW)
    (later,) = offers(in_cafe.member, at=NOW + 20 * DAY)
    assert (then.code, later.code, later.missing) == ("", "insufficient_points", 100)


def test_a_blocked_card_is_offered_nothing(rich, coffee):
    block(rich.member, at=NOW, by=Actor.of_staff(rich.owner))
    rich.member.refresh_from_db()
    assert offers(rich.member, at=NOW) == []


# What an owner does with them


def test_a_reward_is_made_offered_paused_and_ended(in_cafe):
    told = {"at": NOW, "by": Actor.of_staff(in_cafe.owner)}
    made = rewards.create(
        in_cafe.program, "gift", " Mug ", cost=50, stock=3, told={"tiers": ["Gold"]}, **told
    )
    assert (made.name, made.stock, made.conditions) == ("Mug", 3, {"tiers": ["Gold"]})
    assert rewards.restock(made, 7, **told).stock == 7
    assert rewards.set_status(made, "paused", **told).status == "paused"
    assert rewards.set_status(made, "paused", **told).status == "paused"
    rewards.set_status(made, "ended", **told)
    with pytest.raises(BadSetting, match="status"):
        rewards.set_status(made, "live", **told)
    acts = AuditEntry.objects.filter(subject=made.pk).order_by("id")
    assert [row.act for row in acts] == ["reward.created", *["reward.changed"] * 3]


@pytest.mark.parametrize(
    ("kind", "fields", "field"),
    [
        ("car", {"cost": 1}, "kind"),
        ("item", {}, "cost"),
        ("item", {"cost": -1}, "cost"),
        ("percent", {"cost": 1, "value": 101}, "value"),
        ("amount", {"cost": 1}, "value"),
        ("pay", {}, "rate"),
        ("pay", {"told": {"rate": {"points": 1, "value": 1}}, "is_auto": True}, "is_auto"),
        ("item", {"cost": 1, "told": {"colour": "red"}}, "colour"),
        ("item", {"cost": 1, "stock": 10**9 + 1}, "stock"),
        ("item", {"cost": 1, "valid_days": 10**9}, "valid_days"),
    ],
)
def test_a_reward_that_cannot_be_is_refused_by_its_field(in_cafe, kind, fields, field):
    refusal = BadConditions if field == "colour" else BadSetting
    with pytest.raises(refusal) as refused:
        rewards.create(
            in_cafe.program, kind, "Mug", at=NOW, by=Actor.of_staff(in_cafe.owner), **fields
        )
    assert refused.value.field == field
    assert not Reward.objects.exists()
