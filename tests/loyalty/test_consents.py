"""Consent: each purpose by itself, added to and never changed; membership without it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import DatabaseError, transaction

from loyalty.consents import audience, give, has_given, latest, withdraw
from loyalty.enrolment import enrol
from loyalty.members import block, erase
from loyalty.models import Consent
from loyalty.purchases import record
from loyalty.refusals import MemberClosed
from tenants.context import inside
from tenants.models import AuditEntry
from tests.conftest import NOW

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def ann(in_cafe):
    return enrol(name="Ann", email="ann@x.example", at=NOW, by=in_cafe.till)


def reached():
    return list(audience("marketing"))


def test_a_member_earns_without_agreeing_to_anything(in_cafe, ann):
    assert record(ann, 5000, at=NOW, by=in_cafe.till, key="k").points == 50
    assert reached() == []
    assert not has_given(ann, "marketing")


def test_the_latest_word_counts_and_every_earlier_one_stays(in_cafe, ann):
    told = {"by": in_cafe.till, "source": "card"}
    give(ann, "marketing", at=NOW, text_version="2026-01", **told)
    assert reached() == [ann]
    withdraw(ann, "marketing", at=NOW + HOUR, **told)
    assert reached() == []
    give(ann, "marketing", at=NOW + 2 * HOUR, text_version="2026-02", **told)
    assert reached() == [ann]
    rows = Consent.objects.order_by("at").values_list("granted", "text_version", "who")
    who = f"staff:{in_cafe.cashier.pk}"
    assert list(rows) == [(True, "2026-01", who), (False, "", who), (True, "2026-02", who)]


def test_what_is_heard_late_counts_by_when_it_was_said(in_cafe, ann):
    withdraw(ann, "marketing", at=NOW + HOUR, by=in_cafe.till)
    give(ann, "marketing", at=NOW, by=in_cafe.till)
    assert not has_given(ann, "marketing")
    assert latest(ann, "marketing").at == NOW + HOUR


def test_saying_the_same_again_writes_nothing(in_cafe, ann):
    first = give(ann, "marketing", at=NOW, by=in_cafe.till, text_version="1")
    assert give(ann, "marketing", at=NOW + HOUR, by=in_cafe.till, text_version="1") == first
    assert give(ann, "marketing", at=NOW + HOUR, by=in_cafe.till, text_version="2") != first
    no = withdraw(ann, "marketing", at=NOW + 2 * HOUR, by=in_cafe.till)
    assert withdraw(ann, "marketing", at=NOW + 3 * HOUR, by=in_cafe.till) == no
    assert Consent.objects.count() == 3
    acts = AuditEntry.objects.filter(act__startswith="consent").values_list("act", flat=True)
    assert sorted(acts) == ["consent.given", "consent.given", "consent.withdrawn"]


def test_only_open_cards_with_an_address_are_written_to(in_cafe, ann):
    give(in_cafe.member, "marketing", at=NOW, by=in_cafe.till)  # she has a phone alone
    give(ann, "marketing", at=NOW, by=in_cafe.till)
    assert reached() == [ann]
    block(ann, at=NOW, by=in_cafe.till)
    assert reached() == []


def test_a_card_that_is_gone_says_nothing_more(in_cafe, ann):
    erase(ann, at=NOW, by=in_cafe.till, key="e")
    for say in (give, withdraw):
        with pytest.raises(MemberClosed):
            say(ann, "marketing", at=NOW, by=in_cafe.till)


def test_there_are_no_other_purposes(in_cafe, ann):
    with pytest.raises(ValueError, match="gossip"):
        give(ann, "gossip", at=NOW, by=in_cafe.till)


def test_a_consent_is_never_changed(in_cafe, ann):
    give(ann, "marketing", at=NOW, by=in_cafe.till)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        Consent.objects.update(granted=False)


def test_what_she_told_another_shop_is_its_affair(cafe, spa):
    for shop in (cafe, spa):
        with inside(shop.tenant):
            enrol(email="ann@x.example", at=NOW, by=shop.till)
    with inside(cafe.tenant):
        give(enrol(email="ann@x.example", at=NOW, by=cafe.till), "marketing", at=NOW, by=cafe.till)
        assert len(reached()) == 1
    with inside(spa.tenant):
        assert reached() == []
