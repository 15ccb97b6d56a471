"""Whose card may be used, and by whom."""

from __future__ import annotations

from loyalty.models import Member
from loyalty.refusals import MemberBlocked, MemberClosed, StaffSelfAward
from tenants.actors import Actor


def refuse_closed(member: Member) -> None:
    """Raises MemberBlocked or MemberClosed for a card that neither earns nor spends."""
    if not member.is_open:
        raise MemberBlocked if member.status == Member.Status.BLOCKED else MemberClosed


def refuse_own(member: Member, by: Actor) -> None:
    """Raises StaffSelfAward where somebody at work gives to a card of her own."""
    if by.staff is not None and member.staff_id == by.staff.pk:
        raise StaffSelfAward
