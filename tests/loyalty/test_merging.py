"""Two cards of one person become one, exactly, whatever hung on them; and two again."""

from __future__ import annotations

import datetime as dt
import itertools
from functools import partial

import pytest
from django.db.models import Sum

from loyalty import consents, finding, ledger, programs, state, vouchers
from loyalty.adjustments import adjust
from loyalty.enrolment import enrol, find, new_link
from loyalty.members import block, erase, unblock
from loyalty.merging import merge, preview, unmerge
from loyalty.models import (
    Account,
    Allocation,
    Consent,
    EarnRule,
    Entry,
    Identifier,
    Lot,
    Member,
    Merge,
    Program,
    Purchase,
    Referral,
    Reward,
    RuleUse,
    Tier,
    Voucher,
)
from loyalty.purchases import record
from loyalty.redemptions import redeem, reverse
from loyalty.refunds import refund
from loyalty.refusals import (
    AlreadyMerged,
    AlreadyReversed,
    IdempotencyConflict,
    MemberBlocked,
    MemberClosed,
    Refusal,
    SameMember,
    StaffSelfAward,
    VoucherNotYours,
)
from loyalty.standings import grant
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import AuditEntry
from tests.conftest import NOW, make_shop
from tests.loyalty.racing import race

DAY = dt.timedelta(days=1)
_key = itertools.count()


class People:
    """Two cards of one person, and short words for what happens to them."""

    def __init__(self, shop):
        self.shop, self.owner = shop, Actor.of_staff(shop.owner)
        self.ann = self.join("ann")
        self.old = self.join("old")

    def join(self, card, **who):
        return enrol(card=card, at=NOW, by=self.shop.till, **who)

    def sell(self, member, total, at=NOW, **options):
        key = f"s{next(_key)}"
        return record(member, total, at=at, by=self.shop.till, key=key, **options)

    def adjust(self, member, points, at=NOW, **options):
        key = f"a{next(_key)}"
        return adjust(member, points, reason="t", at=at, by=self.owner, key=key, **options)

    def merge(self, gone=None, into=None, at=NOW, key=None):
        key = key or f"m{next(_key)}"
        return merge(gone or self.old, into or self.ann, at=at, by=self.owner, key=key)

    def unmerge(self, done, at=NOW, key=None):
        return unmerge(done.merge, at=at, by=self.owner, key=key or f"u{next(_key)}")

    def promise(self, **policy):
        programs.set_policy(self.shop.program, policy, at=NOW, by=self.owner)

    def tiers(self, metric="spend"):
        self.promise(tiers={"metric": metric, "window": {"mode": "rolling_months", "n": 12}})
        levels = (("Bronze", 0), ("Silver", 300), ("Gold", 1000))
        return {
            name: Tier.objects.create(
                program=self.shop.program,
                name=name,
                threshold=threshold * (100 if metric == "spend" else 1),
            )
            for name, threshold in levels
        }


@pytest.fixture
def people(in_cafe):
    """The books are looked at after each test."""
    yield People(in_cafe)
    books_are_right()


def entries(member):
    found = Entry.objects.filter(account__member=member).order_by("id")
    return list(found.values_list("kind", "amount"))


def lots(member):
    found = Lot.objects.filter(account__member=member, remaining__gt=0).order_by("expires_at")
    return [(lot.remaining, lot.expires_at and lot.expires_at.date()) for lot in found]


def told(member, at=NOW):
    found = state.state_of(member, at=at)
    return (found.balance, found.pending, found.debt)


def tier(member, at=NOW):
    found = state.state_of(member, at=at).tier
    return getattr(found, "name", found)


def books_are_right():
    """I1-I4 of every account."""
    for account in Account.objects.all():
        mine = Lot.objects.filter(account=account)
        left = mine.aggregate(s=Sum("remaining"))["s"] or 0
        written = Entry.objects.filter(account=account).aggregate(s=Sum("amount"))["s"] or 0
        assert written == left - account.debt
        assert left == account.balance + account.pending
        assert not (left and account.debt)
        for lot in mine:
            taken = Allocation.objects.filter(lot=lot).aggregate(s=Sum("amount"))["s"] or 0
            assert lot.remaining == lot.amount - taken


# Points


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


# What follows


def test_sales_and_what_counted_in_them_follow(people):
    rule = {"kind": "bonus", "points": 50, "conditions": {"limit": {"times": 1, "per": "all"}}}
    spend = {"kind": "spend", "points": 1, "per": 100}
    programs.set_rules(people.shop.program, [spend, rule], at=NOW, by=people.owner)
    sold = people.sell(people.old, 1000)
    assert sold.points == 60
    people.merge()
    assert Purchase.objects.get().account.member == people.ann
    assert RuleUse.objects.get().account.member == people.ann
    assert people.sell(people.ann, 1000).points == 10
    back = refund(sold.purchase, at=NOW, by=people.owner, key="r")
    assert (back.clawed, back.debt) == (60, 0)
    assert told(people.ann) == (10, 0, 0)


def test_a_cap_of_the_day_is_that_of_both(people):
    people.promise(caps={"points_per_day": 50})
    people.sell(people.old, 3000)
    people.merge()
    assert people.sell(people.ann, 3000).points == 20


def test_vouchers_follow_and_their_points_come_back_to_her(people):
    tea = Reward.objects.create(
        program=people.shop.program, name="Tea", kind="item", cost=30, value=300, per_member=2
    )
    people.adjust(people.old, 100, expires=dt.date(2026, 6, 30))
    bought = redeem(people.old, tea, at=NOW, by=people.shop.till, key="r", use=False).voucher
    gift = vouchers.issue(
        "amount", code="HERS", value=500, owner=people.old, at=NOW, by=people.owner, key="v"
    )
    people.merge()
    assert set(Voucher.objects.values_list("owner", flat=True)) == {people.ann.pk}
    assert Voucher.objects.get(pk=bought.pk).account.member == people.ann
    with pytest.raises(VoucherNotYours):
        vouchers.use(gift, at=NOW, by=people.shop.till, key="u", total=1000)
    used = vouchers.use(
        vouchers.find("HERS"), member=people.ann, at=NOW, by=people.shop.till, key="u2", total=1000
    )
    assert used.discount == 500
    back = reverse(Voucher.objects.get(pk=bought.pk), at=NOW, by=people.shop.till, key="b")
    assert back.restored == 30
    assert told(people.ann) == (100, 0, 0)
    assert lots(people.ann) == [(70, dt.date(2026, 6, 30)), (30, dt.date(2026, 6, 30))]


def test_whatever_named_the_old_card_finds_the_kept_one(people):
    old = people.join("paper", phone="0507654321", email="o@x.example", name="Omar Zaki")
    link = new_link(old)
    people.merge(gone=old)
    assert find(phone="0507654321") == people.ann
    assert find(email="o@x.example") == people.ann
    assert find(card="paper") == people.ann
    assert find(card=old.code) == people.ann
    assert finding.with_code(old.code) == people.ann
    assert finding.member_by_link(link) == people.ann
    assert [hit.member for hit in finding.find_for_till("4321")] == [people.ann]
    assert [hit.member for hit in finding.find_for_till(old.code)] == [people.ann]
    assert list(finding.search("omar")) == [people.ann]  # she had no name of her own
    again = new_link(Member.objects.get(pk=old.pk))
    assert finding.member_by_link(again) == people.ann
    assert not Identifier.objects.filter(member=old).exists()


def test_the_kept_card_keeps_what_it_knows_of_her(people):
    born = dt.date(1990, 5, 10)
    ann = people.join("ann 2", name="Ann", birth_date=born)
    other = people.join("o", name="Anna", birth_date=dt.date(1991, 1, 1))
    people.merge(gone=other, into=ann)
    kept = Member.objects.get(pk=ann.pk)
    assert (kept.name, kept.birth_date) == ("Ann", born)
    people.merge(gone=ann, into=people.ann)
    kept = Member.objects.get(pk=people.ann.pk)
    assert (kept.name, kept.surname_key, kept.birth_date) == ("Ann", "ann", born)


def test_a_colleagues_card_stays_a_colleagues(people):
    Member.objects.filter(pk=people.old.pk).update(staff=people.shop.cashier)
    people.merge()
    assert Member.objects.get(pk=people.ann.pk).staff == people.shop.cashier
    with pytest.raises(StaffSelfAward):
        people.sell(people.ann, 1000)


def test_nobody_moves_points_onto_a_card_of_her_own(people):
    mine = people.join("mine")
    Member.objects.filter(pk=mine.pk).update(staff=people.shop.cashier)
    people.adjust(people.old, 100)
    for gone, into in ((people.old, mine), (mine, people.old)):
        with pytest.raises(StaffSelfAward):
            merge(gone, into, at=NOW, by=people.shop.till, key=f"x{gone.pk}")
    assert told(people.old) == (100, 0, 0)


@pytest.mark.parametrize(
    ("hers", "others", "reached"),
    [(True, True, True), (True, False, False), (False, True, False), (True, None, False)],
)
def test_she_is_written_to_only_if_she_agreed_on_both(people, hers, others, reached):
    ann, old = people.join("a", email="a@x.example"), people.join("b", email="b@x.example")
    for member, says in ((ann, hers), (old, others)):
        if says is not None:
            say = consents.give if says else consents.withdraw
            say(member, "marketing", at=NOW, by=people.owner, text_version="1")
    looked = preview(old, ann, at=NOW)
    done = people.merge(gone=old, into=ann)
    assert list(consents.audience("marketing")) == [ann] * reached
    assert looked.mails == reached
    people.unmerge(done, at=NOW + DAY)
    assert set(consents.audience("marketing")) == {
        member for member, says in ((ann, hers), (old, others)) if says
    }
    if hers:
        assert consents.latest(ann, "marketing").text_version == "1"


def test_what_she_said_between_merge_and_undo_stands(people):
    ann, old = people.join("a", email="a@x.example"), people.join("b", email="b@x.example")
    consents.give(ann, "marketing", at=NOW, by=people.owner)
    done = people.merge(gone=old, into=ann)
    consents.give(ann, "marketing", at=NOW + DAY, by=people.owner)
    consents.withdraw(ann, "marketing", at=NOW + 2 * DAY, by=people.owner)
    people.unmerge(done, at=NOW + 3 * DAY)
    assert not consents.has_given(ann, "marketing")


# Tiers


@pytest.mark.parametrize("metric", ["spend", "points", "visits"])
def test_both_together_can_reach_a_tier(people, metric):
    levels = people.tiers(metric)
    if metric == "visits":
        Tier.objects.filter(pk=levels["Silver"].pk).update(threshold=2)
    people.sell(people.ann, 20_000)
    people.sell(people.old, 15_000)
    assert preview(people.old, people.ann, at=NOW).tier.name == "Silver"
    people.merge(at=NOW + DAY)
    assert tier(people.ann) == "Silver"
    until = Account.objects.get(member=people.ann).tier_until
    assert until.date() == dt.date(2027, 3, 3)
    assert tier(people.ann, until) == "Bronze"


def test_the_better_tier_is_kept_with_its_own_time(people):
    people.tiers()
    people.sell(people.old, 40_000)
    people.sell(people.ann, 100, at=NOW + 30 * DAY)
    until = Account.objects.get(member=people.old).tier_until
    people.merge(at=NOW + 60 * DAY)
    account = Account.objects.get(member=people.ann)
    assert (account.tier.name, account.tier_until, account.tier_since) == ("Silver", until, NOW)
    gone = Account.objects.get(member=people.old)
    assert (gone.tier, gone.tier_until, gone.next_change_at) == (None, None, None)


def test_a_granted_tier_stays_a_floor(people):
    levels = people.tiers()
    grant(people.old, levels["Silver"], at=NOW, by=people.owner, key="g")
    people.merge()
    account = Account.objects.get(member=people.ann)
    assert (account.tier, account.floor_tier) == (levels["Silver"], levels["Silver"])


# Friends


def pays_friends(people, **more):
    people.promise(referral={"referrer": 500, "friend": 250, **more})


def test_her_friends_are_hers_on_the_kept_card(people):
    pays_friends(people, cap=2)
    friends = [people.join(f"f{n}", referred_by=people.old) for n in range(2)]
    friends.append(people.join("f3", referred_by=people.ann))
    people.sell(friends[0], 100)
    people.merge()
    people.sell(friends[1], 100)
    people.sell(friends[2], 100)
    assert told(people.ann) == (1000, 0, 0)  # two are paid, on whichever card
    assert told(friends[2]) == (251, 0, 0)


def test_who_was_brought_once_is_not_brought_again(people):
    pays_friends(people)
    by_bob, by_cat = people.join("bob"), people.join("cat")
    first = people.join("first", referred_by=by_bob)
    second = people.join("second", referred_by=by_cat)
    people.sell(first, 100)
    people.merge(gone=first, into=second)
    people.sell(second, 100)
    assert told(second) == (252, 0, 0)
    assert told(by_bob) == (500, 0, 0)
    assert told(by_cat) == (0, 0, 0)


def test_nobody_was_brought_by_herself(people):
    pays_friends(people)
    friend = people.join("friend", referred_by=people.ann)
    done = people.merge(gone=people.ann, into=friend)
    people.sell(friend, 100)
    assert told(friend) == (1, 0, 0)
    people.unmerge(done)
    assert Referral.objects.get().status == "pending"
    people.sell(friend, 100)
    assert told(friend) == (252, 0, 0)
    assert told(people.ann) == (500, 0, 0)


def test_a_card_that_brought_the_kept_one_gains_nothing_by_it(people):
    pays_friends(people)
    friend = people.join("friend", referred_by=people.ann)
    people.merge(gone=friend, into=people.ann)
    people.sell(people.ann, 100)
    assert told(people.ann) == (1, 0, 0)


def test_a_friends_bonus_is_taken_back_from_the_kept_card(people):
    pays_friends(people)
    friend = people.join("friend", referred_by=people.old)
    sale = people.sell(friend, 100).purchase
    people.merge()
    assert told(people.ann) == (500, 0, 0)
    refund(sale, at=NOW, by=people.owner, key="r")
    assert told(people.ann) == (0, 0, 0)
    assert told(friend) == (0, 0, 0)


# Refusals and repetition


def test_a_card_is_not_joined_with_itself(people):
    with pytest.raises(SameMember):
        people.merge(into=people.old)
    with pytest.raises(SameMember):
        preview(people.ann, people.ann, at=NOW)


def test_what_was_joined_is_not_joined_again(people):
    third = people.join("third")
    people.adjust(people.old, 200)
    people.merge()
    for gone, into in ((people.old, people.ann), (people.old, third), (third, people.old)):
        with pytest.raises(AlreadyMerged):
            people.merge(gone, into)
        with pytest.raises(AlreadyMerged):
            preview(gone, into, at=NOW)
    assert told(people.ann) == (200, 0, 0)


def test_blocked_and_erased_cards_are_not_joined(people):
    people.adjust(people.old, 200)
    block(people.old, at=NOW, by=people.owner)
    for gone, into in ((people.old, people.ann), (people.ann, people.old)):
        with pytest.raises(MemberBlocked):
            people.merge(gone, into)
    unblock(people.old, at=NOW, by=people.owner)
    erase(people.ann, at=NOW, by=people.owner, key="e")
    for gone, into in ((people.old, people.ann), (people.ann, people.old)):
        with pytest.raises(MemberClosed):
            people.merge(gone, into)
    assert told(people.old) == (200, 0, 0)
    assert not Merge.objects.exists()


def test_the_same_key_tells_the_same(people):
    people.adjust(people.old, 200)
    first = people.merge(key="m")
    again = people.merge(key="m", at=NOW + DAY)
    assert (again.moved, again.merge, again.replayed) == (200, first.merge, True)
    with pytest.raises(IdempotencyConflict):
        people.merge(people.ann, people.old, key="m")
    assert entries(people.ann) == [("merge_in", 200)]


def test_a_refusal_changes_nothing_and_is_kept(people):
    people.adjust(people.old, 200)
    block(people.ann, at=NOW, by=people.owner)
    with pytest.raises(MemberBlocked):
        people.merge(key="m")
    unblock(people.ann, at=NOW, by=people.owner)
    with pytest.raises(MemberBlocked):
        people.merge(key="m")
    assert told(people.old) == (200, 0, 0)
    assert people.merge().moved == 200


def test_the_trail_tells_of_it_without_naming_anybody(people):
    old = people.join("paper", name="Omar Zaki", phone="0507654321")
    people.adjust(old, 20)
    done = people.merge(gone=old)
    people.unmerge(done)
    rows = AuditEntry.objects.filter(act__startswith="members.").order_by("id")
    assert [(row.act, row.subject) for row in rows] == [
        ("members.merged", people.ann.pk),
        ("members.parted", people.ann.pk),
    ]
    assert rows[0].after == {"gone": str(old.pk), "points": 20}
    assert "Omar" not in f"{done.merge.moved}"
    assert "7654321" not in f"{done.merge.moved}"


def test_a_look_tells_what_would_move_and_writes_nothing(people):
    people.promise(pending_days=14)
    people.adjust(people.old, 20)
    people.sell(people.old, 3000)
    Identifier.objects.create(member=people.old, kind="phone", value="+971507654321")
    vouchers.issue("amount", value=5, owner=people.old, at=NOW, by=people.owner, key="v")
    rows = [model.objects.count() for model in (Entry, Lot, Merge, Consent)]
    looked = preview(people.old, people.ann, at=NOW)
    assert (looked.points, looked.pending, looked.debt) == (20, 30, 0)
    assert (looked.identifiers, looked.purchases, looked.vouchers) == (2, 1, 1)
    assert (looked.tier, looked.mails) == (None, False)
    assert [model.objects.count() for model in (Entry, Lot, Merge, Consent)] == rows
    assert preview(people.old, people.ann, at=NOW + 15 * DAY).points == 50


# Back again


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


# Many hands


@pytest.fixture
def committed(transactional_db):
    shop = make_shop("cafe")
    with inside(shop.tenant):
        yield People(shop)


def test_each_into_the_other_at_once_ends_with_one_card(committed):
    people = committed
    for _ in range(5):
        a, b = people.join(f"a{next(_key)}"), people.join(f"b{next(_key)}")
        people.adjust(a, 100)
        people.adjust(b, 30)
        acts = [partial(people.merge, a, b), partial(people.merge, b, a)] * 2
        outcomes = race(people.shop, acts)
        refused = [o for o in outcomes if isinstance(o, Refusal)]
        assert [type(o) for o in refused] == [AlreadyMerged] * 3
        assert sorted([told(a), told(b)]) == [(0, 0, 0), (130, 0, 0)]
    books_are_right()


def test_no_sale_and_no_reward_is_lost_in_a_merge(committed):
    people = committed
    tea = Reward.objects.create(
        program=people.shop.program, name="Tea", kind="item", cost=100, value=300
    )
    for _ in range(5):
        a, b = people.join(f"a{next(_key)}"), people.join(f"b{next(_key)}")
        people.adjust(a, 100)
        acts = [
            partial(people.sell, a, 1000),
            partial(redeem, a, tea, at=NOW, by=people.shop.till, key=f"r{next(_key)}"),
            partial(people.merge, a, b),
            partial(people.sell, a, 1000),
            partial(people.sell, b, 1000),
        ]
        outcomes = race(people.shop, acts)
        assert not [o for o in outcomes if isinstance(o, Exception) and not isinstance(o, Refusal)]
        sold = sum(10 for o in outcomes if hasattr(o, "purchase"))
        spent = sum(100 for o in outcomes if hasattr(o, "discount"))
        assert told(a) == (0, 0, 0)
        assert told(b) == (100 + sold - spent, 0, 0)
        assert {type(o) for o in outcomes if isinstance(o, Refusal)} <= {MemberClosed}
        assert not Purchase.objects.filter(account__member=a).exists()
    books_are_right()


def test_undone_by_two_at_once_it_is_undone_once(committed):
    people = committed
    people.adjust(people.old, 100)
    done = people.merge()
    outcomes = race(people.shop, [partial(people.unmerge, done)] * 3)
    assert sum(isinstance(o, AlreadyReversed) for o in outcomes) == 2
    assert told(people.old) == (100, 0, 0)
    books_are_right()


def test_a_neighbours_cards_are_not_ours(cafe, spa):
    with inside(cafe.tenant):
        people = People(cafe)
        with pytest.raises(LookupError):
            people.merge(gone=spa.member)
    with inside(spa.tenant):
        assert Member.objects.get().status == "active"
        assert ledger.account_of(spa.member).balance == 0
