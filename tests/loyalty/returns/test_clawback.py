"""What is clawed back, what is owed, and what is forgiven."""

from __future__ import annotations

import datetime as dt

from loyalty import vouchers
from loyalty.models import (
    Allocation,
    Entry,
    Program,
    Purchase,
    Refund,
    Reward,
    Voucher,
)
from loyalty.terms import Line
from tenants.models import AuditEntry
from tests.conftest import NOW
from tests.loyalty.counter import account, give, has, key, lines, promise, reward, sell, status
from tests.loyalty.returns.goods import DAY, buy, refund, rules


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
