"""Many processes at the same people: nobody is there twice, and nobody's points get lost."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest

from loyalty.birthdays import award
from loyalty.enrolment import enrol
from loyalty.merging import merge, unmerge
from loyalty.models import Account, Entry, Member, Merge, Referral
from loyalty.purchases import record
from loyalty.redemptions import redeem, reverse
from loyalty.refunds import refund
from tests.conftest import NOW
from tests.loyalty.races.exact import balance, entries, exact

pytestmark = pytest.mark.xdist_group("races")
SPELLINGS = ("055111", "+971 55 111 ", "0097155111", "(055) 111-")


def test_two_tills_that_merge_each_into_the_other(arena):
    """One of them wins, whatever they are sold meanwhile."""
    for n in arena.rounds():
        ann, bob = arena.members(100, 30)
        told = arena.race(
            arena.call(merge, ann, bob, by=arena.owner, at=NOW),
            arena.call(merge, bob, ann, by=arena.owner, at=NOW),
            *arena.everybody(record, ann, 1000, at=NOW)[:2],
            *arena.everybody(record, bob, 1000, at=NOW)[2:4],
            seed=n,
        )
        refused = told.refused
        merges = [done.merge for done in told.done if hasattr(done, "merge")]
        assert len(merges) == 1
        kept, gone = (bob, ann) if merges[0].gone_id == ann.pk else (ann, bob)
        assert refused.pop("already_merged") == 1
        late = refused.pop("member_closed", 0)
        assert refused == {}
        assert balance(kept, NOW) == 130 + 10 * (4 - late)
        assert balance(gone, NOW) == 0
        gone.refresh_from_db()
        assert (gone.status, gone.merged_into_id) == (Member.Status.MERGED, kept.pk)
        assert Merge.objects.filter(gone__in=[ann, bob]).count() == 1
        exact()


@pytest.mark.thorough
def test_merging_in_a_ring_ends_with_one(arena):
    for n in arena.rounds():
        members = arena.members(10, 20, 30)
        ring = zip(members, [*members[1:], members[0]], strict=True)
        told = arena.race(
            *(arena.call(merge, gone, into, by=arena.owner, at=NOW) for gone, into in ring), seed=n
        )
        assert set(told.refused) <= {"already_merged", "member_closed"}
        assert 1 <= len(told.done) <= 2
        assert sum(balance(member, NOW) for member in members) == 60
        open_ones = Member.objects.filter(pk__in=[m.pk for m in members], status="active")
        assert open_ones.count() == 3 - len(told.done)
        exact()


def test_one_phone_is_one_member_however_it_is_typed(arena):
    for n in arena.rounds():
        before = Member.objects.count()
        digits = f"{n:04}"
        calls = [
            partial(enrol, phone=SPELLINGS[place % 4] + digits, at=NOW, by=till)
            for place, till in enumerate(arena.tills)
        ]
        told = arena.race(*calls, seed=n)
        assert told.refused == {}
        assert len({member.pk for member in told.done}) == 1
        assert Member.objects.count() == before + 1
        assert Account.objects.filter(member=told.done[0]).count() == 1
        exact()


def test_a_referrer_is_paid_for_as_many_as_the_cap_says(arena):
    arena.policy(referral={"referrer": 100, "friend": 50, "cap": 2})
    for n in arena.rounds():
        referrer = arena.member()
        friends = [arena.member(referred_by=referrer) for _ in arena.tills[1:]]
        pairs = zip(friends, arena.tills, strict=False)
        told = arena.race(
            *(arena.call(record, friend, 100, by=till, at=NOW) for friend, till in pairs),
            arena.call(record, referrer, 1000, by=arena.tills[-1], at=NOW),
            seed=n,
        )
        assert told.refused == {}
        assert balance(referrer, NOW) == 2 * 100 + 10
        assert {balance(friend, NOW) for friend in friends} == {51}
        paid = Referral.objects.filter(referrer=referrer, status="paid")
        assert paid.count() == len(friends)
        exact()


def test_a_birthday_is_paid_once_by_however_many_workers(arena):
    arena.policy(birthday_bonus=150)
    for n in arena.rounds():
        day = NOW + dt.timedelta(days=n)
        born = [arena.member(birth_date=day.date().replace(year=1990)) for _ in range(3)]
        told = arena.race(*[partial(award, day)] * 6, seed=n)
        assert told.refused == {}
        assert sum(told.done) == 3
        assert [entries(member) for member in born] == [[("bonus", 150)]] * 3
        exact()
    assert Entry.objects.filter(kind="bonus").count() == 3 * (n + 1)


@pytest.mark.thorough
def test_a_friend_buys_while_her_referrers_card_is_merged(arena):
    """The bonus is on whichever card is kept."""
    arena.policy(referral={"referrer": 100, "friend": 50})
    for n in arena.rounds():
        ann, bob, cat = arena.members(0, 0, 0)
        friends = [arena.member(referred_by=ann) for _ in range(4)]
        told = arena.race(
            *(arena.call(record, friend, 100, by=arena.tills[0], at=NOW) for friend in friends),
            arena.call(merge, ann, bob, by=arena.owner, at=NOW),
            arena.call(merge, bob, cat, by=arena.owner, at=NOW),
            seed=n,
        )
        assert set(told.refused) <= {"already_merged"}
        assert sum(balance(member, NOW) for member in (ann, bob, cat)) == 400
        assert {balance(friend, NOW) for friend in friends} == {51}
        exact()


@pytest.mark.thorough
def test_what_hangs_on_a_card_comes_back_while_it_is_merged(arena):
    """A sale is refunded and a redemption undone while the card goes into another, and another."""
    reward = arena.reward(cost=50)
    for n in arena.rounds():
        ann, bob, cat = arena.members(50, 0, 0)
        key = arena.key
        voucher = redeem(ann, reward, at=NOW, by=arena.owner, key=key(), use=False).voucher
        sales = [record(ann, 1000, at=NOW, by=arena.owner, key=key()).purchase for _ in range(4)]
        told = arena.race(
            *(arena.call(refund, sale, by=arena.owner, at=NOW) for sale in sales),
            arena.call(reverse, voucher, by=arena.owner, at=NOW),
            arena.call(merge, ann, bob, by=arena.owner, at=NOW),
            arena.call(merge, bob, cat, by=arena.owner, at=NOW),
            seed=n,
        )
        assert set(told.refused) <= {"already_merged"}
        assert sum(balance(member, NOW) for member in (ann, bob, cat)) == 50
        exact()


@pytest.mark.thorough
def test_cards_are_joined_and_parted_at_once(arena):
    for n in arena.rounds():
        ann, bob = arena.members(30, 40)
        done = merge(ann, bob, at=NOW, by=arena.owner, key=arena.key())
        told = arena.race(
            *(arena.call(unmerge, done.merge, by=till, at=NOW) for till in arena.tills[:3]),
            *(arena.call(record, bob, 1000, by=till, at=NOW) for till in arena.tills[3:5]),
            arena.call(merge, ann, bob, by=arena.owner, at=NOW),
            seed=n,
        )
        assert told.refused.get("already_reversed", 0) >= 2
        assert sum(balance(member, NOW) for member in (ann, bob)) == 90
        exact()
