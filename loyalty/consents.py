"""What a member allows us, purpose by purpose. Membership never depends on any of it.

Consents are only added to: the latest one of a purpose counts, and every earlier one stays as proof
of what was allowed when, by which words.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from loyalty.models import Consent, Identifier, Member
from loyalty.refusals import MemberClosed
from tenants.actors import Actor
from tenants.trace import write

GONE = (Member.Status.MERGED, Member.Status.ERASED)


def give(
    member: Member,
    purpose: str,
    *,
    at: dt.datetime,
    by: Actor,
    source: str = "till",
    text_version: str = "",
) -> Consent:
    """Write down that she agreed at `at` to `purpose` (a Consent.Purpose), by the words that
    `text_version` names, told to us by way of `source` ("till", "card", "poster").

    Agreeing again to the same words changes nothing. Raises MemberClosed for a card that is gone,
    ValueError for no purpose of ours.
    """
    return _say(member, purpose, True, at=at, by=by, source=source, text_version=text_version)


def withdraw(
    member: Member,
    purpose: str,
    *,
    at: dt.datetime,
    by: Actor,
    source: str = "till",
    text_version: str = "",
) -> Consent:
    """Write down that she takes it back from `at` on, or has never wanted it. A second call changes
    nothing. Raises as give().
    """
    return _say(member, purpose, False, at=at, by=by, source=source, text_version=text_version)


def latest(member: Member, purpose: str) -> Consent | None:
    """What she said last about a purpose; None if she never did. One statement."""
    return _of(member, purpose).first()


def has_given(member: Member, purpose: str) -> bool:
    """Does she agree to it now? One statement."""
    found = latest(member, purpose)
    return found is not None and found.granted


def audience(purpose: str) -> QuerySet[Member]:
    """Who may be written to for this purpose, and can be: open cards with an address whose holder
    agrees now.
    """
    said = Consent.objects.filter(member=OuterRef("pk"), purpose=Consent.Purpose(purpose))
    last = Subquery(said.order_by("-at", "-id").values("granted")[:1])
    address = Identifier.objects.filter(member=OuterRef("pk"), kind=Identifier.Kind.EMAIL)
    members: QuerySet[Member] = Member.objects.filter(
        Exists(said.filter(granted=True)),
        Exists(address),
        status=Member.Status.ACTIVE,
        erase_at=None,
    )
    return members.annotate(agrees=last).filter(agrees=True).order_by("id")


def _say(
    member: Member,
    purpose: str,
    granted: bool,
    *,
    at: dt.datetime,
    by: Actor,
    source: str,
    text_version: str,
) -> Consent:
    _refuse_gone(member)
    said = latest(member, purpose)
    if said and said.granted == granted and (not granted or said.text_version == text_version):
        return said
    with transaction.atomic():
        new: Consent = Consent.objects.create(
            member=member,
            purpose=Consent.Purpose(purpose),
            granted=granted,
            at=at,
            source=source,
            text_version=text_version,
            who=by.who,
        )
        write(by, "consent.given" if granted else "consent.withdrawn", member.pk, at=at)
    return new


def _refuse_gone(member: Member) -> None:
    status = Member.everyone.values_list("status", flat=True).get(pk=member.pk)
    if status in GONE:
        raise MemberClosed


def _of(member: Member, purpose: str) -> QuerySet[Consent]:
    said = Consent.objects.filter(member=member.pk, purpose=Consent.Purpose(purpose))
    return said.order_by("-at", "-id")
