"""What the counter is shown: a customer, habits, a person's day; and who may do what there."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty import (
    desk,
    finding,
    habits,
    operations,
    programs,
    purchases,
    redemptions,
    refunds,
    rewards,
    shifts,
    vouchers,
)
from loyalty.enrolment import enrol
from loyalty.models import Member, Purchase, Reward, VoucherUse
from loyalty.refusals import (
    AboveLimit,
    InsufficientPoints,
    RefundExceedsPurchase,
    Refusal,
    TooLateToVoid,
)
from tenants.actors import Actor
from tenants.models import AuditEntry, Shop
from tests.conftest import NOW

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def by(in_cafe) -> Actor:
    return in_cafe.till


@pytest.fixture
def boss(in_cafe) -> Actor:
    return Actor.at_till(in_cafe.owner, in_cafe.device)


@pytest.fixture
def coffee(in_cafe) -> Reward:
    owner = Actor.of_staff(in_cafe.owner)
    return rewards.create(in_cafe.program, "item", "Coffee", at=NOW, by=owner, cost=20, stock=1)


def sell(shop, total=2450, key="k", at=NOW, **options) -> Purchase:
    done = purchases.record(shop.member, total, at=at, by=shop.till, key=key, **options)
    return done.purchase


# A customer


def test_a_customer_lies_on_the_counter_with_all_that_can_be_given_to_her(in_cafe, by, coffee):
    sell(in_cafe)
    owner = Actor.of_staff(in_cafe.owner)
    rewards.create(in_cafe.program, "item", "Cake", at=NOW, by=owner, cost=100)
    hers = vouchers.issue("amount", at=NOW, by=by, key="v", value=500, owner=in_cafe.member)
    vouchers.issue("amount", at=NOW, by=by, key="w", value=500)  # anybody's: she did not bring it
    found = desk.customer(in_cafe.member.pk, at=NOW)
    assert (found.phone, found.account.balance) == ("+971501234567", 24)
    assert [offer.reward for offer in found.ready] == [coffee]
    assert [(offer.reward.name, offer.missing) for offer in found.later] == [("Cake", 76)]
    assert list(found.held) == [hers]


def test_nobody_and_who_left_lie_on_no_counter(in_cafe, spa):
    assert desk.customer(spa.member.pk, at=NOW) is None
    Member.objects.update(status="blocked")
    assert desk.customer(in_cafe.member.pk, at=NOW).offers == ()


def test_without_a_live_program_she_is_still_somebody(in_cafe):
    in_cafe.program.status = "paused"
    in_cafe.program.save()
    found = desk.customer(in_cafe.member.pk, at=NOW)
    assert (found.account, found.phone) == (None, "+971501234567")


def test_a_name_finds_by_its_beginning_or_that_of_the_last_word(in_cafe):
    for typed, found in [
        ("am", True),
        ("AMINA", True),
        ("rah", True),
        ("a", False),
        ("mina", False),
        ("am1", False),
    ]:
        hits = finding.find_for_till(typed)
        assert [hit.member for hit in hits] == ([in_cafe.member] if found else [])


# Habits


def test_the_usual_amounts_are_those_that_come_again(in_cafe):
    assert habits.usual([900] * 5 + [1250] * 3 + [777] * 2 + [0] * 9) == (900, 1250)
    assert habits.usual(list(range(1, 200))) == ()


def test_habits_tell_how_the_live_program_earns(in_cafe, coffee):
    for n in range(3):
        sell(in_cafe, 900, key=f"k{n}")
    found = habits.habits()
    assert (found.amounts, found.unit, found.stamps) == ((900,), "point", False)
    assert found.next_goal(19).name == "Coffee"
    assert found.next_goal(20) is None
    owner = Actor.of_staff(in_cafe.owner)
    programs.set_rules(in_cafe.program, [{"kind": "item", "points": 1}], at=NOW, by=owner)
    assert habits._read().counts_items


# Above the limit


def test_above_the_limit_a_manager_has_to_allow_it(in_cafe, by, boss):
    Shop.objects.update(award_limit=1000)
    purchases.refuse_above_limit(1000, by=by)
    purchases.refuse_above_limit(10**9, by=boss)
    purchases.refuse_above_limit(10**9, by=by, approved_by=boss)
    for nobody in (None, by):
        with pytest.raises(AboveLimit) as refused:
            purchases.refuse_above_limit(1001, by=by, approved_by=nobody)
    assert refused.value.figures == {"limit": 1000}


def test_the_trail_names_who_did_it_and_who_allowed_it(in_cafe, boss, coffee):
    sale = sell(in_cafe, approved_by=boss)
    late = NOW + 60 * MINUTE
    redemptions.redeem(in_cafe.member, coffee, at=late, by=in_cafe.till, key="g", approved_by=boss)
    refunds.refund(sale, amount=100, at=late, by=in_cafe.till, key="r", approved_by=boss)
    with pytest.raises(TooLateToVoid):
        refunds.void(sale, at=late, by=in_cafe.till, key="v")
    refunds.void(sale, at=late, by=in_cafe.till, key="v2", approved_by=boss)
    acts = ["purchase.recorded", "reward.redeemed", "purchase.refunded", "purchase.voided"]
    trail = AuditEntry.objects.filter(act__in=acts).order_by("id")
    assert [row.act for row in trail] == acts
    assert {(row.who, row.after["approved_by"]) for row in trail} == {(in_cafe.till.who, boss.who)}


# Before it is done


def test_a_preview_says_what_giving_back_takes(in_cafe):
    sale = sell(in_cafe)
    assert refunds.preview(sale) == refunds.Preview(2450, 24, 2450)
    assert refunds.preview(sale, 1000) == refunds.Preview(1000, 10, 2450)
    with pytest.raises(RefundExceedsPurchase):
        refunds.preview(sale, 2451)
    done = refunds.refund(sale, amount=1000, at=NOW, by=in_cafe.till, key="r")
    assert done.clawed == 10
    sale.refresh_from_db()
    assert refunds.preview(sale) == refunds.Preview(1450, 14, 1450)


def test_a_quote_of_a_reward_is_what_it_then_costs(in_cafe, by):
    owner = Actor.of_staff(in_cafe.owner)
    ten = rewards.create(in_cafe.program, "percent", "10 %", at=NOW, by=owner, cost=10, value=10)
    with pytest.raises(InsufficientPoints):
        redemptions.quote(in_cafe.member, ten, at=NOW, by=by)
    sell(in_cafe)
    told = redemptions.quote(in_cafe.member, ten, at=NOW, by=by, total=5000)
    done = redemptions.redeem(in_cafe.member, ten, at=NOW, by=by, key="g", total=5000)
    assert (told.cost, told.discount) == (done.cost, done.discount) == (10, 500)
    assert redemptions.taken_off(done.voucher.pk, in_cafe.member) == 500
    sell(in_cafe, 5000, key="s", reward_discount=500, redemptions=[done.voucher.pk])
    assert redemptions.taken_off(done.voucher.pk, in_cafe.member) == 0


def test_a_vouchers_worth_is_what_it_then_takes_off(in_cafe, by):
    code = vouchers.issue("percent", at=NOW, by=by, key="v", value=20, min_spend=1000)
    with pytest.raises(Refusal):
        vouchers.worth(code, at=NOW, by=by, total=999)
    assert vouchers.worth(code, at=NOW, by=by, total=2000) == 400
    assert vouchers.use(code, at=NOW, by=by, key="u", total=2000).discount == 400


def test_a_command_was_done_if_it_was_not_refused(in_cafe, by, coffee):
    with pytest.raises(InsufficientPoints):
        redemptions.redeem(in_cafe.member, coffee, at=NOW, by=by, key="g")
    assert not operations.was_done(by, "g")
    sell(in_cafe)
    redemptions.redeem(in_cafe.member, coffee, at=NOW, by=by, key="g2")
    assert operations.was_done(by, "g2")
    assert not operations.was_done(Actor.of_staff(in_cafe.owner), "g2")


# A person's day


def test_a_shift_is_what_one_person_did_today(in_cafe, by, boss, coffee):
    sell(in_cafe, at=NOW - dt.timedelta(days=1), key="before")
    first, gone = sell(in_cafe, key="a"), sell(in_cafe, key="b")
    refunds.refund(first, amount=450, at=NOW, by=by, key="r")
    refunds.void(gone, at=NOW, by=by, key="v")
    redemptions.redeem(in_cafe.member, coffee, at=NOW, by=by, key="g")
    enrol(phone="050 765 4321", at=NOW, by=by)
    told = shifts.shift_of(by, at=NOW + MINUTE)
    assert told == shifts.Shift(1, 20, 1, 20, 2, 450 + 2450, 1)
    assert shifts.shift_of(boss, at=NOW).visits == 0
    with pytest.raises(ValueError, match="person"):
        shifts.shift_of(Actor.command("demo"), at=NOW)


def test_the_last_piece_was_given_by_somebody(in_cafe, by, boss, coffee):
    assert shifts.last_use(coffee.pk) is None
    sell(in_cafe)
    done = redemptions.redeem(in_cafe.member, coffee, at=NOW, by=by, key="g")
    assert shifts.last_use(coffee.pk).staff == in_cafe.cashier
    use = VoucherUse.objects.get()
    assert [gift.pk for gift in shifts.last_gifts(in_cafe.device.pk)] == [use.pk]
    allowed = [refunds.may_reverse(use, by=who, at=NOW + 20 * MINUTE) for who in (by, boss)]
    assert allowed == [False, True]
    assert refunds.may_reverse(use, by=by, at=NOW + 14 * MINUTE)
    redemptions.reverse(done.voucher, at=NOW, by=by, key="x")
    assert shifts.last_use(coffee.pk) is None


def test_a_sale_is_found_by_its_receipt(in_cafe):
    sale = sell(in_cafe, ref="R-17")
    assert [found.pk for found in refunds.with_receipt("R-17")] == [sale.pk]
    assert refunds.with_receipt("") == refunds.with_receipt("R-18") == []
