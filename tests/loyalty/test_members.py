"""Cards that are stopped, and people who are forgotten while the books stay."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest
from django.db import connection

from loyalty import consents, finding, ledger, programs, state, vouchers
from loyalty.adjustments import adjust
from loyalty.enrolment import enrol, enrol_or_find, find, new_link
from loyalty.members import block, erase, unblock
from loyalty.merging import merge
from loyalty.models import Account, Entry, Identifier, Lot, Member, Purchase, Reward, Voucher
from loyalty.purchases import record
from loyalty.redemptions import redeem
from loyalty.refusals import (
    AlreadyMerged,
    IdempotencyConflict,
    MemberBlocked,
    MemberClosed,
    UnknownMember,
    VoucherVoided,
)
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import AuditEntry
from tenants.testing import owned_models
from tests.conftest import NOW, make_shop
from tests.loyalty.racing import race

DAY = dt.timedelta(days=1)


@pytest.fixture
def owner(in_cafe):
    return Actor.of_staff(in_cafe.owner)


@pytest.fixture
def ann(in_cafe):
    return enrol(
        name="Ann Solana",
        phone="0507654321",
        email="ann@solana.example",
        card="paper q7741",
        birth_date=dt.date(1990, 5, 10),
        marketing="2026-01",
        at=NOW,
        by=in_cafe.till,
    )


def sell(shop, member, total=5000, key="k", at=NOW):
    return record(member, total, at=at, by=shop.till, key=key)


def entries(member):
    found = Entry.objects.filter(account__member=member).order_by("id")
    return list(found.values_list("kind", "amount"))


def adds_up(member):
    for account in Account.objects.filter(member=member):
        lots = sum(Lot.objects.filter(account=account).values_list("remaining", flat=True))
        written = sum(Entry.objects.filter(account=account).values_list("amount", flat=True))
        assert written == lots - account.debt
        assert lots == account.balance + account.pending


# Blocked


def test_a_blocked_card_neither_earns_nor_spends_until_it_is_let_in(in_cafe, owner, ann):
    sell(in_cafe, ann)
    assert block(ann, at=NOW, by=owner).status == "blocked"
    with pytest.raises(MemberBlocked):
        sell(in_cafe, ann, key="k2")
    assert state.state_of(ann, at=NOW).balance == 50
    assert finding.find_for_till("4321") == []
    assert find(phone="0507654321") == ann
    assert unblock(ann, at=NOW, by=owner).status == "active"
    assert sell(in_cafe, ann, key="k3").points == 50


def test_blocking_twice_is_blocking_once(in_cafe, owner, ann):
    for _ in range(2):
        block(ann, at=NOW, by=owner)
    for _ in range(2):
        unblock(ann, at=NOW, by=owner)
    acts = AuditEntry.objects.filter(subject=ann.pk).order_by("id").values_list("act", flat=True)
    assert list(acts) == ["member.enrolled", "member.blocked", "member.unblocked"]


def test_what_is_gone_is_neither_blocked_nor_let_in(in_cafe, owner, ann):
    other = enrol(card="other", at=NOW, by=owner)
    merge(other, in_cafe.member, at=NOW, by=owner, key="m")
    erase(ann, at=NOW, by=owner, key="e")
    for act in (block, unblock):
        with pytest.raises(AlreadyMerged):
            act(other, at=NOW, by=owner)
        with pytest.raises(MemberClosed):
            act(ann, at=NOW, by=owner)
    assert Member.everyone.get(pk=ann.pk).status == "erased"


# Erased


def test_the_person_goes_and_the_books_stay(in_cafe, owner, ann):
    sold = sell(in_cafe, ann).purchase
    done = erase(ann, at=NOW + DAY, by=owner, key="e")
    assert (done.forfeited, done.forgiven, done.voided, done.replayed) == (50, 0, 0, False)
    assert entries(ann) == [("earn", 50), ("forfeit", -50)]
    assert Purchase.objects.get().pk == sold.pk
    for known in (
        {"phone": "0507654321"},
        {"email": "ann@solana.example"},
        {"card": "paper q7741"},
    ):
        with pytest.raises(UnknownMember):
            find(**known)
    assert finding.with_code(ann.code) is None
    assert list(finding.search("ann")) == []
    with pytest.raises(MemberClosed):
        sell(in_cafe, ann, key="k2")
    assert not consents.audience("marketing").exists()
    adds_up(ann)


def test_nothing_that_names_her_is_left_in_any_table(in_cafe, owner, ann):
    """Looked for in every row of the shop, as text, whatever the column."""
    assert names_her(ann)
    new_link(ann)
    old = enrol(name="Anna Solana", card="old q7741", at=NOW, by=owner)
    merge(old, ann, at=NOW, by=owner, key="m")
    sell(in_cafe, ann)
    erase(ann, at=NOW, by=owner, key="e")
    assert names_her(ann) == []


def names_her(ann):
    """The tables in which something names her."""
    names = ["Solana", "solana", "507654321", "123456705", "q7741", "1990-05-10", ann.code]
    found = []
    for model in owned_models():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT t::text FROM {model._meta.db_table} AS t")  # noqa: S608
            rows = "\n".join(row for (row,) in cursor.fetchall())
        found += [model] * any(name in rows for name in names)
    return found


def test_a_link_to_the_card_opens_nothing_any_more(in_cafe, owner, ann):
    secret = new_link(ann)
    assert finding.member_by_link(secret) == ann
    erase(ann, at=NOW, by=owner, key="e")
    assert finding.member_by_link(secret) is None
    assert finding.account_by_link(secret) is None


def test_whoever_joins_with_her_phone_later_is_somebody_new(in_cafe, owner, ann):
    erase(ann, at=NOW, by=owner, key="e")
    again = enrol_or_find(phone="0507654321", at=NOW + DAY, by=in_cafe.till)
    assert not again.existing
    assert again.member.pk != ann.pk
    assert state.state_of(again.member, at=NOW + DAY).balance == 0


def test_pending_points_go_too(in_cafe, owner, ann):
    programs.set_policy(in_cafe.program, {"pending_days": 14}, at=NOW, by=owner)
    adjust(ann, 30, reason="sorry", at=NOW, by=owner, key="a")
    sell(in_cafe, ann)
    assert erase(ann, at=NOW + DAY, by=owner, key="e").forfeited == 80
    told = state.state_of(ann, at=NOW + 60 * DAY)
    assert (told.balance, told.pending) == (0, 0)
    adds_up(ann)


def test_what_had_expired_by_then_is_not_forfeited(in_cafe, owner, ann):
    expiry = {"expiry": {"mode": "lot", "days": 30}}
    programs.set_policy(in_cafe.program, expiry, at=NOW, by=owner)
    sell(in_cafe, ann)
    assert erase(ann, at=NOW + 40 * DAY, by=owner, key="e").forfeited == 0
    assert entries(ann) == [("earn", 50), ("expire", -50)]


def test_a_debt_is_forgiven(in_cafe, owner, ann):
    adjust(ann, -40, reason="mistake", at=NOW, by=owner, key="a", allow_negative=True)
    done = erase(ann, at=NOW, by=owner, key="e")
    assert (done.forfeited, done.forgiven) == (0, 40)
    assert entries(ann) == [("adjust", -40), ("forfeit", 40)]
    assert ledger.account_of(ann).debt == 0
    adds_up(ann)


def test_unused_vouchers_are_void_and_their_pieces_are_back(in_cafe, owner, ann):
    mug = Reward.objects.create(
        program=in_cafe.program, name="Mug", kind="gift", cost=20, value=500, stock=5
    )
    sell(in_cafe, ann)
    used = redeem(ann, mug, at=NOW, by=in_cafe.till, key="r1").voucher
    kept = redeem(ann, mug, at=NOW, by=in_cafe.till, key="r2", use=False).voucher
    card = vouchers.issue(
        "gift_card", code="GIFT", value=1000, owner=ann, at=NOW, by=owner, key="g"
    )
    done = erase(ann, at=NOW, by=owner, key="e")
    assert (done.voided, done.forfeited) == (1, 10)
    status = dict(Voucher.objects.values_list("pk", "status"))
    assert (status[used.pk], status[kept.pk]) == ("used", "voided")
    assert Reward.objects.get().stock == 4
    with pytest.raises(VoucherVoided):
        vouchers.use(kept, member=in_cafe.member, at=NOW, by=in_cafe.till, key="u", total=100)
    paid = vouchers.use(card, at=NOW, by=in_cafe.till, key="u2", total=300)
    assert paid.discount == 300


def test_the_same_key_tells_the_same_and_another_that_she_is_gone(in_cafe, owner, ann):
    sell(in_cafe, ann)
    first = erase(ann, at=NOW, by=owner, key="e")
    again = erase(ann, at=NOW + DAY, by=owner, key="e")
    assert (again.forfeited, again.replayed) == (first.forfeited, True) == (50, True)
    with pytest.raises(MemberClosed):
        erase(ann, at=NOW, by=owner, key="e2")
    with pytest.raises(IdempotencyConflict):
        erase(in_cafe.member, at=NOW, by=owner, key="e")
    assert entries(ann) == [("earn", 50), ("forfeit", -50)]


def test_the_cards_that_were_joined_with_hers_are_forgotten_with_her(in_cafe, owner, ann):
    old = enrol(name="Anna Solana", card="old q7741", at=NOW, by=owner)
    merge(old, ann, at=NOW, by=owner, key="m")
    with pytest.raises(AlreadyMerged):
        erase(old, at=NOW, by=owner, key="e1")
    erase(ann, at=NOW, by=owner, key="e2")
    left = Member.everyone.get(pk=old.pk)
    assert (left.name, left.name_key, left.status) == ("", "", "merged")
    assert left.code != old.code
    assert not Identifier.everyone.filter(member__in=[ann, old]).exclude(value="").exists()


def test_a_person_can_forget_herself(in_cafe, ann):
    done = erase(ann, at=NOW, by=Actor.member(ann.pk), key="e")
    assert Member.everyone.get(pk=done.member.pk).status == "erased"


def test_points_in_a_program_that_has_ended_go_too(in_cafe, owner, ann):
    sell(in_cafe, ann)
    in_cafe.program.status = "ended"
    in_cafe.program.save()
    assert erase(ann, at=NOW, by=owner, key="e").forfeited == 50
    adds_up(ann)


def test_a_neighbours_member_is_not_ours(cafe, spa):
    with inside(cafe.tenant), pytest.raises(Member.DoesNotExist):
        block(spa.member, at=NOW, by=cafe.till)
    with inside(cafe.tenant), pytest.raises(LookupError):
        erase(spa.member, at=NOW, by=cafe.till, key="e")
    with inside(spa.tenant):
        assert Member.objects.get().status == "active"


# Many hands


@pytest.mark.parametrize("gone", [block, partial(erase, key="e")])
def test_no_sale_lands_on_a_card_after_it_was_closed(transactional_db, gone):
    shop = make_shop("cafe")
    with inside(shop.tenant):
        member = enrol(card="x", at=NOW, by=shop.till)
    sales = [partial(sell, shop, member, key=f"k{n}") for n in range(5)]
    outcomes = race(shop, [*sales[:2], partial(gone, member, at=NOW, by=shop.till), *sales[2:]])
    refused = [o for o in outcomes if isinstance(o, MemberBlocked | MemberClosed)]
    done = [o for o in outcomes if hasattr(o, "points")]
    assert len(refused) + len(done) == 5
    with inside(shop.tenant):
        adds_up(member)
        expected = 0 if gone is not block else 50 * len(done)
        assert state.state_of(member, at=NOW).balance == expected
