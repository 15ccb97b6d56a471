"""A reward becomes points again."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty import refunds
from loyalty.models import Entry, Lot, Program, Redemption
from loyalty.refusals import (
    AlreadyReversed,
    NeedsApproval,
    VoucherExpired,
    VoucherHeld,
    VoucherNotYours,
    VoucherUnknown,
    VoucherUsed,
)
from loyalty.vouchers import hold, issue, use
from tenants.actors import Actor
from tenants.models import AuditEntry
from tests.conftest import NOW
from tests.loyalty.counter import account, give, has, key, lines, promise, reward, sell, status
from tests.loyalty.giving.taking import DAY, MINUTE, take, undo


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
