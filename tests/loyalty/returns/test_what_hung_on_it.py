"""Rewards that paid for a sale, tiers, friends and limits that hung on it."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty import enrolment, redemptions, standings
from loyalty.merging import merge
from loyalty.models import (
    EarnRule,
    Entry,
    Redemption,
    Referral,
    Reward,
    RuleUse,
    Tier,
)
from tenants.actors import Actor
from tests.conftest import NOW
from tests.loyalty.counter import account, give, has, key, promise, reward, sell, status
from tests.loyalty.returns.goods import buy, refund, rules


def test_a_fixed_reward_comes_back_with_the_whole_sale_only(in_cafe):
    give(in_cafe, 200)
    tenner = buy(in_cafe, reward(in_cafe, "amount", 200, value=1000, stock=3), total=6000)
    sale = sell(in_cafe, 6000, reward_discount=1000, redemptions=[tenner.voucher.pk]).purchase
    assert sale.earned == 50
    first = refund(in_cafe, sale, 3000)
    assert (first.clawed, first.restored, status(tenner.voucher)) == (25, 0, "used")
    last = refund(in_cafe, sale, 3000)
    assert (last.clawed, last.restored, status(tenner.voucher)) == (25, 200, "voided")
    assert (has(in_cafe), Reward.objects.get().stock) == (200, 3)
    assert Redemption.objects.get().restored == 200


def test_points_that_paid_come_back_in_proportion_and_all_at_the_end(in_cafe):
    promise(in_cafe, basis="gross")
    give(in_cafe, 70, expires=dt.date(2026, 3, 31))
    give(in_cafe, 30)
    pay = reward(in_cafe, "pay", 0, conditions={"rate": {"points": 1, "value": 10}})
    paid = buy(in_cafe, pay, points=100, total=9000)
    sale = sell(in_cafe, 9000, reward_discount=1000, redemptions=[paid.voucher.pk]).purchase
    given = [refund(in_cafe, sale, part).restored for part in (2000, 1000, 3000, 3000)]
    assert given == [22, 11, 33, 34]
    assert (has(in_cafe), status(paid.voucher)) == (100, "voided")
    # The soonest to expire came back first, each point with its own date.
    back = Entry.objects.filter(kind="restore").order_by("id")
    dated = [[(lot.amount, bool(lot.expires_at)) for lot in line.lots.all()] for line in back]
    assert dated[:2] == [[(22, True)], [(11, True)]]
    assert sorted(dated[3]) == [(4, True), (30, False)]


def test_what_comes_back_pays_before_a_debt_is_made(in_cafe):
    promise(in_cafe, clawback="clamp")
    give(in_cafe, 100)
    pay = reward(in_cafe, "pay", 0, conditions={"rate": {"points": 1, "value": 1}})
    paid = buy(in_cafe, pay, points=100, total=5100)
    sale = sell(in_cafe, 5100, reward_discount=100, redemptions=[paid.voucher.pk]).purchase
    buy(in_cafe, reward(in_cafe, cost=50))
    done = refund(in_cafe, sale)
    assert (done.clawed, done.taken, done.restored, has(in_cafe)) == (50, 50, 100, 50)


def test_what_was_undone_by_hand_is_not_given_back_twice(in_cafe):
    give(in_cafe, 100)
    coffee = buy(in_cafe, reward(in_cafe, cost=100))
    sale = sell(in_cafe, 5000, redemptions=[coffee.voucher.pk]).purchase
    redemptions.reverse(coffee.voucher, at=NOW, by=in_cafe.till, key=key())
    assert refund(in_cafe, sale).restored == 0
    assert has(in_cafe) == 100


# What else hung on it


def test_the_tier_that_only_this_sale_gave_is_lost(in_cafe):
    promise(in_cafe, tiers={"metric": "spend"})
    bronze = Tier.objects.create(program=in_cafe.program, name="Bronze", threshold=0)
    gold = Tier.objects.create(program=in_cafe.program, name="Gold", threshold=5000)
    sale = sell(in_cafe, 5000).purchase
    assert account(in_cafe).tier == gold
    assert refund(in_cafe, sale, 1).account.tier == bronze
    assert account(in_cafe).tier == bronze


def test_a_tier_that_a_person_granted_is_kept(in_cafe):
    promise(in_cafe, tiers={"metric": "spend"})
    Tier.objects.create(program=in_cafe.program, name="Bronze", threshold=0)
    gold = Tier.objects.create(program=in_cafe.program, name="Gold", threshold=5000)
    by = Actor.of_staff(in_cafe.owner)
    standings.grant(in_cafe.member, gold, at=NOW, by=by, key="g")
    refund(in_cafe, sell(in_cafe, 5000).purchase)
    assert account(in_cafe).tier == gold


@pytest.fixture
def friend(in_cafe):
    """Somebody whom the member brought."""
    promise(in_cafe, referral={"referrer": 500, "friend": 250, "min_spend": 2500})
    return enrolment.enrol_or_find(
        name="Bob",
        phone="0507654321",
        email="",
        card="",
        birth_date=None,
        referred_by=in_cafe.member,
        at=NOW,
        by=in_cafe.till,
        source="till",
    ).member


def test_a_sale_that_falls_below_the_minimum_takes_both_presents_back(in_cafe, friend):
    sale = sell(in_cafe, 3000, member=friend).purchase
    assert (has(in_cafe), has(in_cafe, friend)) == (500, 280)
    refund(in_cafe, sale, 500)
    assert (has(in_cafe), has(in_cafe, friend)) == (500, 275)
    refund(in_cafe, sale, 1)
    assert (has(in_cafe), has(in_cafe, friend)) == (0, 24)
    assert Referral.objects.get().status == "pending"
    refund(in_cafe, sale)
    assert (has(in_cafe), has(in_cafe, friend)) == (0, 0)
    sell(in_cafe, 2500, member=friend)
    assert (has(in_cafe), has(in_cafe, friend)) == (500, 275)


def test_a_minimum_that_rose_since_takes_nothing_from_a_sale_that_never_reached_it(in_cafe, friend):
    sale = sell(in_cafe, 3000, member=friend).purchase
    promise(in_cafe, referral={"referrer": 500, "friend": 250, "min_spend": 9000})
    refund(in_cafe, sale, 100)
    assert (has(in_cafe), has(in_cafe, friend)) == (500, 279)
    refund(in_cafe, sale)
    assert (has(in_cafe), has(in_cafe, friend)) == (0, 0)


def test_presents_are_taken_from_the_card_that_was_kept(in_cafe, friend):
    sale = sell(in_cafe, 3000, member=friend).purchase
    by = Actor.of_staff(in_cafe.owner)
    kept = enrolment.enrol(card="77", at=NOW, by=in_cafe.till)
    merge(in_cafe.member, kept, at=NOW, by=by, key="m")
    assert has(in_cafe, kept) == 500
    refund(in_cafe, sale)
    assert (has(in_cafe, kept), has(in_cafe, friend)) == (0, 0)


def test_the_place_among_the_first_is_free_again(in_cafe):
    early = {"conditions": {"total_uses": 1}}
    rules(in_cafe, ("spend", 1, {"per": 100}), ("bonus", 20, early))
    bob = enrolment.enrol(card="7", at=NOW, by=in_cafe.till)
    first = sell(in_cafe, 1000)
    assert (first.points, sell(in_cafe, 1000, member=bob).points) == (30, 10)
    refund(in_cafe, first.purchase, 400)
    assert sell(in_cafe, 1000, member=bob).points == 10
    refund(in_cafe, first.purchase)
    assert sell(in_cafe, 1000, member=bob).points == 30
    assert EarnRule.objects.get(kind="bonus").used == 1
    assert RuleUse.objects.count() == 2
