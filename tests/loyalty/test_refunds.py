"""Sales come back, whole or in part, and take with them what they gave: no more and no less."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest

from loyalty import enrolment, programs, redemptions, refunds, standings, vouchers
from loyalty.members import block, erase
from loyalty.merging import merge
from loyalty.models import (
    Allocation,
    EarnRule,
    Entry,
    Program,
    Purchase,
    Redemption,
    Referral,
    Refund,
    Reward,
    RuleUse,
    Tier,
    Voucher,
)
from loyalty.refusals import (
    AlreadyVoided,
    IdempotencyConflict,
    NegativeAmount,
    NothingToChange,
    RefundExceedsPurchase,
    Refusal,
    TooLateToVoid,
    UnknownLine,
    UnknownPurchase,
)
from loyalty.terms import Line
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import AuditEntry
from tests.conftest import NOW, make_shop
from tests.loyalty.counter import account, give, has, key, lines, promise, reward, sell, status
from tests.loyalty.racing import race

MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)


def refund(shop, purchase, amount=None, **options):
    options = {"at": NOW + DAY, "by": shop.till, "key": key(), "amount": amount, **options}
    return refunds.refund(purchase, **options)


def rules(shop, *rules):
    """Let the shop's rules be these, each (kind, points, further fields)."""
    made = [{"kind": kind, "points": points, **more} for kind, points, more in rules]
    programs.set_rules(shop.program, made, at=NOW, by=Actor.of_staff(shop.owner))


@pytest.fixture
def sale(in_cafe):
    """One of 50.00, which gave 50 points."""
    return sell(in_cafe, 5000).purchase


def buy(shop, wanted, **options):
    """She redeems a reward."""
    return redemptions.redeem(
        shop.member, wanted, **{"at": NOW, "by": shop.till, "key": key(), **options}
    )


# What is clawed back


def test_the_whole_of_it_comes_back_by_a_new_line(in_cafe, sale):
    done = refund(in_cafe, sale)
    assert (done.clawed, done.taken, done.debt, done.restored) == (50, 50, 0, 0)
    assert lines(in_cafe) == [("earn", 50), ("clawback", -50)]
    line = Entry.objects.get(kind="clawback")
    assert (line.purchase, line.refund) == (sale, done.refund)
    assert (account(in_cafe).balance, account(in_cafe).lifetime) == (0, 0)
    told = Purchase.objects.get()
    assert (told.refunded, told.clawed, done.purchase) == (5000, 50, told)
    row = AuditEntry.objects.get(act="purchase.refunded")
    assert (row.subject, row.after) == (sale.pk, {"amount": 5000, "points": 50})


def test_three_parts_take_back_what_one_would(in_cafe):
    sale = sell(in_cafe, 1000).purchase
    assert [refund(in_cafe, sale, part).clawed for part in (333, 333, 334)] == [4, 3, 3]
    assert has(in_cafe) == 0
    assert sum(each.amount for each in Refund.objects.all()) == 1000


def test_todays_rules_are_nothing_to_a_sale_of_yesterday(in_cafe, sale):
    rules(in_cafe, ("spend", 7, {"per": 100}))
    assert refund(in_cafe, sale, 2500).clawed == 25
    rules(in_cafe)
    assert refund(in_cafe, sale, 2500).clawed == 25


def test_the_rest_is_priced_and_not_a_share_of_the_points(in_cafe):
    rules(
        in_cafe,
        ("spend", 1, {"per": 100}),
        ("bonus", 100, {"conditions": {"min_spend": 5000}}),
    )
    sale = sell(in_cafe, 5000).purchase
    assert refund(in_cafe, sale, 100).clawed == 101
    assert has(in_cafe) == 49


def test_goods_that_come_back_take_their_own_points(in_cafe):
    rules(
        in_cafe,
        ("spend", 1, {"per": 100}),
        ("item", 5, {"conditions": {"skus": ["mug"]}}),
        ("bonus", 20, {"conditions": {"skus": ["pot"]}}),
    )
    basket = [Line("mug", qty=3, amount=3000), Line("pot", amount=2000), Line("tea", amount=1000)]
    sale = sell(in_cafe, 6000, lines=basket).purchase
    assert sale.earned == 60 + 15 + 20
    assert refund(in_cafe, sale, lines={"tea": 1}).clawed == 10
    assert refund(in_cafe, sale, lines={"mug": 2}).clawed == 20 + 10
    done = refund(in_cafe, sale, lines={"pot": 1, "mug": 1})
    assert (done.clawed, done.refund.amount, has(in_cafe)) == (55, 3000, 0)
    assert done.refund.lines == {"pot": 1, "mug": 1}


def test_one_thing_on_two_lines(in_cafe):
    basket = [Line("mug", qty=2, amount=2000), Line("mug", qty=1, amount=500)]
    sale = sell(in_cafe, 2500, lines=basket).purchase
    assert refund(in_cafe, sale, lines={"mug": 3}).refund.amount == 2500


def test_a_price_that_does_not_divide_comes_back_to_the_last_cent(in_cafe):
    sale = sell(in_cafe, 1000, lines=[Line("mug", qty=3, amount=1000)]).purchase
    parts = [refund(in_cafe, sale, lines={"mug": 1}).refund.amount for _ in range(3)]
    assert parts == [333, 333, 334]
    assert (Purchase.objects.get().refunded, has(in_cafe)) == (1000, 0)


def test_money_back_without_goods_makes_every_line_smaller(in_cafe):
    rules(
        in_cafe,
        ("spend", 1, {"per": 100, "conditions": {"skus": ["mug"]}}),
        ("item", 3, {"conditions": {"skus": ["tea"]}}),
        ("bonus", 7, {"conditions": {"skus": ["mug"]}}),
    )
    basket = [Line("mug", amount=3000), Line("tea", qty=4, amount=1000)]
    sale = sell(in_cafe, 4000, lines=basket).purchase
    assert sale.earned == 30 + 12 + 7
    # A quarter: 22 of the mug, which is still there, and three whole teas.
    assert refund(in_cafe, sale, 1000).clawed == 49 - (22 + 9 + 7)
    # Then the mug comes back, for three quarters of its price.
    done = refund(in_cafe, sale, lines={"mug": 1})
    assert (done.refund.amount, done.clawed) == (2250, 29)
    assert refund(in_cafe, sale).clawed == 9


def test_tax_and_reward_keep_their_share_of_what_is_left(in_cafe):
    promise(in_cafe, tax="excl")
    sale = sell(in_cafe, 11900, tax=1900).purchase
    assert sale.earned == 100
    assert refund(in_cafe, sale, 5950).clawed == 50


def test_clawed_is_never_below_nought_nor_above_what_was_earned(in_cafe):
    promise(in_cafe, caps={"points_per_purchase": 20})
    sale = sell(in_cafe, 5000).purchase
    assert [refund(in_cafe, sale, part).clawed for part in (2000, 2000, 1000)] == [0, 10, 10]


def test_carried_cents_go_back_before_a_point(in_cafe):
    rules(in_cafe, ("spend", 1, {"per": 5000}))
    Program.objects.update(carries=True)
    first, second = sell(in_cafe, 6000).purchase, sell(in_cafe, 4000).purchase
    assert (has(in_cafe), account(in_cafe).carry) == (2, 0)
    # Its 10.00 had already become part of the second star.
    assert refund(in_cafe, first, 1000).clawed == 0
    assert account(in_cafe).carry == -1000
    assert sell(in_cafe, 5000).points == 0
    assert (has(in_cafe), account(in_cafe).carry) == (2, 4000)
    refund(in_cafe, first)
    refund(in_cafe, second)
    assert (has(in_cafe), account(in_cafe).carry) == (0, 5000)


# What is there, what is owed, what is forgiven


def test_the_sales_own_points_go_first_then_others_then_waiting_ones(in_cafe):
    give(in_cafe, 30, expires=dt.date(2026, 3, 20))
    own = sell(in_cafe, 2000).purchase
    promise(in_cafe, pending_days=14)
    sell(in_cafe, 1000)
    buy(in_cafe, reward(in_cafe, cost=35))  # 30, and five of the sale's own
    done = refund(in_cafe, own)
    assert (done.clawed, done.debt) == (20, 0)
    taken = Allocation.objects.filter(entry__kind="clawback").order_by("id")
    assert [(each.amount, each.lot.purchase == own) for each in taken] == [(15, True), (5, False)]
    assert account(in_cafe).pending == 5


def test_what_was_spent_is_owed_and_the_next_sale_pays_it(in_cafe, sale):
    buy(in_cafe, reward(in_cafe, cost=30))
    done = refund(in_cafe, sale)
    assert (done.clawed, done.taken, done.debt, has(in_cafe)) == (50, 50, 30, -30)
    sell(in_cafe, 4000)
    assert (has(in_cafe), account(in_cafe).debt) == (10, 0)


def test_a_shop_that_forgives_takes_what_is_there(in_cafe, sale):
    promise(in_cafe, clawback="clamp")
    buy(in_cafe, reward(in_cafe, cost=30))
    done = refund(in_cafe, sale)
    assert (done.clawed, done.taken, done.debt) == (50, 20, 0)
    assert lines(in_cafe) == [("earn", 50), ("redeem", -30), ("clawback", -20)]
    assert Purchase.objects.get().clawed == 50


def test_a_refund_of_points_that_have_expired_takes_others(in_cafe):
    promise(in_cafe, expiry={"mode": "lot", "days": 10})
    sale = sell(in_cafe, 5000).purchase
    done = refund(in_cafe, sale, at=NOW + 20 * DAY)
    assert (done.clawed, done.debt) == (50, 50)
    assert lines(in_cafe) == [("earn", 50), ("expire", -50), ("clawback", -50)]


def test_unused_automatic_rewards_go_before_a_debt_the_latest_first(in_cafe):
    reward(in_cafe, cost=40, is_auto=True, stock=9)
    sales = [sell(in_cafe, 5000).purchase for _ in range(2)]
    give(in_cafe, 30)
    early, middle, late = Voucher.objects.order_by("id")
    assert has(in_cafe) == 10
    vouchers.use(middle, at=NOW, by=in_cafe.till, key=key(), member=in_cafe.member)
    done = refund(in_cafe, sales[1])
    assert (done.debt, has(in_cafe)) == (0, 0)
    assert [status(each) for each in (early, middle, late)] == ["issued", "used", "voided"]
    assert Reward.objects.get().stock == 7
    assert refund(in_cafe, sales[0]).debt == 10
    assert status(early) == "voided"


def test_an_automatic_reward_that_is_on_a_bill_is_as_good_as_used(in_cafe):
    reward(in_cafe, cost=50, is_auto=True)
    sale = sell(in_cafe, 5000).purchase
    other = sell(in_cafe, 50, redemptions=[Voucher.objects.get().pk]).purchase
    assert refund(in_cafe, sale).debt == 50
    assert refund(in_cafe, other).restored == 50
    assert (has(in_cafe), account(in_cafe).debt) == (0, 0)


def test_an_automatic_reward_that_ran_out_is_not_worth_points_again(in_cafe):
    reward(in_cafe, cost=50, is_auto=True, valid_days=3)
    sale = sell(in_cafe, 5000).purchase
    done = refund(in_cafe, sale, at=NOW + 9 * DAY)
    assert (done.debt, status(Voucher.objects.get())) == (50, "issued")


def test_what_comes_back_may_fill_a_card(in_cafe):
    give(in_cafe, 60)
    pay = reward(in_cafe, "pay", 0, conditions={"rate": {"points": 1, "value": 1}})
    done = buy(in_cafe, pay, points=50, total=5000)
    sale = sell(in_cafe, 50, redemptions=[done.voucher.pk], reward_discount=50).purchase
    reward(in_cafe, cost=55, is_auto=True)
    refund(in_cafe, sale)
    assert (has(in_cafe), Voucher.objects.filter(is_auto=True).count()) == (5, 1)


# Rewards that paid for it


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


# Refusals and repetitions


def test_one_cannot_give_back_more_than_was_sold(in_cafe, sale):
    refund(in_cafe, sale, 4000)
    with pytest.raises(RefundExceedsPurchase):
        refund(in_cafe, sale, 1001)
    refund(in_cafe, sale, 1000)
    for again in (None, 1):
        with pytest.raises(RefundExceedsPurchase):
            refund(in_cafe, sale, again)
    assert Refund.objects.count() == 2


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"amount": -1}, NegativeAmount),
        ({"amount": 0}, NothingToChange),
        ({"lines": {}}, NothingToChange),
        ({"lines": {"mug": 0}}, NegativeAmount),
        ({"lines": {"mug": 3}}, RefundExceedsPurchase),
        ({"lines": {"mug": 1, "pot": 1}}, UnknownLine),
    ],
)
def test_what_was_not_sold_cannot_come_back(in_cafe, asked, refusal):
    sale = sell(in_cafe, 5000, lines=[Line("mug", qty=2, amount=2000)]).purchase
    with pytest.raises(refusal):
        refund(in_cafe, sale, **asked)
    assert (has(in_cafe), Refund.objects.count()) == (50, 0)


def test_goods_of_a_sale_whose_money_was_given_back_already(in_cafe):
    sale = sell(in_cafe, 2000, lines=[Line("mug", qty=2, amount=2000)]).purchase
    refund(in_cafe, sale)
    with pytest.raises(RefundExceedsPurchase):
        refund(in_cafe, sale, lines={"mug": 1})


def test_a_sale_that_is_not_in_the_books(in_cafe, spa):
    with inside(spa.tenant):
        theirs = sell(spa, 5000).purchase
    with pytest.raises(UnknownPurchase):
        refund(in_cafe, theirs)


def test_by_amount_or_by_lines_not_both(in_cafe, sale):
    with pytest.raises(ValueError, match="amount or by lines"):
        refund(in_cafe, sale, 1, lines={"mug": 1})


def test_the_same_key_takes_back_once_and_tells_the_same(in_cafe, sale):
    buy(in_cafe, reward(in_cafe, cost=30))
    first = refund(in_cafe, sale, 4000, key="k")
    again = refund(in_cafe, sale, 4000, key="k", at=NOW + 9 * DAY)
    assert again.replayed
    told = [(r.refund, r.clawed, r.taken, r.debt, r.restored) for r in (first, again)]
    assert told == [(first.refund, 40, 40, 20, 0)] * 2
    with pytest.raises(IdempotencyConflict):
        refund(in_cafe, sale, 4001, key="k")


@pytest.mark.parametrize("policy", ["debt", "clamp"])
def test_the_same_receipt_of_a_refund_counts_once_whatever_its_key(in_cafe, sale, policy):
    promise(in_cafe, clawback=policy)
    buy(in_cafe, reward(in_cafe, cost=45))
    refund(in_cafe, sale, 1050, ref="g1")
    second = refund(in_cafe, sale, 1000, ref="g2")
    refund(in_cafe, sale, 1000, ref="g3")
    again = refund(in_cafe, sale, 1000, ref="g2")
    assert (again.refund, again.replayed) == (second.refund, True)
    assert (again.clawed, again.taken) == (second.clawed, second.taken)
    assert Refund.objects.count() == 3
    assert Purchase.objects.get().refunded == 3050


def test_a_sale_of_nothing_comes_back_once(in_cafe):
    sale = sell(in_cafe, 0).purchase
    assert refund(in_cafe, sale).clawed == 0
    with pytest.raises(RefundExceedsPurchase):
        refund(in_cafe, sale)


def test_goods_come_back_from_a_blocked_card_too(in_cafe, sale):
    block(in_cafe.member, at=NOW, by=Actor.of_staff(in_cafe.owner))
    assert refund(in_cafe, sale).clawed == 50


def test_who_has_gone_owes_nothing_and_gets_nothing(in_cafe):
    give(in_cafe, 100)
    coffee = buy(in_cafe, reward(in_cafe, cost=100))
    sale = sell(in_cafe, 5000, redemptions=[coffee.voucher.pk]).purchase
    erase(in_cafe.member, at=NOW, by=Actor.of_staff(in_cafe.owner), key="e")
    done = refund(in_cafe, sale)
    assert (done.clawed, done.taken, done.debt, done.restored) == (50, 0, 0, 0)
    assert has(in_cafe) == 0


def test_a_sale_of_a_card_that_was_joined_is_clawed_from_the_one_that_was_kept(in_cafe, sale):
    kept = enrolment.enrol(card="77", at=NOW, by=in_cafe.till)
    merge(in_cafe.member, kept, at=NOW, by=Actor.of_staff(in_cafe.owner), key="m")
    refund(in_cafe, sale)
    assert (has(in_cafe, kept), account(in_cafe, kept).debt) == (0, 0)


def test_a_paused_program_still_takes_back(in_cafe, sale):
    Program.objects.update(status="paused")
    assert refund(in_cafe, sale).clawed == 50
    Program.objects.update(status="live")
    assert has(in_cafe) == 0


# Undo


def test_undoing_is_a_refund_of_all_that_is_left(in_cafe, sale):
    refund(in_cafe, sale, 1000)
    done = refunds.void(sale, at=NOW + MINUTE, by=in_cafe.till, key="u1")
    assert (done.clawed, done.refund.amount, has(in_cafe)) == (40, 4000, 0)
    assert AuditEntry.objects.get(act="purchase.voided").after == {"amount": 4000, "points": 40}


def test_undo_with_the_same_key_answers_the_same_and_with_another_is_refused(in_cafe, sale):
    refunds.void(sale, at=NOW, by=in_cafe.till, key="u1")
    again = refunds.void(sale, at=NOW, by=in_cafe.till, key="u1")
    assert (again.replayed, again.clawed) == (True, 50)
    with pytest.raises(AlreadyVoided):
        refunds.void(sale, at=NOW, by=in_cafe.till, key="u2")
    assert has(in_cafe) == 0


def test_after_fifteen_minutes_or_for_a_colleague_a_manager_must_undo(in_cafe, sale):
    late = NOW + 15 * MINUTE
    with pytest.raises(TooLateToVoid, match="15 minutes"):
        refunds.void(sale, at=late, by=in_cafe.till, key="u1")
    assert not refunds.may_void(sale, at=late, by=in_cafe.till)
    assert refunds.may_void(sale, at=late - MINUTE, by=in_cafe.till)
    boss = Actor.at_till(in_cafe.owner, in_cafe.device)
    assert refunds.void(sale, at=NOW + 60 * MINUTE, by=boss, key="u2").clawed == 50


# Many hands


@pytest.fixture
def shop(transactional_db):
    return make_shop("cafe")


def codes(outcomes) -> list[str]:
    return sorted(o.code for o in outcomes if isinstance(o, Refusal))


def test_parts_that_come_back_at_once_are_never_more_than_the_whole(shop):
    with inside(shop.tenant):
        sale = sell(shop, 5000).purchase
    outcomes = race(shop, [partial(refund, shop, sale, 2000) for _ in range(5)])
    assert codes(outcomes) == ["refund_exceeds_purchase"] * 3
    with inside(shop.tenant):
        assert (has(shop), Purchase.objects.get().refunded) == (10, 4000)


def test_one_refund_sent_many_times_at_once_is_one(shop):
    with inside(shop.tenant):
        sale = sell(shop, 5000).purchase
    outcomes = race(shop, [partial(refund, shop, sale, 1000, key="tap") for _ in range(5)])
    assert sorted(done.replayed for done in outcomes) == [False] + [True] * 4
    with inside(shop.tenant):
        assert has(shop) == 40


def test_one_receipt_of_a_refund_at_many_tills_counts_once(shop):
    with inside(shop.tenant):
        sale = sell(shop, 5000).purchase
    outcomes = race(shop, [partial(refund, shop, sale, 1000, ref="g1") for _ in range(5)])
    assert sorted(done.replayed for done in outcomes) == [False] + [True] * 4
    with inside(shop.tenant):
        assert (has(shop), Refund.objects.count()) == (40, 1)


def test_spending_while_a_sale_comes_back_ends_the_same_in_either_order(shop):
    with inside(shop.tenant):
        give(shop, 60)
        cake = reward(shop, cost=60)
        sale = sell(shop, 6000).purchase
    outcomes = race(shop, [partial(buy, shop, cake), partial(refund, shop, sale)])
    assert codes(outcomes) == []
    with inside(shop.tenant):
        assert (has(shop), account(shop).debt) == (0, 0)


def test_the_free_coffee_is_drunk_or_taken_back_never_both(shop):
    with inside(shop.tenant):
        reward(shop, cost=50, is_auto=True)
        sale = sell(shop, 5000).purchase
        voucher = Voucher.objects.get()
    outcomes = race(
        shop,
        [
            partial(refund, shop, sale),
            partial(vouchers.use, voucher, at=NOW, by=shop.till, key="u", member=shop.member),
        ],
    )
    with inside(shop.tenant):
        drunk = not isinstance(outcomes[1], Refusal)
        assert status(voucher) == ("used" if drunk else "voided")
        assert (account(shop).balance, account(shop).debt) == (0, 50 if drunk else 0)
