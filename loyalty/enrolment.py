"""Who collects: one readable identifier makes a member, and the same one finds her again."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from django.db import transaction

from loyalty import automatic, finding, ledger, numbers, operations, programs
from loyalty.calendar import local_date
from loyalty.models import Consent, Entry, Identifier, Member, Referral
from loyalty.policy import Policy
from loyalty.refusals import (
    BadDate,
    BadPhone,
    MemberClosed,
    NotAnIdentifier,
    NothingToKnowBy,
    UnknownMember,
)
from tenants.actors import Actor
from tenants.ids import uuid7
from tenants.secrets import fingerprint
from tenants.trace import write

Kind = Identifier.Kind
LONGEST_CARD = 80
LONGEST_NAME = 80
SAID = ("name", "birth_date", "language")  # what she may change herself
FIRST_BIRTH = dt.date(1900, 1, 1)
ENROLLED = "enrol"  # the reason of the bonus for becoming a member
Pairs = Sequence[tuple[str, str]]  # (kind, normalised value)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who is to be enrolled. `card` is a printed number she brings."""

    name: str = ""
    phone: str = ""
    email: str = ""
    card: str = ""
    birth_date: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A member, and whether she was one before."""

    member: Member
    existing: bool


def enrol(
    *,
    name: str = "",
    phone: str = "",
    email: str = "",
    card: str = "",
    birth_date: dt.date | None = None,
    referred_by: Member | None = None,
    marketing: str | None = None,
    at: dt.datetime,
    by: Actor,
    source: str = "till",
) -> Member:
    """As enrol_or_find(), where it is all the same whether she was a member before."""
    return enrol_or_find(
        name=name,
        phone=phone,
        email=email,
        card=card,
        birth_date=birth_date,
        referred_by=referred_by,
        marketing=marketing,
        at=at,
        by=by,
        source=source,
    ).member


def enrol_or_find(
    *,
    name: str = "",
    phone: str = "",
    email: str = "",
    card: str = "",
    birth_date: dt.date | None = None,
    referred_by: Member | None = None,
    marketing: str | None = None,
    at: dt.datetime,
    by: Actor,
    source: str = "till",
) -> Enrolled:
    """Make somebody a member, with an account in the live program and its bonus for joining.

    One of phone, email, card is enough. Whoever is known by one of them already is found, not made
    again and not changed, also when two enrol her at once; so a second call changes nothing.
    `referred_by` is who brought her, `marketing` names the words by which she agreed to be written
    to. Raises BadPhone, NotAnIdentifier, NothingToKnowBy, BadDate (a birthday that cannot be).
    """
    who = Newcomer(name, phone, email, card, birth_date)
    pairs = known_by(who, finding.country())
    refuse_birth(birth_date, at)

    def act() -> Enrolled:
        if known := next(iter(finding.by_identifiers(pairs).values()), None):
            return Enrolled(known, existing=True)
        member, rows = prepared(who, pairs, at=at, by=by, source=source)
        member.save(force_insert=True)
        Identifier.objects.bulk_create(rows)
        if marketing is not None:
            agree(member, marketing, at=at, by=by)
        if referred_by is not None:
            referrer = finding.kept(referred_by)
            Referral.objects.create(friend=member, referrer=referrer, at=at)
        welcome(member, at=at, by=by)
        write(by, "member.enrolled", member.pk, at=at, after={"source": source})
        return Enrolled(member, existing=False)

    return operations.again_if_raced(act)


def enrol_all(
    newcomers: Sequence[tuple[Newcomer, dt.datetime]], *, by: Actor, source: str
) -> list[Member]:
    """Enrol many at once, each at her own time, in one INSERT a table; the known ones are found.

    Gives the members in the same order. They were customers before, so none gets the bonus for
    joining. A newcomer known by nothing readable raises as in enrol().
    """
    country = finding.country()
    wanted = [known_by(newcomer, country) for newcomer, _ in newcomers]
    with transaction.atomic():
        known = finding.by_identifiers(pair for pairs in wanted for pair in pairs)
        members: list[Member] = []
        made: list[Member] = []
        rows: list[Identifier] = []
        for (newcomer, at), pairs in zip(newcomers, wanted, strict=True):
            member = next((known[pair] for pair in pairs if pair in known), None)
            if member is None:
                member, its = prepared(newcomer, pairs, at=at, by=by, source=source)
                made.append(member)
                rows += its
                known |= dict.fromkeys(pairs, member)
            members.append(member)
        insert(made, rows)
    return members


def find(*, phone: str = "", email: str = "", card: str = "") -> Member:
    """The member who is known by one of these, however it is spelt; `card` may also be the code on
    her own card.

    Raises UnknownMember, and BadPhone, NotAnIdentifier, NothingToKnowBy for what nobody can be
    known by.
    """
    pairs = known_by(Newcomer(phone=phone, email=email, card=card), finding.country())
    found = finding.by_identifiers(pairs)
    member = next((found[pair] for pair in pairs if pair in found), None)
    member = member or (finding.with_code(card) if card else None)
    if member is None or not member.is_active:
        raise UnknownMember
    return member


def new_link(member: Member) -> str:
    """A secret by which this browser shows the member's card from now on; kept as its hash."""
    secret = secrets.token_urlsafe(16)
    Identifier.objects.create(
        member=finding.kept(member), kind=Kind.LINK, value=fingerprint(secret)
    )
    return secret


def introduce(
    member: Member,
    *,
    name: str,
    birth_date: dt.date | None,
    language: str,
    at: dt.datetime,
    by: Actor,
) -> Member:
    """She says herself what she is called, when she was born and what she speaks.

    A birthday is said once; who wants it otherwise asks the shop, because it brings presents. A
    second call changes nothing. Raises BadDate, MemberClosed.
    """
    refuse_birth(birth_date, at)
    with transaction.atomic():
        locked: Member = Member.everyone.select_for_update(no_key=True).get(pk=member.pk)
        if not locked.is_active or locked.status == Member.Status.MERGED:
            raise MemberClosed
        before = (locked.name, locked.birth_date, locked.language)
        locked.name = " ".join(name.split())[:LONGEST_NAME]
        locked.name_key = numbers.fold(locked.name)[:LONGEST_NAME]
        locked.surname_key = locked.name_key.rpartition(" ")[2]
        locked.birth_date = locked.birth_date or birth_date
        locked.language = language
        if before == (locked.name, locked.birth_date, locked.language):
            return locked
        locked.version += 1
        fields = ["name", "name_key", "surname_key", "birth_date", "language", "version"]
        locked.save(update_fields=fields)
        told = [f for f, was in zip(SAID, before, strict=True) if was != getattr(locked, f)]
        write(by, "member.changed", locked.pk, at=at, after={"fields": told})
    return locked


def known_by(who: Newcomer, country: str) -> list[tuple[str, str]]:
    """(kind, normalised value) of everything she can be known by. Raises BadPhone,
    NotAnIdentifier, NothingToKnowBy.
    """
    pairs: list[tuple[str, str]] = []
    if who.phone.strip():
        phone = numbers.phone(who.phone, country)
        if phone is None:
            raise BadPhone
        pairs.append((Kind.PHONE, phone))
    if who.email.strip():
        email = numbers.email(who.email)
        if email is None:
            raise NotAnIdentifier
        pairs.append((Kind.EMAIL, email))
    if card := who.card.strip():
        if len(card) > LONGEST_CARD or not card.isprintable():
            raise NotAnIdentifier
        pairs.append((Kind.CARD, card))
    if not pairs:
        raise NothingToKnowBy
    return pairs


def refuse_birth(date: dt.date | None, at: dt.datetime) -> None:
    """Raises BadDate for a day on which no customer was born."""
    if date is not None and not FIRST_BIRTH <= date <= local_date(at, dt.UTC):
        raise BadDate


def prepared(
    who: Newcomer, pairs: Iterable[tuple[str, str]], *, at: dt.datetime, by: Actor, source: str
) -> tuple[Member, list[Identifier]]:
    """The unsaved rows of a new member who is known by `pairs`."""
    name = " ".join(who.name.split())[:80]
    key = numbers.fold(name)[:80]
    member = Member(
        id=uuid7(),
        name=name,
        name_key=key,
        surname_key=key.rpartition(" ")[2],
        birth_date=who.birth_date,
        enrolled_at=at,
        enrolled_by=by.who,
        source=source,
    )
    rows = [
        Identifier(
            member=member,
            kind=kind,
            value=value,
            reversed=numbers.digits(value)[::-1] if kind == Kind.PHONE else "",
        )
        for kind, value in pairs
    ]
    return member, rows


def insert(members: Sequence[Member], known_by: Iterable[Identifier]) -> None:
    """Write many that were `prepared`, with their accounts, in one INSERT a table; in a transaction
    of the caller's.

    What they are known by is written in one order, whatever that of the list: two lists of the same
    people then never wait for each other.
    """
    Member.objects.bulk_create(members, batch_size=1_000)
    in_order = sorted(known_by, key=attrgetter("kind", "value"))
    Identifier.objects.bulk_create(in_order, batch_size=1_000)
    ledger.open_accounts([member.pk for member in members])


def agree(
    member: Member,
    text_version: str,
    *,
    at: dt.datetime,
    by: Actor,
    source: str = "enrolment",
) -> None:
    """Write down that a new member agreed to be written to, by the words of this version."""
    Consent.objects.create(
        member=member,
        purpose=Consent.Purpose.MARKETING,
        granted=True,
        at=at,
        source=source,
        text_version=text_version,
        who=by.who,
    )


def welcome(member: Member, *, at: dt.datetime, by: Actor) -> None:
    """Her account, and the bonus for joining where the program pays one."""
    program = programs.live()
    bonus = Policy.read(program.policy).enrol_bonus if program else 0
    if not bonus:
        ledger.open_accounts([member.pk])
        return
    with ledger.opened([member.pk], at=at) as book:
        account = book.accounts[member.pk]
        kind = Entry.Kind.BONUS
        book.credit(account, bonus, kind=kind, at=at, operation=None, reason=ENROLLED)
        automatic.issue(account, book, at=at, operation=None, by=by)
