"""What hangs on a person and not on her points: phones, name, agreements, friends. All of it goes
from one card to another when both are hers, and back when they are not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from loyalty.models import Consent, Identifier, Member, Referral, Voucher
from tenants.actors import Actor

Told = dict[str, Any]  # what join() changed, as JSON: the ids of rows, so that part() finds them
Status = Member.Status
MERGE, UNMERGE = "merge", "unmerge"  # the sources of consents that follow from them
TAKEN_OVER = ("name", "name_key", "surname_key", "birth_date", "language")


def join(old: Member, new: Member, *, at: dt.datetime, by: Actor) -> Told:
    """`old` becomes a card that was merged into `new`. Both are locked."""
    told: Told = {
        "identifiers": _ids(Identifier.objects.filter(member=old.pk)),
        "vouchers": _ids(Voucher.objects.filter(owner=old.pk)),
        # Who was joined with the card that goes is joined with the kept one: one step finds it.
        "joined": _ids(Member.everyone.filter(merged_into=old.pk)),
        "taken": [name for name in TAKEN_OVER if getattr(old, name) and not getattr(new, name)],
        "staff": old.staff_id is not None and new.staff_id is None,
        "friends": _join_friends(old, new),
    }
    ended = [p for p in Consent.Purpose if agrees(new, p) and not agrees(old, p)]
    told["consents"] = [str(pk) for pk in end_consents(new, ended, at=at, by=by, source=MERGE)]
    Identifier.objects.filter(pk__in=told["identifiers"]).update(member=new.pk)
    Voucher.objects.filter(pk__in=told["vouchers"]).update(owner=new.pk)
    Member.everyone.filter(pk__in=told["joined"]).update(merged_into=new.pk)
    for name in told["taken"]:
        setattr(new, name, getattr(old, name))
    if told["staff"]:
        new.staff, old.staff = old.staff, None
    old.status, old.merged_into = Status.MERGED, new
    _save(old, new)
    return told


def part(old: Member, new: Member, told: Told, *, at: dt.datetime, by: Actor) -> None:
    """Give back what join() moved and is still there."""
    hers = Identifier.objects.filter(pk__in=told["identifiers"], member=new.pk)
    hers.update(member=old.pk)
    Voucher.objects.filter(pk__in=told["vouchers"], owner=new.pk).update(owner=old.pk)
    Member.everyone.filter(pk__in=told["joined"]).update(merged_into=old.pk)
    for name in told["taken"]:
        if getattr(new, name) == getattr(old, name):
            setattr(new, name, None if name == "birth_date" else "")
    if told["staff"]:
        new.staff, old.staff = None, new.staff
    _part_friends(old, new, told["friends"])
    _renew_consents(new, told["consents"], at=at, by=by)
    old.status, old.merged_into = Status.ACTIVE, None
    _save(old, new)


def agrees(member: Member, purpose: str) -> bool:
    """Does she agree to this purpose now? One statement."""
    last = _said(member, purpose).first()
    return last is not None and last.granted


def end_consents(
    member: Member, purposes: Iterable[str], *, at: dt.datetime, by: Actor, source: str
) -> list[UUID]:
    """She agrees to these no longer, whatever she said last; the ids of the rows that say so."""
    rows = []
    for purpose in purposes:
        if last := _said(member, purpose).first():
            since = max(at, last.at)
            row = Consent(member=member, purpose=purpose, at=since, source=source, who=by.who)
            rows.append(row)
    return [row.pk for row in Consent.objects.bulk_create(rows)]


def _renew_consents(new: Member, ended: list[str], *, at: dt.datetime, by: Actor) -> None:
    """What ended with the merge alone holds again, in the words that it was given by."""
    for row in Consent.objects.filter(pk__in=ended):
        said = _said(new, row.purpose)
        given = said.filter(granted=True).first()
        if given is None or said.first() != row:
            continue
        Consent.objects.create(
            member=new,
            purpose=row.purpose,
            granted=True,
            at=max(at, row.at),
            source=UNMERGE,
            text_version=given.text_version,
            who=by.who,
        )


def _said(member: Member, purpose: str) -> QuerySet[Consent]:
    said = Consent.objects.filter(member=member.pk, purpose=purpose)
    return said.order_by("-at", "-id")


# Friends


def _join_friends(old: Member, new: Member) -> Told:
    """Whom she brought, and who brought her. Nobody is brought twice, nor by herself."""
    brought = Referral.objects.filter(referrer=old.pk).exclude(friend=new.pk)
    told: Told = {"brought": _ids(brought), "hers": None, "dropped": None}
    hers = Referral.objects.filter(friend=old.pk).exclude(referrer=new.pk).first()
    own = Referral.objects.filter(friend=new.pk).first()
    was_paid = hers is not None and hers.status == Referral.Status.PAID
    if own and own.status == Referral.Status.PENDING and (own.referrer_id == old.pk or was_paid):
        told["dropped"] = _as_data(own)
        own.delete()
        own = None
    if hers and own is None:
        hers.friend = new
        hers.save(update_fields=["friend"])
        told["hers"] = str(hers.pk)
    Referral.objects.filter(pk__in=told["brought"]).update(referrer=new.pk)
    return told


def _part_friends(old: Member, new: Member, told: Told) -> None:
    brought = Referral.objects.filter(pk__in=told["brought"], referrer=new.pk)
    brought.update(referrer=old.pk)
    if told["hers"]:
        Referral.objects.filter(pk=told["hers"], friend=new.pk).update(friend=old.pk)
    row = told["dropped"]
    if row and not Referral.objects.filter(friend=new.pk).exists():
        Referral.objects.create(friend=new, **row)


def _as_data(waiting: Referral) -> Told:
    return {
        "id": str(waiting.pk),
        "referrer_id": str(waiting.referrer_id),
        "at": waiting.at.isoformat(),
    }


def _ids(rows: QuerySet[Any]) -> list[str]:
    return [str(pk) for pk in rows.values_list("pk", flat=True)]


def _save(old: Member, new: Member) -> None:
    old.save(update_fields=["status", "merged_into", "staff"])
    new.save(update_fields=[*TAKEN_OVER, "staff"])
