"""Whose card may be used, and by whom."""

from __future__ import annotations

from django.db.models import Q

from loyalty.models import Member
from loyalty.refusals import MemberBlocked, MemberClosed, MemberLeaving, StaffSelfAward
from tenants.actors import Actor


def refuse_closed(member: Member) -> None:
    """Raises MemberBlocked, MemberLeaving or another MemberClosed for a card that neither earns nor
    spends.
    """
    if member.is_open:
        return
    if member.status == Member.Status.BLOCKED:
        raise MemberBlocked
    raise MemberLeaving if member.erase_at else MemberClosed


def refuse_own(member: Member, by: Actor) -> None:
    """Raises StaffSelfAward where somebody at work gives to a card of her own."""
    if by.staff is not None and member.staff_id == by.staff.pk:
        raise StaffSelfAward


def listed(member: str = "") -> Q:
    """Whose cards the list of members shows: all but those that were joined with others, or erased.
    Whatever counts members counts by this, or a figure and its list differ. `member` is the path to
    her ("account__member__").
    """
    joined = Q(**{f"{member}status": Member.Status.MERGED})
    return Q(**{f"{member}is_active": True}) & ~joined
