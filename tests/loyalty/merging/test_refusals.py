"""Which cards are not joined, and what a second call and a look say."""

from __future__ import annotations

import pytest

from loyalty import vouchers
from loyalty.members import block, erase, unblock
from loyalty.merging import preview
from loyalty.models import (
    Consent,
    Entry,
    Identifier,
    Lot,
    Merge,
)
from loyalty.refusals import (
    AlreadyMerged,
    IdempotencyConflict,
    MemberBlocked,
    MemberClosed,
    SameMember,
)
from tenants.models import AuditEntry
from tests.conftest import NOW
from tests.loyalty.merging.people import DAY, entries, told


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
