"""Enrolment under a key: one member and one answer, however often it is sent."""

from __future__ import annotations

import pytest

from loyalty import programs
from loyalty.admission import admit
from loyalty.enrolment import Newcomer
from loyalty.ledger import account_of
from loyalty.models import Entry, Member, Operation
from loyalty.refusals import BadPhone, IdempotencyConflict
from tenants.actors import Actor
from tests.conftest import NOW

ZOYA = Newcomer(name="Zoya", phone="050 765 4321")


@pytest.fixture
def bonus(in_cafe):
    by = Actor.of_staff(in_cafe.owner)
    programs.set_policy(in_cafe.program, {"enrol_bonus": 10}, at=NOW, by=by)
    return in_cafe


def test_one_key_makes_one_member_and_pays_one_bonus(bonus):
    done = [admit(ZOYA, at=NOW, by=bonus.till, key="1") for _ in range(3)]
    assert [(each.existing, each.replayed) for each in done] == [
        (False, False),
        (False, True),
        (False, True),
    ]
    assert len({each.member.pk for each in done}) == 1
    assert account_of(done[0].member).balance == 10
    assert Entry.objects.count() == 1


def test_another_key_finds_her_and_changes_nothing(bonus):
    first = admit(ZOYA, at=NOW, by=bonus.till, key="1")
    again = admit(Newcomer(name="Other", phone=ZOYA.phone), at=NOW, by=bonus.till, key="2")
    assert (again.member, again.existing, again.replayed) == (first.member, True, False)
    assert Member.objects.get(pk=first.member.pk).name == "Zoya"
    assert Entry.objects.count() == 1


def test_the_key_of_another_command_is_refused(bonus):
    admit(ZOYA, at=NOW, by=bonus.till, key="1")
    with pytest.raises(IdempotencyConflict):
        admit(Newcomer(phone="050 765 4322"), at=NOW, by=bonus.till, key="1")
    assert Member.objects.count() == 2


def test_what_cannot_be_read_is_refused_under_its_key(bonus):
    for _ in range(2):
        with pytest.raises(BadPhone):
            admit(Newcomer(phone="12"), at=NOW, by=bonus.till, key="1")
    assert Operation.objects.get().result["refused"] == "bad_phone"
    assert Member.objects.count() == 1
