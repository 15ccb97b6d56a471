"""Tiers that a person grants: floors, under what is earned."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty import programs, state, sweeping
from loyalty.enrolment import enrol
from loyalty.members import block, erase
from loyalty.merging import merge
from loyalty.models import Account, Program, Tier
from loyalty.purchases import record
from loyalty.refusals import (
    AlreadyMerged,
    IdempotencyConflict,
    MemberClosed,
    ProgramNotLive,
    StaffSelfAward,
    UnknownTier,
)
from loyalty.standings import grant
from tenants.actors import Actor
from tenants.models import AuditEntry
from tests.conftest import NOW

DAY = dt.timedelta(days=1)
LEVELS = (("Bronze", 0), ("Silver", 30_000), ("Gold", 100_000))


@pytest.fixture
def tiers(in_cafe):
    policy = {"tiers": {"window": {"mode": "rolling_months", "n": 12}, "grace_days": 30}}
    programs.set_policy(in_cafe.program, policy, at=NOW, by=in_cafe.till)
    return {
        name: Tier.objects.create(program=in_cafe.program, name=name, threshold=threshold)
        for name, threshold in LEVELS
    }


@pytest.fixture
def ann(in_cafe):
    return enrol(card="ann", at=NOW, by=in_cafe.till)


@pytest.fixture
def owner(in_cafe):
    return Actor.of_staff(in_cafe.owner)


def sell(shop, member, total, at=NOW):
    return record(member, total, at=at, by=shop.till, key=f"{total} {at}")


def tier(member, at=NOW):
    found = state.state_of(member, at=at).tier
    return getattr(found, "name", found)


def test_a_granted_tier_is_a_floor_and_better_results_still_lift(in_cafe, tiers, ann, owner):
    assert grant(ann, tiers["Silver"], at=NOW, by=owner, key="g").tier == "Silver"
    assert sell(in_cafe, ann, 100).tier == "Silver"
    assert sell(in_cafe, ann, 100_000, NOW + DAY).tier == "Gold"
    for days in (300, 500, 5_000):
        sweeping.sweep(NOW + days * DAY)
    assert tier(ann, NOW + 5_000 * DAY) == "Silver"


def test_what_she_had_reached_herself_keeps_its_time(in_cafe, tiers, ann, owner):
    sell(in_cafe, ann, 100_000)
    grant(ann, tiers["Silver"], at=NOW + DAY, by=owner, key="g")
    account = Account.objects.get(member=ann)
    assert (account.tier, account.floor_tier) == (tiers["Gold"], tiers["Silver"])
    assert account.tier_until > NOW + 365 * DAY
    assert tier(ann, NOW + 364 * DAY) == "Gold"
    assert tier(ann, NOW + 500 * DAY) == "Silver"


def test_without_the_floor_she_stands_where_her_sales_put_her(in_cafe, tiers, ann, owner):
    sell(in_cafe, ann, 40_000)
    grant(ann, tiers["Gold"], at=NOW, by=owner, key="g")
    assert tier(ann) == "Gold"
    assert grant(ann, None, at=NOW + DAY, by=owner, key="g2").tier == "Silver"
    assert tier(ann, NOW + 366 * DAY) == "Silver"
    assert tier(ann, NOW + 500 * DAY) == "Bronze"
    assert grant(ann, None, at=NOW + DAY, by=owner, key="g3").tier == "Silver"


def test_a_lower_floor_lets_her_fall_no_further(in_cafe, tiers, ann, owner):
    grant(ann, tiers["Gold"], at=NOW, by=owner, key="g")
    assert grant(ann, tiers["Silver"], at=NOW, by=owner, key="g2").tier == "Silver"
    assert grant(ann, None, at=NOW, by=owner, key="g3").tier == "Bronze"


def test_the_same_key_grants_once(in_cafe, tiers, ann, owner):
    grant(ann, tiers["Silver"], at=NOW, by=owner, key="g")
    sell(in_cafe, ann, 100_000)
    again = grant(ann, tiers["Silver"], at=NOW + DAY, by=owner, key="g")
    assert (again.replayed, again.tier) == (True, "Gold")
    with pytest.raises(IdempotencyConflict):
        grant(ann, tiers["Gold"], at=NOW, by=owner, key="g")
    told = AuditEntry.objects.get(act="tier.granted")
    assert (told.before, told.after) == ({"floor": ""}, {"floor": "Silver"})


def test_only_tiers_of_the_live_program_are_granted(in_cafe, tiers, ann, owner):
    other = Program.objects.create(name="Old", status="ended")
    stranger = Tier.objects.create(program=other, name="Silver", threshold=1)
    with pytest.raises(UnknownTier):
        grant(ann, stranger, at=NOW, by=owner, key="g")
    tiers["Gold"].retire(at=NOW, by="staff:x")
    with pytest.raises(UnknownTier):
        grant(ann, tiers["Gold"], at=NOW, by=owner, key="g2")
    Program.objects.filter(pk=in_cafe.program.pk).update(status="paused")
    with pytest.raises(ProgramNotLive):
        grant(ann, tiers["Silver"], at=NOW, by=owner, key="g3")


def test_a_program_without_tiers_has_none_to_grant(in_cafe, ann, owner):
    lone = Tier.objects.create(program=in_cafe.program, name="Silver", threshold=1)
    with pytest.raises(UnknownTier):
        grant(ann, lone, at=NOW, by=owner, key="g")


def test_nobody_is_granted_a_tier_by_herself_or_when_she_is_gone(in_cafe, tiers, ann, owner):
    block(ann, at=NOW, by=owner)
    assert grant(ann, tiers["Silver"], at=NOW, by=owner, key="g").tier == "Silver"
    mine = enrol(card="mine", at=NOW, by=owner)
    mine.staff = in_cafe.cashier
    mine.save(update_fields=["staff"])
    with pytest.raises(StaffSelfAward):
        grant(mine, tiers["Gold"], at=NOW, by=in_cafe.till, key="g2")
    merge(mine, in_cafe.member, at=NOW, by=owner, key="m")
    erase(in_cafe.member, at=NOW, by=owner, key="e")
    with pytest.raises(AlreadyMerged):
        grant(mine, tiers["Gold"], at=NOW, by=owner, key="g3")
    with pytest.raises(MemberClosed):
        grant(in_cafe.member, tiers["Gold"], at=NOW, by=owner, key="g4")
