"""Two again: what moved goes back, what happened meanwhile stays."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty import state, vouchers
from loyalty.enrolment import find
from loyalty.members import erase
from loyalty.models import (
    Account,
    Member,
    Merge,
    Program,
    Purchase,
    Reward,
    Voucher,
)
from loyalty.redemptions import redeem
from loyalty.refunds import refund
from loyalty.refusals import (
    AlreadyMerged,
    AlreadyReversed,
    MemberClosed,
)
from loyalty.standings import grant
from tests.conftest import NOW
from tests.loyalty.merging.people import DAY, entries, lots, tier, told


def test_undoing_gives_back_everything_that_moved(people):
    people.tiers()
    Program.objects.update(carries=True)
    old = people.join("paper", phone="0507654321", name="Omar", birth_date=dt.date(1990, 1, 1))
    people.sell(people.ann, 20_000)
    sale = people.sell(old, 15_050).purchase
    people.adjust(old, 40, expires=dt.date(2026, 6, 30))
    gift = vouchers.issue("amount", value=5, owner=old, at=NOW, by=people.owner, key="v")
    before = [state.state_of(member, at=NOW) for member in (old, people.ann)]
    dates = lots(old)
    done = people.merge(gone=old, at=NOW + DAY)
    assert tier(people.ann) == "Silver"
    back = people.unmerge(done, at=NOW + 2 * DAY)
    assert (back.returned, back.spent, back.replayed) == (190, 0, False)
    assert [state.state_of(member, at=NOW + 2 * DAY) for member in (old, people.ann)] == before
    assert lots(old) == dates
    member = Member.objects.get(pk=old.pk)
    assert (member.status, member.merged_into, member.name) == ("active", None, "Omar")
    kept = Member.objects.get(pk=people.ann.pk)
    assert (kept.name, kept.name_key, kept.birth_date) == ("", "", None)
    assert find(phone="0507654321") == find(card="paper") == find(card=old.code) == member
    assert Purchase.objects.get(pk=sale.pk).account.member == member
    assert Voucher.objects.get(pk=gift.pk).owner == member
    assert entries(people.ann)[-2:] == [("merge_in", 190), ("merge_out", -190)]
    assert entries(old)[-2:] == [("merge_out", -190), ("merge_in", 190)]
    assert Merge.objects.get().undone_at == NOW + 2 * DAY


def test_what_was_spent_meanwhile_stays_spent(people):
    tea = Reward.objects.create(
        program=people.shop.program, name="Tea", kind="item", cost=70, value=300
    )
    people.adjust(people.old, 100, expires=dt.date(2026, 6, 30))
    people.adjust(people.ann, 10)
    done = people.merge()
    redeem(people.ann, tea, at=NOW, by=people.shop.till, key="r")
    people.sell(people.ann, 500)
    back = people.unmerge(done)
    assert (back.returned, back.spent) == (30, 70)
    assert told(people.old) == (30, 0, 0)
    assert told(people.ann) == (15, 0, 0)


def test_what_expired_meanwhile_does_not_come_back(people):
    people.adjust(people.old, 100, expires=dt.date(2026, 6, 30))
    done = people.merge()
    back = people.unmerge(done, at=NOW + 200 * DAY)
    assert (back.returned, back.spent) == (0, 100)
    assert entries(people.ann) == [("merge_in", 100), ("expire", -100)]


@pytest.mark.parametrize(("hers", "later"), [(100, 0), (10, 0), (10, 50), (0, 0)])
def test_a_debt_goes_back_to_whom_it_was(people, hers, later):
    people.adjust(people.old, -30, allow_negative=True)
    if hers:
        people.adjust(people.ann, hers, expires=dt.date(2026, 6, 30))
    done = people.merge()
    if later:
        people.adjust(people.ann, later)
    back = people.unmerge(done)
    assert back.returned == -30
    assert told(people.old) == (0, 0, 30)
    assert told(people.ann) == (hers + later, 0, 0)
    if hers == 100:
        assert {date for _, date in lots(people.ann)} == {dt.date(2026, 6, 30)}


def test_points_that_repaid_her_debt_are_spent(people):
    people.adjust(people.ann, -30, allow_negative=True)
    people.adjust(people.old, 100)
    done = people.merge()
    back = people.unmerge(done)
    assert (back.returned, back.spent) == (70, 30)
    assert told(people.ann) == (0, 0, 0)


def test_a_voucher_that_went_back_was_used_in_a_sale_that_did_not(people):
    """The refund gives each card what is its own."""
    off = Reward.objects.create(
        program=people.shop.program, name="Off", kind="amount", cost=50, value=1000
    )
    people.adjust(people.old, 60)
    bought = redeem(people.old, off, at=NOW, by=people.shop.till, key="r", total=5000).voucher
    done = people.merge()
    sale = people.sell(people.ann, 5000, reward_discount=1000, redemptions=(bought.pk,)).purchase
    people.unmerge(done)
    assert (told(people.old), told(people.ann)) == ((10, 0, 0), (40, 0, 0))
    back = refund(sale, at=NOW, by=people.owner, key="b")
    assert (back.clawed, back.restored) == (40, 50)
    assert (told(people.old), told(people.ann)) == ((60, 0, 0), (0, 0, 0))


def test_sales_made_meanwhile_stay_with_the_kept_card(people):
    people.tiers()
    people.sell(people.old, 20_000)
    done = people.merge()
    sale = people.sell(people.ann, 40_000, at=NOW + DAY).purchase
    people.unmerge(done, at=NOW + 2 * DAY)
    assert Purchase.objects.get(pk=sale.pk).account.member == people.ann
    assert tier(people.ann) == "Silver"
    assert tier(people.old) == "Bronze"


def test_a_tier_granted_meanwhile_stays(people):
    levels = people.tiers()
    done = people.merge()
    grant(people.ann, levels["Gold"], at=NOW, by=people.owner, key="g")
    people.unmerge(done, at=NOW + DAY)
    assert tier(people.ann) == "Gold"
    assert Account.objects.get(member=people.ann).floor_tier == levels["Gold"]
    assert Account.objects.get(member=people.old).floor_tier is None


def test_undoing_twice_is_refused_and_the_same_key_tells_the_same(people):
    people.adjust(people.old, 100)
    done = people.merge()
    first = people.unmerge(done, key="u")
    again = people.unmerge(done, key="u", at=NOW + DAY)
    assert (again.returned, again.replayed) == (first.returned, True) == (100, True)
    with pytest.raises(AlreadyReversed):
        people.unmerge(done)
    assert people.merge(at=NOW + DAY).moved == 100


def test_the_last_one_is_undone_first(people):
    third = people.join("third")
    people.adjust(people.old, 100)
    first = people.merge()
    second = people.merge(people.ann, third)
    assert Member.objects.get(pk=people.old.pk).merged_into == third
    assert find(card="old") == third
    with pytest.raises(AlreadyMerged):
        people.unmerge(first)
    assert people.unmerge(second).returned == 100
    assert Member.objects.get(pk=people.old.pk).merged_into == people.ann
    assert told(people.ann) == (100, 0, 0)
    people.unmerge(first)
    assert Member.objects.get(pk=people.old.pk).status == "active"
    assert find(card="old") == people.old


def test_nobody_comes_back_from_an_erasure(people):
    done = people.merge()
    erase(people.ann, at=NOW, by=people.owner, key="e")
    with pytest.raises(MemberClosed):
        people.unmerge(done)
    with pytest.raises(AlreadyMerged):
        people.merge()
