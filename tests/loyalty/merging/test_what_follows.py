"""Sales, vouchers, tiers and friends follow the points."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty import consents, finding, programs, vouchers
from loyalty.enrolment import find, new_link
from loyalty.merging import merge, preview
from loyalty.models import (
    Account,
    Identifier,
    Member,
    Purchase,
    Referral,
    Reward,
    RuleUse,
    Tier,
    Voucher,
)
from loyalty.redemptions import redeem, reverse
from loyalty.refunds import refund
from loyalty.refusals import (
    StaffSelfAward,
    VoucherNotYours,
)
from loyalty.standings import grant
from tests.conftest import NOW
from tests.loyalty.merging.people import DAY, lots, tier, told


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
