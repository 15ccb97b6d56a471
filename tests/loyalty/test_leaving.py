"""Who asks to be erased can change her mind for a week; meanwhile her card is closed."""

from __future__ import annotations

import datetime as dt
from functools import partial
from uuid import uuid4

import pytest

from loyalty import (
    binding,
    birthdays,
    books,
    claims,
    consents,
    dossiers,
    finding,
    leaving,
    ledger,
    programs,
)
from loyalty.enrolment import enrol, enrol_or_find, find, new_link
from loyalty.members import block, erase, unblock
from loyalty.merging import merge
from loyalty.models import Entry, Identifier, Member
from loyalty.purchases import record
from loyalty.redemptions import offers
from loyalty.refusals import AlreadyMerged, MemberBlocked, MemberClosed, MemberLeaving
from loyalty.tasks import erase_leaving
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import AuditEntry
from tests.conftest import NOW, make_shop
from tests.loyalty.racing import race

DAY = dt.timedelta(days=1)
PHONE = "0507654321"
# Asked on the second of March in Dubai: seven days that are whole, and the midnight after them.
DUE = dt.datetime(2026, 3, 9, 20, tzinfo=dt.UTC)


@pytest.fixture
def owner(in_cafe):
    return Actor.of_staff(in_cafe.owner)


@pytest.fixture
def ann(in_cafe):
    return enrol(
        name="Ann Solana",
        phone=PHONE,
        email="ann@solana.example",
        birth_date=dt.date(1990, 3, 4),
        marketing="2026-01",
        at=NOW - 400 * DAY,
        by=in_cafe.till,
    )


def ask(member, *, at=NOW) -> Member:
    return leaving.ask(member, at=at, by=Actor.member(member.pk))


def stay(member, *, at=NOW) -> Member:
    return leaving.stay(member, at=at, by=Actor.member(member.pk))


def sell(shop, member, *, key="k", at=NOW):
    return record(member, 5000, at=at, by=shop.till, key=key)


def status(member) -> str:
    return Member.everyone.get(pk=member.pk).status


def acts(member) -> list[str]:
    return list(
        AuditEntry.objects.filter(subject=member.pk).order_by("id").values_list("act", flat=True)
    )


def test_a_week_passes_and_she_is_erased(in_cafe, ann):
    sell(in_cafe, ann)
    assert ask(ann).erase_at == DUE
    assert leaving.erase_due(DUE - dt.timedelta(minutes=1)) == 0
    assert status(ann) == "active"
    erase_leaving(DUE.isoformat())
    assert status(ann) == "erased"
    assert Entry.objects.filter(account__member=ann).order_by("id").last().kind == "forfeit"
    assert books.check(DUE).wrong == 0
    assert leaving.erase_due(DUE + DAY) == 0
    assert acts(ann) == ["member.enrolled", "member.leaving", "member.erased"]
    assert Member.everyone.get(pk=ann.pk).erase_at is None


def test_asking_twice_keeps_the_first_day(in_cafe, ann):
    ask(ann)
    assert ask(ann, at=NOW + 3 * DAY).erase_at == DUE
    assert acts(ann) == ["member.enrolled", "member.leaving"]


def test_who_changes_her_mind_has_her_card_as_it_was(in_cafe, ann):
    sell(in_cafe, ann)
    ask(ann)
    for _ in range(2):
        assert stay(ann, at=NOW + DAY).erase_at is None
    assert leaving.erase_due(DUE) == 0
    assert sell(in_cafe, ann, key="k2").points == 50
    assert finding.find_for_till("4321")[0].balance == 100
    assert consents.audience("marketing").get() == ann
    assert acts(ann) == ["member.enrolled", "member.leaving", "member.stayed"]
    assert ask(ann, at=NOW + 2 * DAY).erase_at == DUE + 2 * DAY


def test_until_the_night_has_come_the_card_can_be_kept(in_cafe, ann):
    ask(ann)
    assert stay(ann, at=DUE + dt.timedelta(hours=1)).erase_at is None


def test_meanwhile_nobody_sells_to_her_finds_her_or_writes_to_her(in_cafe, owner, ann):
    programs.set_policy(in_cafe.program, {"birthday_bonus": 30}, at=NOW, by=owner)
    ask(ann)
    with pytest.raises(MemberLeaving):
        sell(in_cafe, ann)
    member = Member.objects.get(pk=ann.pk)
    assert offers(member, at=NOW) == []
    for typed in ("4321", PHONE, "ann sol", "solana", ann.code):
        assert finding.find_for_till(typed) == []
    assert not consents.audience("marketing").exists()
    assert birthdays.award(NOW + 2 * DAY) == 0
    # The shop still knows that there is somebody, and tells her so at the till.
    assert find(phone=PHONE) == ann
    assert enrol_or_find(phone=PHONE, at=NOW, by=in_cafe.till).existing
    assert list(finding.search("solana")) == [ann]


def test_her_links_open_the_card_until_it_ends(in_cafe, ann):
    before = new_link(ann)
    ask(ann)
    after = new_link(ann)
    for secret in (before, after):
        assert finding.member_by_link(secret) == ann
    leaving.erase_due(DUE)
    assert finding.member_by_link(before) is None


def test_a_blocked_card_is_left_too_and_is_blocked_when_it_is_kept(in_cafe, owner, ann):
    block(ann, at=NOW, by=owner)
    ask(ann)
    with pytest.raises(MemberBlocked):
        sell(in_cafe, ann)
    assert stay(ann).status == "blocked"
    ask(ann)
    unblock(ann, at=NOW, by=owner)
    with pytest.raises(MemberLeaving):
        sell(in_cafe, ann, key="k2")
    assert leaving.erase_due(DUE) == 1


def test_what_is_gone_neither_leaves_nor_stays(in_cafe, owner, ann):
    other = enrol(card="other", at=NOW, by=owner)
    merge(other, in_cafe.member, at=NOW, by=owner, key="m")
    erase(ann, at=NOW, by=owner, key="e")
    for act in (ask, stay):
        with pytest.raises(AlreadyMerged):
            act(other)
        with pytest.raises(MemberClosed):
            act(ann)


def test_the_owner_erases_at_once_all_the_same(in_cafe, owner, ann):
    ask(ann)
    erase(ann, at=NOW, by=owner, key="e")
    assert status(ann) == "erased"
    assert leaving.erase_due(DUE) == 0


def test_the_cards_that_were_joined_with_hers_end_with_it(in_cafe, owner, ann):
    old = enrol(name="Anna Solana", card="old", at=NOW, by=owner)
    merge(old, ann, at=NOW, by=owner, key="m")
    ask(ann)
    assert leaving.erase_due(DUE) == 1
    assert not Identifier.everyone.filter(member__in=[ann, old]).exclude(value="").exists()


def test_the_shop_joins_no_card_that_is_about_to_end(in_cafe, owner, ann):
    ask(ann)
    for gone, into in ((ann, in_cafe.member), (in_cafe.member, ann)):
        with pytest.raises(MemberLeaving):
            merge(gone, into, at=NOW, by=owner, key=str(uuid4()))


def test_her_copy_says_when_it_ends(in_cafe, ann):
    assert dossiers.dossier(ask(ann), at=NOW)["member"]["erase_at"] == DUE.isoformat()
    assert dossiers.dossier(stay(ann), at=NOW)["member"]["erase_at"] is None


# With a card that she made anew


def anew(*, at=NOW + DAY) -> claims.Joined:
    return claims.join(phone=PHONE, at=at, key=str(uuid4()))


def test_who_proves_her_number_on_a_new_card_has_come_back(in_cafe, ann):
    sell(in_cafe, ann)
    ask(ann)
    made = anew()
    code = claims.new_code(made.member, at=NOW + DAY).code
    bound = claims.confirm(made.member, code, link=made.link, at=NOW + DAY, key="c")
    assert (bound.member, bound.joined, bound.member.erase_at) == (ann, True, None)
    assert ledger.account_of(bound.member).balance == 50
    assert "member.stayed" in acts(ann)
    assert leaving.erase_due(DUE + DAY) == 0


def test_a_card_that_is_about_to_end_takes_no_other_with_it(in_cafe, ann):
    """She has to keep it first: by a code alone she does not say so."""
    made = anew()
    ask(made.member)
    code = claims.new_code(made.member, at=NOW + DAY).code
    with pytest.raises(MemberLeaving):
        claims.confirm(made.member, code, link=made.link, at=NOW + DAY, key="c")
    stay(made.member)
    assert claims.confirm(made.member, code, link=made.link, at=NOW + DAY, key="c").joined
    assert status(ann) == "active"


def test_to_come_back_by_a_code_alone_keeps_nothing(in_cafe, ann):
    ask(ann)
    bound = binding.prove(
        "phone", "+971507654321", card=None, at=NOW, by=Actor.member(ann.pk), key="p"
    )
    assert bound.member.erase_at == DUE


def test_a_card_that_nobody_proved_ends_at_the_earlier_of_its_days(in_cafe):
    made = anew(at=NOW)
    ask(made.member)
    assert leaving.erase_due(DUE) == 1
    assert claims.end_unbound(NOW + 60 * DAY) == 0


# Neighbours, and many hands


def test_a_neighbours_night_erases_nobody_here(cafe, spa):
    with inside(cafe.tenant):
        ask(cafe.member)
    with inside(spa.tenant):
        assert leaving.erase_due(DUE) == 0
        with pytest.raises(Member.DoesNotExist):
            ask(cafe.member)
    with inside(cafe.tenant):
        assert leaving.erase_due(DUE) == 1


def test_who_keeps_her_card_at_the_last_moment_has_it_or_is_told(transactional_db):
    shop = make_shop("cafe")
    with inside(shop.tenant):
        ask(shop.member)
    erasing, keeping = partial(leaving.erase_due, DUE), partial(stay, shop.member)
    gone, kept = race(shop, [erasing, keeping])
    with inside(shop.tenant):
        if gone:
            assert isinstance(kept, MemberClosed)
            assert status(shop.member) == "erased"
        else:
            assert (kept.erase_at, status(shop.member)) == (None, "active")
