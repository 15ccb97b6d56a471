"""Points become a reward, or a refusal says why not."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty import standings
from loyalty.members import block
from loyalty.models import Entry, Program, Reward, Tier, VoucherUse
from loyalty.refusals import (
    BelowMinimum,
    IdempotencyConflict,
    InsufficientPoints,
    MemberBlocked,
    MemberLimit,
    MinSpend,
    OfflineRedemption,
    OutOfStock,
    RewardUnavailable,
    TierRequired,
)
from loyalty.vouchers import use
from tenants.actors import Actor
from tenants.devices import pair
from tenants.models import AuditEntry, Location
from tests.conftest import NOW
from tests.loyalty.counter import give, has, key, promise, reward, sell
from tests.loyalty.giving.taking import DAY, MINUTE, take, undo


def test_the_points_go_and_a_used_voucher_stays(rich, coffee):
    done = take(rich, coffee)
    assert (done.cost, done.discount, has(rich)) == (100, 0, 900)
    line = Entry.objects.get(kind="redeem")
    assert (line.amount, line.voucher) == (-100, done.voucher)
    assert (done.voucher.status, done.voucher.used, done.voucher.value) == ("used", 1, 350)
    used = VoucherUse.objects.get()
    assert (used.member, used.device, used.staff) == (rich.member, rich.device, rich.cashier)
    row = AuditEntry.objects.get(act="reward.redeemed")
    assert (row.subject, row.after) == (done.voucher.pk, {"cost": 100, "discount": 0})


def test_a_voucher_for_later_is_good_for_the_days_of_the_reward(rich, coffee):
    done = take(rich, coffee, use=False)
    assert (done.voucher.status, done.voucher.used) == ("issued", 0)
    assert done.voucher.valid_until == dt.date(2026, 4, 1)
    assert done.voucher.owner == rich.member
    assert not VoucherUse.objects.exists()


def test_the_same_key_redeems_once(rich, coffee):
    first = take(rich, coffee, key="k")
    again = take(rich, coffee, key="k", at=NOW + DAY)
    assert again.replayed
    assert (again.voucher, again.cost) == (first.voucher, 100)
    assert has(rich) == 900
    with pytest.raises(IdempotencyConflict):
        take(rich, coffee, key="k", total=100)


def test_a_refused_redemption_stays_refused_under_its_key(in_cafe, coffee):
    give(in_cafe, 90)
    with pytest.raises(InsufficientPoints) as refused:
        take(in_cafe, coffee, key="k")
    assert refused.value.figures == {"missing": 10}
    give(in_cafe, 10)
    with pytest.raises(InsufficientPoints, match="10 more"):
        take(in_cafe, coffee, key="k")
    assert take(in_cafe, coffee).cost == 100


def test_a_member_who_owes_lacks_what_she_owes_too(in_cafe, coffee):
    give(in_cafe, -30, allow_negative=True)
    with pytest.raises(InsufficientPoints) as refused:
        take(in_cafe, coffee)
    assert refused.value.figures == {"missing": 130}


def test_points_that_wait_buy_nothing(in_cafe, coffee):
    promise(in_cafe, pending_days=1)
    sell(in_cafe, 20000)
    with pytest.raises(InsufficientPoints):
        take(in_cafe, coffee)
    assert take(in_cafe, coffee, at=NOW + DAY).cost == 100


def test_an_amount_takes_off_no_more_than_the_bill(rich):
    tenner = reward(rich, "amount", 200, value=1000, conditions={"min_spend": 500})
    assert take(rich, tenner, total=640).discount == 640
    assert take(rich, tenner, total=5000).discount == 1000
    with pytest.raises(MinSpend):
        take(rich, tenner, total=499)
    with pytest.raises(MinSpend):
        take(rich, tenner)
    assert take(rich, tenner, use=False).voucher.min_spend == 500


@pytest.mark.parametrize(
    ("total", "conditions", "discount"),
    [
        (10000, {}, 1500),
        (10000, {"max_discount": 1000}, 1000),
        (10000, {"max_percent": 10}, 1000),
        (333, {}, 49),
        (None, {}, 0),
    ],
)
def test_a_percentage_is_rounded_down_and_has_a_maximum(rich, total, conditions, discount):
    percent = reward(rich, "percent", 10, value=15, conditions=conditions)
    assert take(rich, percent, total=total).discount == discount


@pytest.mark.parametrize(
    ("points", "total", "conditions", "taken"),
    [
        (1500, 10**6, {}, (1000, 1000)),  # no more than she has
        (None, 10**6, {}, (1000, 1000)),  # all of them
        (1000, 1000, {"max_percent": 50}, (500, 500)),  # half the bill
        (700, 350, {}, (350, 350)),  # the bill
        (400, None, {"rate": {"points": 150, "value": 1000}}, (300, 2000)),  # whole steps
        (1000, 2500, {"rate": {"points": 150, "value": 1000}}, (300, 2000)),  # of the bill too
        (1000, 9000, {"max_discount": 70}, (70, 70)),
    ],
)
def test_points_as_money(rich, points, total, conditions, taken):
    conditions = {"rate": {"points": 1, "value": 1}, **conditions}
    pay = reward(rich, "pay", 0, conditions=conditions)
    done = take(rich, pay, points=points, total=total)
    assert (done.cost, done.discount) == taken
    assert done.voucher.value == done.discount
    assert has(rich) == 1000 - done.cost


@pytest.mark.parametrize("options", [{"points": 499}, {"points": -5}, {"total": 499}])
def test_below_the_minimum_nothing_is_taken(rich, options):
    pay = reward(rich, "pay", 0, conditions={"rate": {"points": 1, "value": 1}, "min": 500})
    with pytest.raises(BelowMinimum, match="500"):
        take(rich, pay, **{"total": 10000, **options})
    assert has(rich) == 1000


def test_the_last_piece_goes_to_one(rich):
    mug = reward(rich, "gift", 50, stock=1)
    take(rich, mug)
    with pytest.raises(OutOfStock):
        take(rich, mug)
    mug.refresh_from_db()
    assert (mug.stock, has(rich)) == (0, 950)


def test_each_member_as_often_as_the_reward_says(rich):
    once = reward(rich, cost=10, per_member=1)
    done = take(rich, once)
    with pytest.raises(MemberLimit):
        take(rich, once, at=NOW + DAY)
    undo(rich, done.voucher)
    assert take(rich, once).cost == 10


def test_once_a_day_is_once_a_local_day(rich):
    daily = reward(rich, cost=10, conditions={"limit": {"times": 1, "per": "day"}})
    take(rich, daily)  # one o'clock in Dubai
    with pytest.raises(MemberLimit):
        take(rich, daily, at=NOW.replace(hour=19, minute=59))
    assert take(rich, daily, at=NOW.replace(hour=20)).cost == 10


@pytest.mark.parametrize("state", ["draft", "paused", "ended"])
def test_what_is_not_offered_is_not_given(rich, coffee, state):
    Reward.objects.update(status=state)
    with pytest.raises(RewardUnavailable):
        take(rich, coffee)
    Reward.objects.update(status="live")
    assert take(rich, coffee).cost == 100


def test_a_reward_keeps_its_own_days_and_hours(rich):
    xmas = reward(rich, cost=10, conditions={"from": "2026-12-01", "until": "2026-12-24"})
    for outside in ((11, 30, 19, 59), (12, 24, 20, 0)):
        with pytest.raises(RewardUnavailable):
            take(rich, xmas, at=dt.datetime(2026, *outside, tzinfo=dt.UTC))
    for within in ((11, 30, 20, 0), (12, 24, 19, 59)):
        assert take(rich, xmas, at=dt.datetime(2026, *within, tzinfo=dt.UTC)).cost == 10


def test_a_reward_of_another_program_or_that_was_retired_is_not_given(rich, coffee):
    other = Program.objects.create(name="Old", status="ended")
    old = Reward.objects.create(program=other, kind="item", name="Old", cost=1)
    with pytest.raises(RewardUnavailable):
        take(rich, old)
    coffee.retire(at=NOW, by="staff:x")
    with pytest.raises(RewardUnavailable):
        take(rich, coffee)


def test_a_reward_of_one_location_is_given_there(rich, coffee):
    harbour = Location.objects.create(name="Harbour")
    till, _ = pair("T2", harbour, at=NOW)
    coffee.conditions = {"locations": ["Harbour"]}
    coffee.save()
    with pytest.raises(RewardUnavailable):
        take(rich, coffee)
    assert take(rich, coffee, by=Actor.at_till(rich.cashier, till)).cost == 100
    # At home she is nowhere; the voucher is good at the harbour only.
    voucher = take(rich, coffee, by=Actor.member(rich.member.pk), use=False).voucher
    with pytest.raises(RewardUnavailable):
        use(voucher, at=NOW, by=rich.till, key=key(), member=rich.member)


def test_a_reward_for_gold_is_for_gold(rich):
    promise(rich, tiers={"metric": "spend"})
    names = (("Bronze", 0), ("Gold", 100000))
    tiers = [Tier.objects.create(program=rich.program, name=n, threshold=t) for n, t in names]
    vip = reward(rich, cost=10, conditions={"tiers": ["Gold"]})
    anybody = reward(rich, cost=10, conditions={"tiers": ["Bronze"]})
    with pytest.raises(TierRequired, match="Gold"):
        take(rich, vip)
    assert take(rich, anybody).cost == 10
    standings.grant(rich.member, tiers[1], at=NOW, by=Actor.of_staff(rich.owner), key="t")
    assert take(rich, vip).cost == 10


def test_rewards_need_a_connection_and_an_open_card(rich, coffee):
    with pytest.raises(OfflineRedemption):
        take(rich, coffee, offline=True)
    block(rich.member, at=NOW, by=Actor.of_staff(rich.owner))
    with pytest.raises(MemberBlocked):
        take(rich, coffee)
    assert has(rich) == 1000


def test_the_statements_of_a_redemption_do_not_grow_with_the_card(rich, coffee):
    def statements():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            take(rich, coffee)
        return len(seen)

    few = statements()
    for n in range(5):
        sell(rich, 1000, at=NOW + n * MINUTE)
    assert statements() == few <= 18
