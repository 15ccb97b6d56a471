"""Who becomes a member, and how she is found again."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection

from loyalty import enrolment
from loyalty.enrolment import Newcomer, enrol, enrol_all, find_for_till, search
from loyalty.models import Account, Identifier, Member
from loyalty.refusals import NotAnIdentifier, NothingToKnowBy
from tenants.actors import Actor
from tenants.context import inside
from tests.conftest import NOW


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
    by_digits = Identifier.objects.filter(enrolment._ends_with("1234")).explain()
    assert "identifier_by_last_digits" in by_digits
    assert "reversed" in by_digits.split("Index Cond")[1].split("\n")[0]


def test_a_link_opens_the_card_it_was_made_for(cafe, spa):
    with inside(cafe.tenant):
        secret = enrolment.new_link(cafe.member)
        assert enrolment.member_by_link(secret) == cafe.member
        assert enrolment.member_by_link("x") is None
        assert not Identifier.objects.filter(value=secret).exists()
    with inside(spa.tenant):
        assert enrolment.member_by_link(secret) is None


def test_enrolment_keeps_who_when_and_how(in_cafe):
    member = join(in_cafe, phone="0509999999")
    assert (member.enrolled_at, member.enrolled_by, member.source) == (
        NOW,
        f"staff:{in_cafe.cashier.pk}",
        "till",
    )
    assert member.enrolled_at.tzinfo is dt.UTC
