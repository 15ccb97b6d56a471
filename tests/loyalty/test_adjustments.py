"""Points by hand: who may, how many, and that there is a reason."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty.adjustments import adjust
from loyalty.members import block, erase
from loyalty.models import Entry, Lot, Operation, Voucher
from loyalty.refusals import (
    BadDate,
    IdempotencyConflict,
    InsufficientPoints,
    MemberClosed,
    NeedsApproval,
    NothingToChange,
    ReasonRequired,
    StaffSelfAward,
)
from tenants.actors import Actor
from tenants.models import AuditEntry, Staff
from tenants.people import employ
from tests.conftest import NOW
from tests.loyalty.counter import account, give, has, lines, promise, reward, sell

DAY = dt.timedelta(days=1)


@pytest.fixture
def manager(in_cafe):
    return employ("Mona", Staff.Role.MANAGER, at=NOW, by=Actor.of_staff(in_cafe.owner))


def test_the_reason_is_in_the_books_and_the_act_in_the_audit_trail(in_cafe):
    done = give(in_cafe, 75, reason="  Customer appreciation ")
    assert has(in_cafe) == 75
    line = Entry.objects.get()
    assert (line.kind, line.amount, line.reason) == ("adjust", 75, "Customer appreciation")
    assert done.entry == line
    row = AuditEntry.objects.get(act="points.adjusted")
    assert (row.subject, row.after) == (line.pk, {"points": 75})


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_moves(in_cafe, reason):
    with pytest.raises(ReasonRequired):
        give(in_cafe, 75, reason=reason)
    assert (has(in_cafe), lines(in_cafe)) == (0, [])


def test_nought_is_refused(in_cafe):
    with pytest.raises(NothingToChange):
        give(in_cafe, 0)


def test_an_endless_reason_is_kept_as_far_as_there_is_room(in_cafe):
    give(in_cafe, 1, reason="why " * 100)
    assert len(Entry.objects.get().reason) == 140


@pytest.mark.parametrize("points", [500, -500])
def test_a_manager_moves_what_the_program_allows_either_way(in_cafe, manager, points):
    give(in_cafe, 1000)
    give(in_cafe, points, by=Actor.of_staff(manager))
    assert has(in_cafe) == 1000 + points
    one_more = points + (1 if points > 0 else -1)
    with pytest.raises(NeedsApproval):
        give(in_cafe, one_more, by=Actor.of_staff(manager), allow_negative=True)


def test_the_limit_is_the_programs(in_cafe, manager):
    promise(in_cafe, adjust_limit=20)
    with pytest.raises(NeedsApproval):
        give(in_cafe, 21, by=Actor.of_staff(manager))
    assert give(in_cafe, 20, by=Actor.of_staff(manager)).account.balance == 20


def test_a_cashier_needs_somebody_who_may(in_cafe, manager):
    with pytest.raises(NeedsApproval):
        give(in_cafe, 1, by=in_cafe.till)
    with pytest.raises(NeedsApproval):
        give(in_cafe, 501, by=in_cafe.till, approved_by=manager)
    give(in_cafe, 500, by=in_cafe.till, approved_by=manager)
    assert has(in_cafe) == 500
    row = AuditEntry.objects.get(act="points.adjusted")
    assert row.after == {"points": 500, "approved_by": str(manager.pk)}


def test_two_who_may_not_do_not_make_one_who_may(in_cafe, manager):
    with pytest.raises(NeedsApproval):
        give(in_cafe, 501, by=Actor.of_staff(manager), approved_by=in_cafe.cashier)


def test_whoever_has_left_approves_nothing(in_cafe, manager):
    manager.retire(at=NOW, by="staff:x")
    with pytest.raises(NeedsApproval):
        give(in_cafe, 1, by=in_cafe.till, approved_by=manager)


def test_a_customer_gives_herself_nothing(in_cafe):
    with pytest.raises(NeedsApproval):
        give(in_cafe, 1, by=Actor.member(in_cafe.member.pk))
    assert give(in_cafe, 9999, by=Actor.command("demo")).account.balance == 9999


def test_nobody_gives_or_approves_for_her_own_card(in_cafe, manager):
    in_cafe.member.staff = manager
    in_cafe.member.save()
    with pytest.raises(StaffSelfAward):
        give(in_cafe, 10, by=Actor.of_staff(manager))
    with pytest.raises(StaffSelfAward):
        give(in_cafe, 10, by=in_cafe.till, approved_by=manager)
    give(in_cafe, 10)
    assert has(in_cafe) == 10


def test_more_than_there_is_needs_an_explicit_yes(in_cafe):
    give(in_cafe, 30)
    with pytest.raises(InsufficientPoints) as refused:
        give(in_cafe, -50)
    assert refused.value.figures == {"missing": 20}
    assert has(in_cafe) == 30
    give(in_cafe, -50, allow_negative=True)
    assert (account(in_cafe).balance, account(in_cafe).debt) == (0, 20)
    give(in_cafe, 50)
    assert has(in_cafe) == 30


def test_points_that_wait_are_taken_before_a_debt_is_made(in_cafe):
    promise(in_cafe, pending_days=14)
    sell(in_cafe, 4000)
    give(in_cafe, -10, allow_negative=True)
    found = account(in_cafe)
    assert (found.balance, found.pending, found.debt) == (0, 30, 0)


def test_given_points_live_as_long_as_was_said_or_as_the_program_says(in_cafe):
    promise(in_cafe, expiry={"mode": "lot", "days": 30})
    give(in_cafe, 5, expires=dt.date(2026, 3, 10))
    give(in_cafe, 7)
    zone = dt.timezone(dt.timedelta(hours=4))
    days = [lot.expires_at.astimezone(zone) for lot in Lot.objects.order_by("expires_at")]
    assert days == [
        dt.datetime(2026, 3, 11, tzinfo=zone),
        dt.datetime(2026, 4, 2, tzinfo=zone),
    ]


def test_points_valid_through_a_day_gone_by_are_gone_at_once(in_cafe):
    give(in_cafe, 5, expires=dt.date(2026, 3, 1))
    assert has(in_cafe) == 0
    assert lines(in_cafe) == [("adjust", 5), ("expire", -5)]


def test_points_end_on_a_day_that_has_a_day_after_it(in_cafe):
    with pytest.raises(BadDate):
        give(in_cafe, 5, expires=dt.date.max)
    assert (has(in_cafe), lines(in_cafe)) == (0, [])


def test_a_paper_card_that_is_full_becomes_a_reward(in_cafe):
    reward(in_cafe, cost=10, is_auto=True)
    give(in_cafe, 23)
    assert has(in_cafe) == 3
    assert Voucher.objects.count() == 2
    assert lines(in_cafe) == [("adjust", 23), ("redeem", -10), ("redeem", -10)]


def test_the_same_key_counts_once_and_another_number_is_a_conflict(in_cafe):
    told = {"reason": "t", "by": Actor.of_staff(in_cafe.owner), "key": "k"}
    first = adjust(in_cafe.member, 10, at=NOW, **told)
    again = adjust(in_cafe.member, 10, at=NOW + DAY, **told)
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.entry, again.account.balance) == (first.entry, 10)
    with pytest.raises(IdempotencyConflict):
        adjust(in_cafe.member, 11, at=NOW, **told)
    assert has(in_cafe) == 10
    assert Operation.objects.get(verb="adjust").result == {"entry": str(first.entry.pk)}


def test_a_blocked_card_can_be_put_right_and_a_closed_one_cannot(in_cafe):
    give(in_cafe, 10)
    owner = Actor.of_staff(in_cafe.owner)
    block(in_cafe.member, at=NOW, by=owner)
    give(in_cafe, -4)
    assert has(in_cafe) == 6
    erase(in_cafe.member, at=NOW, by=owner, key="e")
    with pytest.raises(MemberClosed):
        give(in_cafe, 1)
