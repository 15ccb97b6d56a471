"""Points become rewards, and rewards become points again."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty import refunds, rewards, standings
from loyalty.enrolment import enrol
from loyalty.members import block
from loyalty.models import Entry, Lot, Program, Redemption, Reward, Tier, VoucherUse
from loyalty.redemptions import offers, redeem, reverse
from loyalty.refusals import (
    AlreadyReversed,
    BadConditions,
    BadSetting,
    BelowMinimum,
    IdempotencyConflict,
    InsufficientPoints,
    MemberBlocked,
    MemberLimit,
    MinSpend,
    NeedsApproval,
    OfflineRedemption,
    OutOfStock,
    Refusal,
    RewardUnavailable,
    TierRequired,
    VoucherExpired,
    VoucherHeld,
    VoucherNotYours,
    VoucherUnknown,
    VoucherUsed,
)
from loyalty.vouchers import hold, issue, use
from tenants.actors import Actor
from tenants.context import inside
from tenants.devices import pair
from tenants.models import AuditEntry, Location
from tests.conftest import NOW, make_shop
from tests.loyalty.counter import account, give, has, key, lines, promise, reward, sell, status
from tests.loyalty.racing import race

MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)


def take(shop, wanted, **options):
    options = {"at": NOW, "by": shop.till, "key": key(), **options}
    return redeem(options.pop("member", shop.member), wanted, **options)


def undo(shop, voucher, **options):
    return reverse(voucher, **{"at": NOW, "by": shop.till, "key": key(), **options})


@pytest.fixture
def coffee(in_cafe):
    return reward(in_cafe, "item", 100, value=350, valid_days=30, name="Coffee")


@pytest.fixture
def rich(in_cafe):
    give(in_cafe, 1000)
    return in_cafe


# Redeem


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


# Undo


def test_points_come_back_with_the_dates_they_had(in_cafe, coffee):
    give(in_cafe, 70, expires=dt.date(2026, 3, 31))
    give(in_cafe, 70)
    done = take(in_cafe, coffee, use=False)
    back = undo(in_cafe, done.voucher)
    assert (back.restored, has(in_cafe), status(done.voucher)) == (100, 140, "voided")
    open_lots = Lot.objects.filter(remaining__gt=0).order_by("expires_at", "remaining")
    assert [(lot.remaining, lot.expires_at is None) for lot in open_lots] == [
        (70, False),
        (30, True),
        (40, True),
    ]
    restored = Entry.objects.get(kind="restore")
    assert restored.reverses == Entry.objects.get(kind="redeem")
    assert account(in_cafe).lifetime == 140
    row = AuditEntry.objects.get(act="reward.reversed")
    assert (row.subject, row.after) == (done.voucher.pk, {"points": 100})


def test_what_had_expired_meanwhile_expires_again_at_once(in_cafe, coffee):
    give(in_cafe, 60, expires=dt.date(2026, 3, 10))
    give(in_cafe, 60)
    done = take(in_cafe, coffee, use=False)
    at = NOW + 20 * DAY
    assert undo(in_cafe, done.voucher, at=at).restored == 100
    assert has(in_cafe) == 60
    assert lines(in_cafe)[2:] == [("redeem", -100), ("restore", 100), ("expire", -60)]
    # No line is older than what it takes away again.
    assert Entry.objects.get(kind="expire").occurred_at == at


def test_given_back_points_live_for_the_days_of_grace(in_cafe, coffee):
    promise(in_cafe, restore_grace_days=7)
    give(in_cafe, 100, expires=dt.date(2026, 3, 10))
    done = take(in_cafe, coffee, use=False)
    undo(in_cafe, done.voucher, at=NOW + 20 * DAY)
    gone = Lot.objects.get(remaining=100).expires_at
    assert gone == dt.datetime(2026, 3, 29, 20, tzinfo=dt.UTC)


def test_undoing_twice_is_refused_and_the_same_key_is_told_again(rich, coffee):
    done = take(rich, coffee)
    undo(rich, done.voucher, key="k")
    again = undo(rich, done.voucher, key="k")
    assert (again.replayed, again.restored) == (True, 100)
    with pytest.raises(AlreadyReversed):
        undo(rich, done.voucher)
    assert has(rich) == 1000


def test_an_undone_gift_lies_on_the_shelf_again(rich):
    mug = reward(rich, "gift", 50, stock=1)
    undo(rich, take(rich, mug).voucher)
    mug.refresh_from_db()
    assert (mug.stock, has(rich)) == (1, 1000)


def test_a_customer_undoes_only_her_own_unused_voucher(rich, coffee):
    her = Actor.member(rich.member.pk)
    used = take(rich, coffee).voucher
    with pytest.raises(VoucherUsed):
        undo(rich, used, by=her)
    assert undo(rich, used).restored == 100
    unused = take(rich, coffee, use=False).voucher
    with pytest.raises(VoucherNotYours):
        undo(rich, unused, by=Actor.member(rich.tenant.pk))
    hold(unused, at=NOW, by=rich.till, minutes=10)
    with pytest.raises(VoucherHeld):
        undo(rich, unused, by=her, at=NOW + 9 * MINUTE)
    with pytest.raises(VoucherExpired):
        undo(rich, unused, by=her, at=NOW + 31 * DAY)
    assert undo(rich, unused, by=her, at=NOW + 10 * MINUTE).restored == 100


def test_what_came_by_itself_is_not_undone_for_a_fresh_one(in_cafe):
    reward(in_cafe, cost=10, is_auto=True, valid_days=5)
    give(in_cafe, 10)
    (mine,) = in_cafe.member.vouchers.all()
    with pytest.raises(NeedsApproval):
        undo(in_cafe, mine, by=Actor.member(in_cafe.member.pk))
    use(mine, at=NOW, by=in_cafe.till, key=key(), member=in_cafe.member)
    undo(in_cafe, mine)  # it was used by mistake: she has one again
    assert (has(in_cafe), status(mine)) == (0, "voided")
    assert in_cafe.member.vouchers.filter(status="issued").count() == 1


def test_what_a_refund_gave_back_is_not_given_back_again(rich):
    pay = reward(rich, "pay", 0, conditions={"rate": {"points": 1, "value": 10}})
    done = take(rich, pay, points=200, total=10000)
    sale = sell(rich, 10000, reward_discount=2000, redemptions=[done.voucher.pk]).purchase
    refunds.refund(sale, amount=5000, at=NOW, by=rich.till, key="r")
    assert undo(rich, done.voucher).restored == 100
    assert Redemption.objects.get().restored == 200
    refunds.refund(sale, at=NOW, by=rich.till, key="r2")
    assert has(rich) == 1000


def test_what_is_left_to_give_back_has_the_dates_of_the_last_points_taken(in_cafe):
    give(in_cafe, 50, expires=dt.date(2026, 3, 20))
    give(in_cafe, 50)
    pay = reward(in_cafe, "pay", 0, conditions={"rate": {"points": 1, "value": 10}})
    done = take(in_cafe, pay, points=100, total=10000)
    sale = sell(in_cafe, 10000, reward_discount=1000, redemptions=[done.voucher.pk]).purchase
    refunds.refund(sale, amount=5000, at=NOW, by=in_cafe.till, key="r")
    undo(in_cafe, done.voucher)
    back = [line.lots.get() for line in Entry.objects.filter(kind="restore").order_by("id")]
    assert [(lot.amount, lot.expires_at is None) for lot in back] == [(50, False), (50, True)]


def test_a_customer_does_not_undo_what_is_on_a_bill(rich, coffee):
    mine = take(rich, coffee, use=False).voucher
    sell(rich, 5000, redemptions=[mine.pk])
    with pytest.raises(VoucherUsed):
        undo(rich, mine, by=Actor.member(rich.member.pk))
    assert undo(rich, mine).restored == 100


def test_a_campaigns_code_is_no_redemption(in_cafe):
    code = issue("amount", value=500, at=NOW, by=Actor.of_staff(in_cafe.owner), key="c")
    with pytest.raises(VoucherUnknown):
        undo(in_cafe, code)


def test_a_paused_program_still_gives_back(rich, coffee):
    done = take(rich, coffee)
    Program.objects.update(status="paused")
    assert undo(rich, done.voucher).restored == 100


# What she can have


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


# Many hands


@pytest.fixture
def shop(transactional_db):
    return make_shop("cafe")


def codes(outcomes) -> list[str]:
    return sorted(o.code for o in outcomes if isinstance(o, Refusal))


def test_points_for_three_buy_three_whoever_taps_first(shop):
    with inside(shop.tenant):
        give(shop, 350)
        coffee = reward(shop)
    outcomes = race(shop, [partial(take, shop, coffee) for _ in range(6)])
    assert codes(outcomes) == ["insufficient_points"] * 3
    with inside(shop.tenant):
        assert has(shop) == 50


def test_one_command_sent_many_times_at_once_redeems_once(shop):
    with inside(shop.tenant):
        give(shop, 350)
        coffee = reward(shop)
    outcomes = race(shop, [partial(take, shop, coffee, key="tap") for _ in range(5)])
    assert sorted(done.replayed for done in outcomes) == [False] + [True] * 4
    with inside(shop.tenant):
        assert has(shop) == 250


def test_the_last_piece_goes_to_one_of_many_members(shop):
    with inside(shop.tenant):
        people = [enrol(card=f"c{n}", at=NOW, by=shop.till) for n in range(5)]
        for person in people:
            give(shop, 50, member=person)
        mug = reward(shop, "gift", 50, stock=2)
    outcomes = race(shop, [partial(take, shop, mug, member=person) for person in people])
    assert codes(outcomes) == ["out_of_stock"] * 3
    with inside(shop.tenant):
        mug.refresh_from_db()
        assert mug.stock == 0
        assert sorted(has(shop, person) for person in people) == [0, 0, 50, 50, 50]


def test_a_customer_undoes_while_a_till_uses_it(shop):
    with inside(shop.tenant):
        give(shop, 100)
        voucher = take(shop, reward(shop), use=False).voucher
    her = Actor.member(shop.member.pk)
    outcomes = race(
        shop,
        [
            partial(undo, shop, voucher, by=her),
            partial(use, voucher, at=NOW, by=shop.till, key="u", member=shop.member),
        ],
    )
    with inside(shop.tenant):
        won = "used" if isinstance(outcomes[0], Refusal) else "voided"
        assert len(codes(outcomes)) == 1
        assert (status(voucher), has(shop)) == (won, 0 if won == "used" else 100)


def test_two_who_undo_one_redemption_undo_it_once(shop):
    with inside(shop.tenant):
        give(shop, 100)
        voucher = take(shop, reward(shop, "gift", stock=1)).voucher
    outcomes = race(shop, [partial(undo, shop, voucher) for _ in range(4)])
    assert codes(outcomes) == ["already_reversed"] * 3
    with inside(shop.tenant):
        assert has(shop) == 100
        assert Reward.objects.get().stock == 1
