"""Who becomes a member, and how she is found again."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest
from django.db import connection

from loyalty import consents, enrolment, finding, ledger, numbers, programs
from loyalty.enrolment import Newcomer, enrol, enrol_all, enrol_or_find, find
from loyalty.finding import find_for_till, search
from loyalty.models import Account, Entry, Identifier, Member, Referral, Reward, Voucher
from loyalty.refusals import (
    BadDate,
    BadPhone,
    NotAnIdentifier,
    NothingToKnowBy,
    UnknownMember,
)
from tenants.actors import Actor
from tenants.context import inside
from tests.conftest import NOW, make_shop
from tests.loyalty.racing import race


def join(shop, **who):
    return enrol(at=NOW, by=shop.till, **who)


def test_the_same_phone_in_any_spelling_finds_the_same_member(in_cafe):
    for phone in ("0501234567", "+971 50 123 4567", "٠٥٠١٢٣٤٥٦٧"):
        assert join(in_cafe, phone=phone, name="Somebody Else") == in_cafe.member
    assert (Member.objects.count(), Account.objects.count()) == (1, 1)


def test_the_same_phone_in_two_shops_is_two_members(cafe, spa):
    assert cafe.member.pk != spa.member.pk
    with inside(spa.tenant):
        assert [m.pk for m in search("4567")] == [spa.member.pk]


def test_somebody_must_be_known_by_something_readable(in_cafe):
    with pytest.raises(NothingToKnowBy):
        join(in_cafe, name="Nobody")
    for bad in ({"phone": "12"}, {"email": "a b"}, {"card": "x\x00"}, {"card": "9" * 81}):
        with pytest.raises(NotAnIdentifier):
            join(in_cafe, **bad)
    assert Member.objects.count() == 1


def test_many_at_once_are_the_same_as_one_by_one(in_cafe):
    by = Actor.importing("x")
    people = [Newcomer(card=str(n % 3), name=f"N{n}") for n in range(5)]
    people.append(Newcomer(phone="0501234567"))
    members = enrol_all([(who, NOW) for who in people], by=by, source="import")
    assert [m.name for m in members] == ["N0", "N1", "N2", "N0", "N1", "Amina Rahman"]
    assert members[0] == members[3]
    assert members[5] == in_cafe.member
    assert enrol_all([(people[0], NOW)], by=by, source="import") == [members[0]]
    assert Account.objects.count() == Member.objects.count() == 4


def test_the_till_finds_by_last_digits_code_and_card(in_cafe):
    other = join(in_cafe, name="Omar", phone="0507654567", card="A-17")
    assert {hit.member for hit in find_for_till("4567")} == {in_cafe.member, other}
    assert [hit.member for hit in find_for_till("٣٤٥٦٧"[-5:])] == [in_cafe.member]
    assert [hit.member for hit in find_for_till("34567")] == [in_cafe.member]
    assert [hit.member for hit in find_for_till("A-17")] == [other]
    code = in_cafe.member.code
    assert [hit.member for hit in find_for_till(code.lower())] == [in_cafe.member]
    assert find_for_till("67") == []
    assert find_for_till("") == []
    (hit,) = find_for_till("34567")
    assert (hit.last_digits, hit.balance) == ("4567", 0)


def test_the_digits_in_a_card_code_are_no_phone(in_cafe):
    """150 are the digits of this code, and stand in Amina's phone; 567 are those of the other, and
    her phone ends in them.
    """
    for code in ("BMQV1F5K0JFE", "BMQV5F6KJ7FA"):
        other = join(in_cafe, name="Omar", card=f"{code[-1]}-17")
        other.code = code
        other.save()
        assert numbers.read_code(code), "the check character"
        assert list(search(code)) == [other]
        assert [hit.member for hit in find_for_till(code)] == [other]
    assert list(search("150 ")) == [in_cafe.member]
    assert {hit.member for hit in find_for_till("567")} == {in_cafe.member}


def test_a_name_with_a_digit_in_it_is_found_at_the_till(in_cafe):
    firm = join(in_cafe, name="Studio 54", card="A-17")
    assert [hit.member for hit in find_for_till("studio 5")] == [firm]


def test_the_till_does_not_show_who_is_blocked_or_retired(in_cafe):
    in_cafe.member.status = "blocked"
    in_cafe.member.save()
    assert find_for_till("4567") == []
    in_cafe.member.status = "active"
    in_cafe.member.retire(at=NOW, by="staff:x")
    assert find_for_till("4567") == []


def test_search_by_name_phone_email_and_code(in_cafe):
    emile = join(in_cafe, name="Émile Zola", email="Emile@Zola.example")
    for text in ("emi", "ÉMILE Z", "zol", "emile@zola.EXAMPLE", emile.code):
        assert list(search(text)) == [emile], text
    for text in ("4567", "050 123 4567", "+971501234567", "amina"):
        assert list(search(text)) == [in_cafe.member], text
    assert list(search("mile")) == []
    assert search("").count() == 2
    for odd in ("%", "_", "\\", "'", "x" * 10_000, "٪", "\ud800"):
        assert list(search(odd.replace("\ud800", ""))) is not None


def test_searching_uses_indexes_under_row_security(in_cafe):
    """Under RLS only leakproof operators do: LIKE would read every member."""
    people = [Newcomer(name=f"P{n} Q{n}", phone=f"+9715{n:08d}") for n in range(3_000)]
    enrol_all([(who, NOW) for who in people], by=Actor.importing("x"), source="import")
    with connection.as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE loyalty_member, loyalty_identifier")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE portal_app")
    by_name = Member.objects.filter(name_key__begins="p17 ").explain()
    assert "member_by_name" in by_name
    assert "name_key" in by_name.split("Index Cond")[1].split("\n")[0]
    by_digits = Identifier.objects.filter(finding._ends_with("1234")).explain()
    assert "identifier_by_last_digits" in by_digits
    assert "reversed" in by_digits.split("Index Cond")[1].split("\n")[0]


def test_a_link_opens_the_card_it_was_made_for(cafe, spa):
    with inside(cafe.tenant):
        secret = enrolment.new_link(cafe.member)
        assert finding.member_by_link(secret) == cafe.member
        assert finding.member_by_link("x") is None
        assert not Identifier.objects.filter(value=secret).exists()
    with inside(spa.tenant):
        assert finding.member_by_link(secret) is None


def test_enrolment_keeps_who_when_and_how(in_cafe):
    member = join(in_cafe, phone="0509999999")
    assert (member.enrolled_at, member.enrolled_by, member.source) == (
        NOW,
        f"staff:{in_cafe.cashier.pk}",
        "till",
    )
    assert member.enrolled_at.tzinfo is dt.UTC


def entries(member):
    found = Entry.objects.filter(account__member=member).order_by("id")
    return list(found.values_list("kind", "amount", "reason"))


def test_a_phone_with_a_digit_too_few_is_told_as_such(in_cafe):
    for bad in ("12", "050 123 456", "call me"):
        with pytest.raises(BadPhone) as told:
            join(in_cafe, phone=bad)
        assert told.value.code == "bad_phone"


def test_she_is_found_by_whatever_she_gave(in_cafe):
    omar = join(in_cafe, name="Omar", phone="0507654321", email="Omar@X.example", card="A 17")
    for known in (
        {"phone": "+971 (50) 765-4321"},
        {"email": " oMar@x.EXAMPLE "},
        {"card": "A 17"},
        {"card": omar.code.lower()},
    ):
        assert find(**known) == omar
    with pytest.raises(UnknownMember):
        find(phone="0507654322")
    with pytest.raises(UnknownMember):
        find(card="A 18")
    with pytest.raises(BadPhone):
        find(phone="12")
    with pytest.raises(NotAnIdentifier):
        find(email="omar")
    with pytest.raises(NothingToKnowBy):
        find()


def test_whoever_is_known_already_is_told_so_and_not_changed(in_cafe):
    again = enrol_or_find(
        phone="0501234567",
        name="Mina",
        birth_date=dt.date(1990, 5, 1),
        referred_by=in_cafe.member,
        marketing="2026-01",
        at=NOW,
        by=in_cafe.till,
    )
    assert (again.member, again.existing) == (in_cafe.member, True)
    member = Member.objects.get()
    assert (member.name, member.birth_date) == ("Amina Rahman", None)
    assert not Referral.objects.exists()
    assert not consents.audience("marketing").exists()


def test_what_she_says_of_herself_is_kept(in_cafe):
    done = enrol_or_find(
        email="omar@x.example",
        birth_date=dt.date(1990, 2, 28),
        referred_by=in_cafe.member,
        marketing="2026-01",
        at=NOW,
        by=in_cafe.till,
    )
    assert not done.existing
    assert Member.objects.get(pk=done.member.pk).birth_date == dt.date(1990, 2, 28)
    referral = Referral.objects.get()
    assert (referral.friend, referral.referrer) == (done.member, in_cafe.member)
    assert list(consents.audience("marketing")) == [done.member]


@pytest.mark.parametrize("born", [dt.date(1899, 12, 31), NOW.date() + dt.timedelta(days=1)])
def test_a_birthday_that_cannot_be_is_refused(in_cafe, born):
    with pytest.raises(BadDate):
        join(in_cafe, phone="0507654321", birth_date=born)
    assert Member.objects.count() == 1


def test_joining_pays_its_bonus_once(in_cafe):
    programs.set_policy(in_cafe.program, {"enrol_bonus": 25}, at=NOW, by=in_cafe.till)
    omar = join(in_cafe, phone="0507654321")
    assert join(in_cafe, phone="050-765 4321") == omar
    assert entries(omar) == [("bonus", 25, "enrol")]
    assert ledger.account_of(omar).balance == 25
    (bulk,) = enrol_all([(Newcomer(card="1"), NOW)], by=Actor.importing("x"), source="import")
    assert entries(bulk) == []


def test_a_bonus_that_fills_the_card_issues_its_reward(in_cafe):
    programs.set_policy(in_cafe.program, {"enrol_bonus": 25}, at=NOW, by=in_cafe.till)
    Reward.objects.create(
        program=in_cafe.program, name="Tea", kind="item", cost=20, value=300, is_auto=True
    )
    omar = join(in_cafe, phone="0507654321")
    assert Voucher.objects.get().owner == omar
    assert ledger.account_of(omar).balance == 5


def test_the_friend_of_a_merged_card_is_the_friend_of_the_one_that_was_kept(in_cafe):
    old = join(in_cafe, card="old")
    Member.objects.filter(pk=old.pk).update(merged_into=in_cafe.member, status="merged")
    join(in_cafe, card="new", referred_by=Member.objects.get(pk=old.pk))
    assert Referral.objects.get().referrer == in_cafe.member


@pytest.fixture
def committed(transactional_db):
    return make_shop("cafe")


def test_two_clerks_enrol_one_person(committed):
    shop = committed
    with inside(shop.tenant):
        programs.set_policy(shop.program, {"enrol_bonus": 25}, at=NOW, by=shop.till)
    spellings = ("055 111 2233", "+971551112233")
    for turn in range(5):
        told = [f"{text[:-1]}{turn}" for text in spellings]
        acts = [partial(enrol_or_find, phone=told[n % 2], at=NOW, by=shop.till) for n in range(4)]
        outcomes = race(shop, acts)
        assert len({o.member.pk for o in outcomes}) == 1
        assert sorted(o.existing for o in outcomes) == [False, True, True, True]
        with inside(shop.tenant):
            assert entries(outcomes[0].member) == [("bonus", 25, "enrol")]
