"""What cannot come back, what counts once, and undoing at the till."""

from __future__ import annotations

import pytest

from loyalty import enrolment, refunds
from loyalty.members import block, erase
from loyalty.merging import merge
from loyalty.models import (
    Program,
    Purchase,
    Refund,
)
from loyalty.refusals import (
    AlreadyVoided,
    IdempotencyConflict,
    NegativeAmount,
    NothingToChange,
    RefundExceedsPurchase,
    TooLateToVoid,
    UnknownLine,
    UnknownPurchase,
)
from loyalty.terms import Line
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import AuditEntry
from tests.conftest import NOW
from tests.loyalty.counter import account, give, has, promise, reward, sell
from tests.loyalty.returns.goods import DAY, MINUTE, buy, refund


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
