"""Find members again, by whatever they can say or show. Nothing here writes.

Where two cards were joined, whatever named the one that is gone finds the one that was kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, Q, QuerySet

from loyalty import cards, numbers
from loyalty.models import Account, Identifier, Member, Program
from tenants.context import tenant_id
from tenants.models import Tenant
from tenants.secrets import fingerprint

Kind = Identifier.Kind
SHOWN_AT_TILL = 7  # more hits than fit beside the keypad: type one more digit
FEWEST_DIGITS = 3
FEWEST_LETTERS = 2
A_WHOLE_NUMBER = 6  # digits: shorter ones are asked for by their end alone
PHONES_LOOKED_AT = 500  # that have some digits anywhere in them: who has more types another digit


@dataclass(frozen=True, slots=True)
class Hit:
    """A member as the till may show her: never the whole phone, because the screen faces
    customers. `scanned`: found by the code of her card, or of one that was joined with it.
    """

    member: Member
    last_digits: str
    balance: int
    last_activity: dt.datetime | None
    tier: str = ""
    scanned: bool = False


def find_for_till(text: str) -> list[Hit]:
    """Members by the last digits of their phone or all of it, the beginning of a name, card code or
    card number; SHOWN_AT_TILL at most.
    """
    digits = numbers.dialled(text)
    wanted = Q(kind=Kind.CARD, value=text.strip()[:200])
    if len(digits) >= FEWEST_DIGITS:
        wanted |= _ends_with(digits)
    if len(digits) >= A_WHOLE_NUMBER and (phone := numbers.phone(text, country())):
        wanted |= Q(kind=Kind.PHONE, value=phone)
    rows = Identifier.objects.filter(wanted, member__is_active=True).select_related("member")
    found = {row.member_id: row.member for row in rows.order_by("value")[: SHOWN_AT_TILL + 1]}
    if scanned := with_code(text):
        found[scanned.pk] = scanned
    key = numbers.fold(text)
    if not digits and len(key) >= FEWEST_LETTERS:
        named = Q(name_key__begins=key) | Q(surname_key__begins=key)
        people = Member.objects.filter(named, status=Member.Status.ACTIVE, erase_at=None)
        first = people.order_by("name_key")[: SHOWN_AT_TILL + 1]
        found |= {member.pk: member for member in first}
    open_ones = [member for member in found.values() if member.is_open]
    return _as_hits(open_ones[:SHOWN_AT_TILL], scanned)


def refuse_hidden(text: str) -> None:
    """Raises why the till does not show whose card code, card number or whole phone this is; last
    digits tell nothing. One statement, one more each for a code and a whole number.
    """
    known = Q(kind=Kind.CARD, value=text.strip()[:200])
    is_whole = len(numbers.dialled(text)) >= A_WHOLE_NUMBER
    if is_whole and (phone := numbers.phone(text, country())):
        known |= Q(kind=Kind.PHONE, value=phone)
    rows = Identifier.objects.filter(known, member__is_active=True).select_related("member")
    row = rows.first()
    if member := row.member if row else with_code(text):
        cards.refuse_closed(member)


def search(text: str) -> QuerySet[Member]:
    """Members by the beginning of a name, any part of a phone, an address or a card. One statement
    more where digits are sought.
    """
    text = text.strip()[:200]
    everybody: QuerySet[Member] = Member.objects.exclude(status=Member.Status.MERGED)
    if not text:
        return everybody
    known_by = Q(kind=Kind.CARD, value=text)
    if len(digits := numbers.dialled(text)) >= FEWEST_DIGITS:
        known_by |= _ends_with(digits) | Q(reversed__in=_phones_with(digits))
    if address := numbers.email(text):
        known_by |= Q(kind=Kind.EMAIL, value=address)
    if number := numbers.phone(text, country()):
        known_by |= Q(kind=Kind.PHONE, value=number)
    wanted = Q(pk__in=Identifier.objects.filter(known_by).values("member"))
    if key := numbers.fold(text):
        wanted |= Q(name_key__begins=key) | Q(surname_key__begins=key)
    if scanned := with_code(text):
        wanted |= Q(pk=scanned.pk)
    return everybody.filter(wanted)


def with_code(text: str) -> Member | None:
    """The member whose card code was scanned or read aloud. One statement."""
    code = numbers.read_code(text)
    found = Member.objects.filter(code=code).select_related("merged_into") if code else ()
    return next((kept(member) for member in found), None)


def kept(member: Member) -> Member:
    """The card that points are on now: her own, or the one that hers was joined with."""
    return member.merged_into or member


def all_cards(members: Iterable[UUID]) -> dict[UUID, UUID]:
    """The cards of these members, and those that were joined with them: {card: member}. What was
    given to any of them was given to her. One statement.
    """
    members = list(members)
    joined = Member.everyone.filter(merged_into__in=members).values_list("pk", "merged_into")
    return {member: member for member in members} | dict(joined)


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


def last_account(member: Member) -> Account | None:
    """The account that she used last, of whatever program, with that; for what is paused. One
    statement.
    """
    found = Account.objects.filter(member=member.pk).select_related("program")
    account: Account | None = found.order_by(F("last_activity").desc(nulls_last=True), "id").first()
    return account


def member_by_link(secret: str) -> Member | None:
    """The member whose card such a secret opens. One statement."""
    found = Identifier.objects.filter(kind=Kind.LINK, value=fingerprint(secret))
    row: Identifier | None = found.select_related("member").first()
    return row.member if row and row.member.is_active else None


def by_identifiers(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Member]:
    """Who is known by these (kind, normalised value). One statement a kind."""
    by_kind: dict[str, list[str]] = {}
    for kind, value in pairs:
        by_kind.setdefault(kind, []).append(value)
    found: dict[tuple[str, str], Member] = {}
    for kind, values in by_kind.items():
        rows = Identifier.objects.filter(kind=kind, value__in=values).select_related("member")
        found |= {(kind, row.value): row.member for row in rows}
    return found


def phone_of(member: Member) -> str:
    """Her phone in E.164, or ""."""
    return phones_of([member]).get(member.pk, "")


def phones_of(members: Sequence[Member]) -> dict[UUID, str]:
    """The phones of those who gave one, by the member's id; of several her latest. One
    statement.
    """
    found = Identifier.objects.filter(member__in=[m.pk for m in members], kind=Kind.PHONE)
    return dict(found.order_by("id").values_list("member", "value"))


def country() -> str:
    """Where the shop is (ISO 3166-1): a phone without its country is dialled from there."""
    return Tenant.objects.values_list("country_id", flat=True).get(pk=tenant_id())


def _phones_with(digits: str) -> list[str]:
    """The phones that have these digits anywhere in them, last digit first; PHONES_LOOKED_AT at
    most. The nought before a number at home is none of its digits.

    No index knows the middle of a number, so every phone of the shop is looked at: 15 ms for
    100,000 of them. Only what the index by last digits holds is asked for, so that it alone can be
    read, and no row.
    """
    wanted = Q(reversed__contains=digits[::-1])
    at_home = digits.lstrip("0")
    if len(at_home) >= FEWEST_DIGITS:
        wanted |= Q(reversed__contains=at_home[::-1])
    rows = Identifier.everyone.filter(wanted).exclude(reversed="")
    return list(rows.values_list("reversed", flat=True)[:PHONES_LOOKED_AT])


def _ends_with(digits: str) -> Q:
    """Phones that end with these digits. Says `reversed <> ''` too, or the partial index is not
    used.
    """
    return Q(reversed__begins=digits[::-1]) & ~Q(reversed="")


def _as_hits(members: Sequence[Member], scanned: Member | None) -> list[Hit]:
    last = {member: phone[-4:] for member, phone in phones_of(members).items()}
    accounts = Account.objects.filter(member__in=members, program__status=Program.Status.LIVE)
    found = {account.member_id: account for account in accounts.select_related("tier")}
    return [
        _as_hit(member, last.get(member.pk, ""), found.get(member.pk), member == scanned)
        for member in members
    ]


def _as_hit(member: Member, last_digits: str, account: Account | None, scanned: bool) -> Hit:
    if account is None:
        return Hit(member, last_digits, 0, None, scanned=scanned)
    tier = account.tier.name if account.tier else ""
    return Hit(member, last_digits, account.balance, account.last_activity, tier, scanned)
