"""Leaving: a holder who asks to be erased is, after some days in which she can change her mind.

Until then her card neither earns nor spends, no till finds it, and nobody writes to her. Her own
pages stay open, so that she can keep it.
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from zoneinfo import ZoneInfo

from django.db import transaction

from loyalty import members, operations
from loyalty.calendar import ends, local_date
from loyalty.models import Member
from loyalty.refusals import AlreadyMerged, MemberClosed
from tenants.actors import Actor
from tenants.context import tenant_id
from tenants.models import Tenant
from tenants.trace import write

STAYS_FOR = dt.timedelta(days=7)
BATCH = 200
NIGHTLY = Actor.command("leaving")
Status = Member.Status


def erased_at(at: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """When who asks at `at` is erased: STAYS_FOR whole local days can pass before."""
    return ends(local_date(at, zone) + STAYS_FOR, zone)


def ask(member: Member, *, at: dt.datetime, by: Actor) -> Member:
    """She asks to be erased: her card is closed at once, and ends at erased_at() unless stay().

    A second call changes nothing: the first day holds. Raises AlreadyMerged (the kept card is the
    one to leave with), MemberClosed.
    """
    zone = ZoneInfo(Tenant.objects.values_list("zone", flat=True).get(pk=tenant_id()))
    with transaction.atomic():
        locked = _locked(member)
        if locked.erase_at is None:
            locked.erase_at = erased_at(at, zone)
            locked.save(update_fields=["erase_at"])
            write(by, "member.leaving", locked.pk, at=at, after={"at": locked.erase_at.isoformat()})
    return locked


def stay(member: Member, *, at: dt.datetime, by: Actor) -> Member:
    """She has changed her mind: the card is what it was before ask(), a blocked one blocked.

    A second call changes nothing. Raises AlreadyMerged, and MemberClosed for who is erased already.
    """
    with transaction.atomic():
        locked = _locked(member)
        if locked.erase_at is not None:
            locked.erase_at = None
            locked.save(update_fields=["erase_at"])
            write(by, "member.stayed", locked.pk, at=at)
    return locked


def erase_due(at: dt.datetime) -> int:
    """Erase whoever asked for it and has not changed her mind in time; returns how many.

    Each in a transaction of its own; a second call finds nothing to do.
    """
    due = Member.objects.filter(erase_at__lte=at).order_by("erase_at", "id")
    erased = 0
    while rows := list(due[:BATCH]):
        for row in rows:
            erased += operations.again_if_raced(partial(_erase, row, at))
    return erased


def _erase(member: Member, at: dt.datetime) -> bool:
    """Under the lock, because she may be keeping her card just now."""
    rows = Member.objects.select_for_update(no_key=True).filter(pk=member.pk, erase_at__lte=at)
    due = rows.first()
    if due is None:
        return False
    members.erase(due, at=at, by=NIGHTLY, key=f"leaving:{due.pk}")
    return True


def _locked(member: Member) -> Member:
    locked: Member = Member.everyone.select_for_update(no_key=True).get(pk=member.pk)
    if locked.status == Status.MERGED:
        raise AlreadyMerged
    if not locked.is_active:
        raise MemberClosed
    return locked
