"""Who collects: enrol, and find again by whatever a person can say or show."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from loyalty import ledger, numbers, operations
from loyalty.models import Account, Identifier, Member, Program
from loyalty.refusals import NotAnIdentifier, NothingToKnowBy
from tenants.actors import Actor
from tenants.context import tenant_id
from tenants.ids import uuid7
from tenants.models import Tenant
from tenants.secrets import fingerprint
from tenants.trace import write

Kind = Identifier.Kind
SHOWN_AT_TILL = 7  # more hits than fit beside the keypad: type one more digit
FEWEST_DIGITS = 3
LONGEST_CARD = 80


@dataclass(frozen=True, slots=True)
class Hit:
    """A member as the till may show her: never the whole phone, because the screen faces
    customers.
    """

    member: Member
    last_digits: str
    balance: int
    last_activity: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who is to be enrolled. `card` is a printed number she brings."""

    name: str = ""
    phone: str = ""
    email: str = ""
    card: str = ""


def enrol(
    *,
    name: str = "",
    phone: str = "",
    email: str = "",
    card: str = "",
    at: dt.datetime,
    by: Actor,
    source: str = "till",
) -> Member:
    """Make somebody a member, with an account in the live program.

    One of phone, email, card is enough. Whoever is known by one of them already is found, not made
    again, also when two enrol her at once. Raises NotAnIdentifier, NothingToKnowBy.
    """
    identifiers = _identifiers(Newcomer(name, phone, email, card), _country())

    def act() -> Member:
        if known := _known_by(identifiers):
            return known
        with transaction.atomic():
            member, rows = _prepare(name, identifiers, at=at, by=by, source=source)
            member.save(force_insert=True)
            Identifier.objects.bulk_create(rows)
            ledger.open_accounts([member.pk])
            write(by, "member.enrolled", member.pk, at=at, after={"source": source})
            return member

    return operations.again_if_raced(act)


def enrol_all(
    newcomers: Sequence[tuple[Newcomer, dt.datetime]], *, by: Actor, source: str
) -> list[Member]:
    """Enrol many at once, each at her own time, in one INSERT a table; the known ones are found.

    Gives the members in the same order. A newcomer known by nothing readable raises as in enrol().
    """
    country = _country()
    wanted = [_identifiers(newcomer, country) for newcomer, _ in newcomers]
    with transaction.atomic():
        known = _all_known(pair for pairs in wanted for pair in pairs)
        members: list[Member] = []
        made: list[Member] = []
        rows: list[Identifier] = []
        for (newcomer, at), pairs in zip(newcomers, wanted, strict=True):
            member = next((known[pair] for pair in pairs if pair in known), None)
            if member is None:
                member, its = _prepare(newcomer.name, pairs, at=at, by=by, source=source)
                made.append(member)
                rows += its
                known |= dict.fromkeys(pairs, member)
            members.append(member)
        Member.objects.bulk_create(made, batch_size=1_000)
        Identifier.objects.bulk_create(rows, batch_size=1_000)
        ledger.open_accounts([member.pk for member in made])
    return members


def find_for_till(text: str) -> list[Hit]:
    """Members by the last digits of their phone, by card code or by card number; SHOWN_AT_TILL at
    most.
    """
    digits = numbers.digits(text)
    wanted = Q(kind=Kind.CARD, value=text.strip()[:200])
    if len(digits) >= FEWEST_DIGITS:
        wanted |= _ends_with(digits)
    rows = Identifier.objects.filter(wanted, member__is_active=True).select_related("member")
    found = {row.member_id: row.member for row in rows.order_by("value")[: SHOWN_AT_TILL + 1]}
    if scanned := with_code(text):
        found[scanned.pk] = scanned
    open_ones = [member for member in found.values() if member.status == Member.Status.ACTIVE]
    return _as_hits(open_ones[:SHOWN_AT_TILL])


def search(text: str) -> QuerySet[Member]:
    """Members by the beginning of a name, the last digits of a phone, an address or a card."""
    text = text.strip()[:200]
    everybody: QuerySet[Member] = Member.objects.exclude(status=Member.Status.MERGED)
    if not text:
        return everybody
    known_by = Q(kind=Kind.CARD, value=text)
    if len(digits := numbers.digits(text)) >= FEWEST_DIGITS:
        known_by |= _ends_with(digits)
    if address := numbers.email(text):
        known_by |= Q(kind=Kind.EMAIL, value=address)
    if number := numbers.phone(text, _country()):
        known_by |= Q(kind=Kind.PHONE, value=number)
    wanted = Q(pk__in=Identifier.objects.filter(known_by).values("member"))
    if key := numbers.fold(text):
        wanted |= Q(name_key__begins=key) | Q(surname_key__begins=key)
    if code := numbers.read_code(text):
        wanted |= Q(code=code)
    return everybody.filter(wanted)


def with_code(text: str) -> Member | None:
    """The member whose card code was scanned or read aloud."""
    code = numbers.read_code(text)
    found: Member | None = Member.objects.filter(code=code).first() if code else None
    return found


def new_link(member: Member) -> str:
    """A secret by which this browser shows the member's card from now on; kept as its hash."""
    secret = secrets.token_urlsafe(16)
    Identifier.objects.create(member=member, kind=Kind.LINK, value=fingerprint(secret))
    return secret


def account_by_link(secret: str) -> Account | None:
    """The account in the live program whose card such a secret opens, with member and program.

    One statement. None also where no program is live: member_by_link() still finds the member then.
    """
    found = Account.objects.filter(
        member__identifiers__kind=Kind.LINK,
        member__identifiers__value=fingerprint(secret),
        member__identifiers__is_active=True,
        member__is_active=True,
        program__status=Program.Status.LIVE,
    )
    return found.select_related("member", "program").first()


def member_by_link(secret: str) -> Member | None:
    """The member whose card such a secret opens. One statement."""
    found = Identifier.objects.filter(kind=Kind.LINK, value=fingerprint(secret))
    row: Identifier | None = found.select_related("member").first()
    return row.member if row and row.member.is_active else None


def phone_of(member: Member) -> str:
    """Her phone in E.164, or ""."""
    return phones_of([member]).get(member.pk, "")


def phones_of(members: Sequence[Member]) -> dict[UUID, str]:
    """The phones of those who gave one, by the member's id. One statement."""
    found = Identifier.objects.filter(member__in=[m.pk for m in members], kind=Kind.PHONE)
    return dict(found.order_by("-id").values_list("member", "value"))


def _country() -> str:
    return Tenant.objects.values_list("country_id", flat=True).get(pk=tenant_id())


def _identifiers(who: Newcomer, country: str) -> list[tuple[str, str]]:
    """(kind, normalised value) of everything she can be known by."""
    pairs: list[tuple[str, str | None]] = []
    if who.phone.strip():
        pairs.append((Kind.PHONE, numbers.phone(who.phone, country)))
    if who.email.strip():
        pairs.append((Kind.EMAIL, numbers.email(who.email)))
    if card := who.card.strip():
        pairs.append(
            (Kind.CARD, card if len(card) <= LONGEST_CARD and card.isprintable() else None)
        )
    read = [(str(kind), value) for kind, value in pairs if value]
    if len(read) < len(pairs):
        raise NotAnIdentifier
    if not read:
        raise NothingToKnowBy
    return read


def _prepare(
    name: str, pairs: Iterable[tuple[str, str]], *, at: dt.datetime, by: Actor, source: str
) -> tuple[Member, list[Identifier]]:
    name = " ".join(name.split())[:80]
    key = numbers.fold(name)[:80]
    member = Member(
        id=uuid7(),
        name=name,
        name_key=key,
        surname_key=key.rpartition(" ")[2],
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


def _known_by(pairs: Sequence[tuple[str, str]]) -> Member | None:
    return next(iter(_all_known(pairs).values()), None)


def _all_known(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Member]:
    by_kind: dict[str, list[str]] = {}
    for kind, value in pairs:
        by_kind.setdefault(kind, []).append(value)
    found: dict[tuple[str, str], Member] = {}
    for kind, values in by_kind.items():
        rows = Identifier.objects.filter(kind=kind, value__in=values).select_related("member")
        found |= {(kind, row.value): row.member for row in rows}
    return found


def _ends_with(digits: str) -> Q:
    """Phones that end with these digits. Says `reversed <> ''` too, or the partial index is not
    used.
    """
    return Q(reversed__begins=digits[::-1]) & ~Q(reversed="")


def _as_hits(members: Sequence[Member]) -> list[Hit]:
    last = {member: phone[-4:] for member, phone in phones_of(members).items()}
    accounts = Account.objects.filter(member__in=members, program__status=Program.Status.LIVE)
    found = {account.member_id: account for account in accounts}
    return [_as_hit(member, last.get(member.pk, ""), found.get(member.pk)) for member in members]


def _as_hit(member: Member, last_digits: str, account: Account | None) -> Hit:
    if account is None:
        return Hit(member, last_digits, 0, None)
    return Hit(member, last_digits, account.balance, account.last_activity)
