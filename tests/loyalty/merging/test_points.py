"""What both cards have is added, with its dates and debts."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty import state
from loyalty.models import (
    Account,
    EarnRule,
    Lot,
    Member,
    Program,
    Reward,
)
from tests.conftest import NOW
from tests.loyalty.merging.people import DAY, entries, lots, told


def test_points_are_added_and_keep_their_dates(people):
    people.adjust(people.ann, 100, expires=dt.date(2026, 12, 31))
    people.adjust(people.old, 200, expires=dt.date(2026, 6, 30))
    done = people.merge()
    assert (done.moved, done.replayed) == (200, False)
    assert told(people.ann) == (300, 0, 0)
    assert lots(people.ann) == [(200, dt.date(2026, 6, 30)), (100, dt.date(2026, 12, 31))]
    assert entries(people.old) == [("adjust", 200), ("merge_out", -200)]
    assert entries(people.ann) == [("adjust", 100), ("merge_in", 200)]
    assert told(people.old) == (0, 0, 0)
    gone = Member.objects.get(pk=people.old.pk)
    assert (gone.status, gone.merged_into) == ("merged", people.ann)


def test_a_lot_keeps_its_sale_and_both_its_days(people):
    people.promise(pending_days=14, expiry={"mode": "lot", "days": 90})
    sale = people.sell(people.old, 5000).purchase
    before = Lot.objects.get()
    people.merge(at=NOW + DAY)
    lot = Lot.objects.get(account__member=people.ann)
    for name in ("purchase_id", "earned_at", "available_at", "expires_at"):
        assert getattr(lot, name) == getattr(before, name), name
    assert lot.purchase_id == sale.pk
    assert told(people.ann, NOW + DAY) == (0, 50, 0)
    assert told(people.ann, NOW + 14 * DAY) == (50, 0, 0)
    assert told(people.ann, NOW + 91 * DAY) == (0, 0, 0)


def test_what_had_expired_by_then_does_not_move(people):
    people.promise(expiry={"mode": "lot", "days": 30})
    people.sell(people.old, 5000)
    people.sell(people.ann, 1000, at=NOW + 20 * DAY)
    assert people.merge(at=NOW + 40 * DAY).moved == 0
    assert entries(people.old) == [("earn", 50), ("expire", -50)]
    assert told(people.ann, NOW + 40 * DAY) == (10, 0, 0)


def test_her_points_repay_the_debt_of_the_card_that_is_kept(people):
    people.adjust(people.ann, -30, allow_negative=True)
    people.adjust(people.old, 20, expires=dt.date(2026, 6, 30))
    people.adjust(people.old, 50, expires=dt.date(2026, 9, 30))
    assert people.merge().moved == 70
    assert told(people.ann) == (40, 0, 0)
    assert lots(people.ann) == [(40, dt.date(2026, 9, 30))]


def test_a_debt_moves_too_and_is_repaid_by_what_is_there(people):
    people.adjust(people.old, -30, allow_negative=True)
    people.adjust(people.ann, 100)
    assert people.merge().moved == -30
    assert told(people.ann) == (70, 0, 0)
    assert entries(people.old) == [("adjust", -30), ("merge_out", 30)]
    assert entries(people.ann) == [("adjust", 100), ("merge_in", -30)]


@pytest.mark.parametrize(("hers", "left"), [(10, 20), (-10, 40), (0, 30)])
def test_what_nobody_has_is_owed_still(people, hers, left):
    people.adjust(people.old, -30, allow_negative=True)
    if hers:
        people.adjust(people.ann, hers, allow_negative=True)
    people.merge()
    assert told(people.ann) == (0, 0, left)
    people.sell(people.ann, 10_000)
    assert told(people.ann) == (100 - left, 0, 0)


def test_empty_cards_leave_no_entries(people):
    assert people.merge().moved == 0
    assert entries(people.old) == entries(people.ann) == []


def test_cents_and_all_that_was_ever_earned_are_added(people):
    Program.objects.update(carries=True)
    EarnRule.objects.update(per=5000)
    people.sell(people.ann, 3000)
    people.sell(people.old, 7000)
    people.merge()
    found = state.state_of(people.ann, at=NOW)
    assert (found.carry, found.lifetime, found.balance) == (5000, 1, 1)
    gone = state.state_of(people.old, at=NOW)
    assert (gone.carry, gone.lifetime) == (0, 0)
    assert people.sell(people.ann, 10).points == 1


def test_to_join_cards_is_no_visit(people):
    """Inactivity ends a year after the last one that either card saw."""
    people.promise(expiry={"mode": "inactivity", "months": 6})
    people.sell(people.ann, 1000)
    people.sell(people.old, 2000, at=NOW + 30 * DAY)
    people.merge(at=NOW + 100 * DAY)
    account = Account.objects.get(member=people.ann)
    assert account.last_activity == NOW + 30 * DAY
    last = dt.datetime(2026, 10, 1, 20, tzinfo=dt.UTC)  # the end of 1 October in Dubai
    assert account.next_change_at == last
    assert told(people.ann, last - dt.timedelta(seconds=1)) == (30, 0, 0)
    assert told(people.ann, last) == (0, 0, 0)


def test_both_together_can_fill_a_stamp_card(people):
    people.sell(people.ann, 600)
    people.sell(people.old, 600)
    tea = Reward.objects.create(
        program=people.shop.program, name="Tea", kind="item", cost=10, value=300, is_auto=True
    )
    done = people.merge()
    (voucher,) = done.issued
    assert (voucher.reward, voucher.owner) == (tea, people.ann)
    assert told(people.ann) == (2, 0, 0)


def test_points_in_a_program_that_is_paused_or_over_move_too(people):
    people.sell(people.old, 5000)
    Program.objects.update(status="paused")
    done = people.merge()
    assert done.moved == 0  # in the live program there is nothing
    assert Account.objects.get(member=people.ann).balance == 50
    Program.objects.update(status="live")
    assert told(people.ann) == (50, 0, 0)
    people.unmerge(done)
    assert (told(people.old), told(people.ann)) == ((50, 0, 0), (0, 0, 0))


def test_a_card_from_before_the_program_gets_an_account_by_it(people):
    Program.objects.update(status="paused")
    late = people.join("late")
    assert not Account.objects.filter(member=late).exists()
    Program.objects.update(status="live")
    people.sell(people.old, 5000)
    people.merge(into=late)
    assert told(late) == (50, 0, 0)
