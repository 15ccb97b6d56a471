"""What a member is known by, and how she likes to be called: changed by hand, by one person at a
time. Points hang on her and not on any of it, so none of this touches the ledger.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from loyalty import finding, numbers, operations
from loyalty.enrolment import refuse_birth
from loyalty.models import Identifier, Member
from loyalty.refusals import (
    AlreadyMember,
    BadEmail,
    BadPhone,
    MemberClosed,
    NothingToKnowBy,
    StaleProfile,
)
from tenants.actors import Actor
from tenants.models import AuditEntry
from tenants.trace import write

Kind = Identifier.Kind
CHANGED = "member.changed"
LONGEST_NAME = 80
GONE = (Member.Status.MERGED, Member.Status.ERASED)
ROOM = 40  # signs of a language's code and more


@dataclass(frozen=True, slots=True)
class Profile:
    """What the shop may change about a member. "" and None: she has none."""

    name: str = ""
    phone: str = ""
    email: str = ""
    birth_date: dt.date | None = None
    language: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """That somebody changed a member: who (an Actor's `who`), when, and which fields."""

    who: str
    at: dt.datetime
    fields: Sequence[str]


def profile_of(member: Member) -> Profile:
    """As it is now. One statement."""
    rows = Identifier.objects.filter(member=member.pk, kind__in=(Kind.PHONE, Kind.EMAIL))
    known = dict(rows.order_by("id").values_list("kind", "value"))  # the latest of each
    return Profile(
        name=member.name,
        phone=known.get(Kind.PHONE, ""),
        email=known.get(Kind.EMAIL, ""),
        birth_date=member.birth_date,
        language=member.language,
    )


def change(
    member: Member, wanted: Profile, *, version: int, at: dt.datetime, by: Actor
) -> list[str]:
    """Make a member's profile what is `wanted`; which fields that changed.

    `version` is Member.version as it was when the profile was read: if it has another one, somebody
    was faster, and nothing is changed. A new phone or address retires the one before it, which can
    then be anybody's; what she is known by besides (cards, links, phones of joined cards) stays.

    A second call changes nothing. Raises StaleProfile, MemberClosed, BadPhone, BadEmail, BadDate,
    AlreadyMember (with `field`: somebody else is known by that), NothingToKnowBy.
    """
    name = " ".join(wanted.name.split())[:LONGEST_NAME]
    phone, email = _phone(wanted.phone), _email(wanted.email)
    refuse_birth(wanted.birth_date, at)
    profile = Profile(name, phone, email, wanted.birth_date, wanted.language[:ROOM])

    def act() -> list[str]:
        locked: Member = Member.everyone.select_for_update(no_key=True).get(pk=member.pk)
        if locked.status in GONE or not locked.is_active:
            raise MemberClosed
        now = profile_of(locked)
        changed = [field for field in _FIELDS if getattr(now, field) != getattr(profile, field)]
        if not changed:
            return []
        if locked.version != version:
            raise StaleProfile
        for field, kind in (("phone", Kind.PHONE), ("email", Kind.EMAIL)):
            if field in changed:
                _replace(locked, kind, field, getattr(profile, field), at=at, by=by)
        _refuse_unknown(locked)
        _keep(locked, profile)
        write(by, CHANGED, locked.pk, at=at, after={"fields": changed})
        return changed

    return operations.again_if_raced(act)


def last_change(member: Member) -> Change | None:
    """Who changed her last; None if nobody did. One statement."""
    rows = AuditEntry.objects.filter(act=CHANGED, subject=member.pk)
    row = rows.order_by("-at", "-id").first()
    return Change(row.who, row.at, row.after.get("fields", [])) if row else None


# Inside

_FIELDS = ("name", "phone", "email", "birth_date", "language")


def _phone(text: str) -> str:
    if not text.strip():
        return ""
    phone = numbers.phone(text, finding.country())
    if phone is None:
        raise BadPhone
    return phone


def _email(text: str) -> str:
    if not text.strip():
        return ""
    email = numbers.email(text)
    if email is None:
        raise BadEmail
    return email


def _replace(
    member: Member, kind: str, field: str, value: str, *, at: dt.datetime, by: Actor
) -> None:
    """Retire the one she was known by last, and write the new one."""
    known = Identifier.objects.filter(kind=kind, value=value).first() if value else None
    if known and known.member_id != member.pk:
        raise AlreadyMember(field=field)
    last = Identifier.objects.filter(member=member.pk, kind=kind).order_by("-id").first()
    if last:
        last.retire(at=at, by=by.who)
    if not value:
        return
    if known:  # an older one of her own: it becomes the latest
        known.retire(at=at, by=by.who)
    turned = numbers.digits(value)[::-1] if kind == Kind.PHONE else ""
    Identifier.objects.create(member=member, kind=kind, value=value, reversed=turned)


def _refuse_unknown(member: Member) -> None:
    """She has to be found again by something that she can say or show."""
    can_be_said = Identifier.objects.filter(member=member.pk).exclude(kind=Kind.LINK)
    if member.unbound_until is None and not can_be_said.exists():
        raise NothingToKnowBy


def _keep(member: Member, profile: Profile) -> None:
    member.name, member.name_key = profile.name, numbers.fold(profile.name)[:LONGEST_NAME]
    member.surname_key = member.name_key.rpartition(" ")[2]
    member.birth_date, member.language = profile.birth_date, profile.language
    if profile.phone or profile.email:
        member.unbound_until = None
    member.version += 1
    fields = ["name", "name_key", "surname_key", "birth_date", "language", "unbound_until"]
    member.save(update_fields=[*fields, "version"])
