"""ISO-01: the same phone, receipt number and voucher code in two shops are unrelated.

One shop's till opens nothing of the other's, and does not learn who is known there.
"""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from loyalty import enrolment, purchases, vouchers
from loyalty.models import Member, Purchase, Voucher
from loyalty.refusals import UnknownMember, VoucherUsed
from tenants.context import inside
from tenants.ids import uuid7
from tests.conftest import NOW, PIN

PHONE = "+4915123456789"
LATER = NOW + dt.timedelta(hours=1)


@pytest.fixture
def ann(cafe) -> Member:
    """Of the café: 80 points by receipt r77, and SPRING is used."""
    with inside(cafe.tenant):
        ann = enrolment.enrol(phone=PHONE, at=NOW, by=cafe.till)
        purchases.record(ann, 8000, at=NOW, by=cafe.till, key="k1", ref="r77")
        spring = vouchers.issue("amount", code="SPRING", value=500, at=NOW, by=cafe.till, key="k2")
        vouchers.use(spring, at=NOW, by=cafe.till, key="k3", total=2000)
    return ann


@pytest.fixture
def spas_till(spa) -> Client:
    """The spa's tablet, unlocked by who works there."""
    client = Client(HTTP_HOST=spa.host)
    client.cookies["device"] = spa.token
    answer = client.post("/till/person/", {"person": spa.cashier.pk, "pin": PIN})
    assert answer.status_code == 303
    return client


def test_iso_01_the_same_phone_is_another_member(cafe, spa, ann):
    with inside(spa.tenant):
        with pytest.raises(UnknownMember):
            enrolment.find(phone=PHONE)
        enrolled = enrolment.enrol_or_find(phone=PHONE, at=LATER, by=spa.till)
        assert not enrolled.existing
        assert enrolled.member.pk != ann.pk
        assert enrolment.find(phone=PHONE) == enrolled.member
        assert purchases.quote(enrolled.member, 0, at=LATER).balance == 0
    with inside(cafe.tenant):
        assert enrolment.find(phone=PHONE) == ann
        assert purchases.quote(ann, 0, at=LATER).balance == 80


def test_iso_01_the_same_receipt_and_key_earn_again(cafe, spa, ann):
    with inside(spa.tenant):
        theirs = enrolment.enrol(phone=PHONE, at=LATER, by=spa.till)
        done = purchases.record(theirs, 3000, at=LATER, by=spa.till, key="k1", ref="r77")
        assert (done.points, done.replayed) == (30, False)
        assert Purchase.objects.get().total == 3000
    with inside(cafe.tenant):
        assert Purchase.objects.get().total == 8000


def test_iso_01_the_same_code_is_another_voucher(cafe, spa, ann):
    with inside(spa.tenant):
        vouchers.issue("amount", code="SPRING", value=700, at=LATER, by=spa.till, key="k2")
        spring = vouchers.find("spring")
        assert (spring.status, spring.used) == (Voucher.Status.ISSUED, 0)
        used = vouchers.use(spring, at=LATER, by=spa.till, key="k3", total=2000)
        assert used.discount == 700
    with inside(cafe.tenant), pytest.raises(VoucherUsed):
        vouchers.use(vouchers.find("SPRING"), at=LATER, by=cafe.till, key="k4", total=2000)


def test_iso_01_the_neighbours_till_is_a_stranger_here(cafe, spas_till, ann):
    """What it is answered is the same for who is a member and for who is none."""
    assert "Ready" in spas_till.get("/till/").text
    known, unknown = (
        spas_till.get(f"/till/members/{pk}/", headers={"Host": cafe.host})
        for pk in (ann.pk, uuid7())
    )
    assert known.status_code == unknown.status_code == 303
    assert known.headers["Location"] == unknown.headers["Location"] == "/till/"
    assert known.content == unknown.content
    assert "no till yet" in spas_till.get("/till/", headers={"Host": cafe.host}).text


def test_iso_01_a_member_of_the_neighbour_is_like_nobody(spas_till, ann):
    known, unknown = (spas_till.get(f"/till/members/{pk}/") for pk in (ann.pk, uuid7()))
    assert known.status_code == unknown.status_code == 404
    found = spas_till.get("/till/members/", {"q": PHONE[-4:]})
    assert str(ann.pk) not in found.text
