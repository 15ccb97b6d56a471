"""What a member is known by, changed by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty import desk, finding, merging, profiles, purchases
from loyalty.enrolment import enrol
from loyalty.ledger import account_of
from loyalty.models import Identifier, Member
from loyalty.profiles import Profile
from loyalty.refusals import (
    AlreadyMember,
    BadDate,
    BadEmail,
    BadPhone,
    MemberClosed,
    NothingToKnowBy,
    StaleProfile,
)
from tenants.actors import Actor
from tenants.models import AuditEntry
from tests.conftest import NOW

AMINA = Profile(name="Amina Rahman", phone="+971501234567")


def change(cafe, wanted: Profile, version: int | None = None, at=NOW):
    member = Member.everyone.get(pk=cafe.member.pk)
    version = member.version if version is None else version
    return profiles.change(member, wanted, version=version, at=at, by=Actor.of_staff(cafe.owner))


def test_everything_of_a_profile_can_be_changed_at_once(in_cafe):
    wanted = Profile("Amina  Haddad", "050 999 8888", "Amina@X.example", dt.date(1990, 3, 2), "ar")
    fields = change(in_cafe, wanted)
    assert fields == ["name", "phone", "email", "birth_date", "language"]
    member = Member.objects.get(pk=in_cafe.member.pk)
    assert member.version == 2
    assert (member.name, member.surname_key) == ("Amina Haddad", "haddad")
    now = profiles.profile_of(member)
    assert (now.phone, now.email) == ("+971509998888", "amina@x.example")
    for text in ("9998888", "haddad", "amina@x.example"):
        assert list(finding.search(text)) == [member], text
    assert list(finding.search("4567")) == []


def test_points_stay_hers_and_the_old_number_is_free_again(in_cafe):
    purchases.record(in_cafe.member, 2400, at=NOW, by=in_cafe.till, key="a")
    change(in_cafe, Profile("Amina Rahman", "050 999 8888"))
    assert account_of(in_cafe.member).balance == 24
    old = Identifier.everyone.get(value="+971501234567")
    assert (old.is_active, old.deleted_at) == (False, NOW)
    lena = enrol(name="Lena", phone="050 123 4567", at=NOW, by=in_cafe.till)
    assert lena != in_cafe.member


def test_of_several_numbers_everybody_shows_the_latest(in_cafe):
    other = enrol(name="Amina", phone="050 999 8888", at=NOW, by=in_cafe.till)
    merging.merge(other, in_cafe.member, at=NOW, by=Actor.of_staff(in_cafe.owner), key="m")
    member, latest = Member.objects.get(pk=in_cafe.member.pk), "+971509998888"
    shown = desk.customer(member.pk, at=NOW)
    assert shown
    assert (finding.phone_of(member), shown.phone) == (latest, latest)
    assert profiles.profile_of(member).phone == latest


def test_back_and_forth_keeps_every_step(in_cafe):
    change(in_cafe, Profile("Amina Rahman", "050 999 8888"))
    change(in_cafe, AMINA)
    assert profiles.profile_of(in_cafe.member).phone == "+971501234567"
    assert Identifier.everyone.filter(member=in_cafe.member).count() == 3


def test_the_same_again_changes_nothing(in_cafe):
    assert change(in_cafe, AMINA, version=99) == []
    assert Member.objects.get(pk=in_cafe.member.pk).version == 1
    assert profiles.last_change(in_cafe.member) is None


def test_whoever_was_slower_is_told_by_whom_and_overwrites_knowingly(in_cafe):
    change(in_cafe, Profile("Amina H", AMINA.phone))
    with pytest.raises(StaleProfile):
        change(in_cafe, Profile("Amina R", AMINA.phone), version=1)
    told = profiles.last_change(in_cafe.member)
    assert (told.who, told.at, told.fields) == (f"staff:{in_cafe.owner.pk}", NOW, ["name"])
    assert change(in_cafe, Profile("Amina R", AMINA.phone), version=2) == ["name"]


REFUSED = [
    (Profile("A", "123"), BadPhone),
    (Profile("A", AMINA.phone, "no address"), BadEmail),
    (Profile("A", AMINA.phone, "", dt.date(2999, 1, 1)), BadDate),
    (Profile("A", AMINA.phone, "", dt.date(1066, 1, 1)), BadDate),
    (Profile("A"), NothingToKnowBy),
    (Profile("A", "050 777 6666"), AlreadyMember),
    (Profile("A", AMINA.phone, "lena@x.example"), AlreadyMember),
]


def test_what_is_refused_changes_nothing(in_cafe):
    enrol(name="L", phone="0507776666", email="lena@x.example", at=NOW, by=in_cafe.till)
    for wanted, refusal in REFUSED:
        with pytest.raises(refusal):
            change(in_cafe, wanted)
        assert profiles.profile_of(Member.objects.get(pk=in_cafe.member.pk)) == AMINA


def test_a_closed_card_stays_as_it_is(in_cafe):
    Member.objects.filter(pk=in_cafe.member.pk).update(status=Member.Status.ERASED)
    with pytest.raises(MemberClosed):
        change(in_cafe, Profile("B", AMINA.phone))


def test_the_trail_names_fields_and_no_person(in_cafe):
    change(in_cafe, Profile("Amina Haddad", "050 999 8888"))
    row = AuditEntry.objects.get(act="member.changed")
    assert row.after == {"fields": ["name", "phone"]}
    assert row.before == {}
