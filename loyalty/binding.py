"""A phone or address belongs to whoever can read what is sent there. The first proof ends what
others could see of the card before, and what they could come back to it by: they had only typed it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from loyalty import finding, leaving, ledger, merging, numbers
from loyalty.enrolment import ENROLLED
from loyalty.models import Claim, Entry, Identifier, Member
from loyalty.refusals import MemberClosed
from tenants.actors import Actor
from tenants.secrets import fingerprint
from tenants.trace import write

Kind = Identifier.Kind


@dataclass(frozen=True, slots=True)
class Bound:
    """The card that is hers now, and whether one in her hand was joined with it."""

    member: Member
    joined: bool


def prove(
    kind: str,
    value: str,
    *,
    card: Member | None,
    link: str = "",
    at: dt.datetime,
    by: Actor,
    key: str,
) -> Bound:
    """Whoever acts has read a code that was sent to `value` (a phone in E.164 or an address): it is
    hers, and so is the card that is known by it.

    `card` is the one in her hand, whose `link` secret her browser keeps; None where she has none.
    It is joined with the card that was known before, and the older one is kept. A bonus for joining
    that the younger one got goes back first: she had joined already. Where the number was not
    proved before, every other browser's link ends, because it came to the card without proof; and
    so do all links of the younger card but hers. Where it had only been typed, on another card than
    the one in her hand, what was proved or typed there besides ends too, and so does that card's
    code.

    A card that waits to be erased is kept when it is joined so; the one in her hand is not joined
    while it waits.

    A second call with the key tells the same. Raises MemberClosed where nobody is known by it and
    there is no card, and what merging.merge() raises.
    """
    with transaction.atomic():
        row = _known(kind, value)
        if row is None:
            row = _bind(kind, value, card)
        is_first = row.verified_at is None
        owner, joined = row.member, False
        if is_first and (card is None or card.pk != owner.pk):
            _end_other_hand(row, at=at, by=by)
        if card is not None and card.pk != owner.pk and card.status != Member.Status.MERGED:
            owner, joined = _join(card, owner, link, at=at, by=by, key=key), True
        if is_first:
            _end_links(owner, but=link)
            Identifier.objects.filter(pk=row.pk).update(verified_at=at)
        cards = [owner.pk, *([card.pk] if card else [])]
        Member.everyone.filter(pk__in=cards).update(unbound_until=None)
        Claim.objects.filter(kind=kind, value=value, member__in=cards).delete()
        write(by, "member.proved", owner.pk, at=at, after={"kind": kind, "joined": joined})
    return Bound(Member.objects.get(pk=owner.pk), joined)


def holder(kind: str, value: str) -> Member | None:
    """Whose card is known by this phone or address. One statement."""
    row = _known(kind, value)
    return row.member if row else None


def _known(kind: str, value: str) -> Identifier | None:
    found = Identifier.objects.filter(kind=kind, value=value, member__is_active=True)
    row: Identifier | None = found.select_related("member").first()
    return row


def _bind(kind: str, value: str, card: Member | None) -> Identifier:
    """It was free: nobody had it, or who had it is gone since."""
    if card is None:
        raise MemberClosed
    row: Identifier = Identifier.objects.create(
        member=finding.kept(card),
        kind=kind,
        value=value,
        reversed=numbers.digits(value)[::-1] if kind == Kind.PHONE else "",
    )
    return row


def _join(
    card: Member, known: Member, link: str, *, at: dt.datetime, by: Actor, key: str
) -> Member:
    """Join both, and give back the one that is kept. Who proves a card that she wanted to leave
    with, from another in her hand, has come back.
    """
    if known.erase_at:
        leaving.stay(known, at=at, by=by)
    old, young = sorted((card, known), key=lambda each: (each.enrolled_at, each.pk))
    _end_links(card, but=link)
    _return_welcome(young, at=at)
    merging.merge(young, into=old, at=at, by=by, key=key)
    return old


def _return_welcome(member: Member, *, at: dt.datetime) -> None:
    """What is left of her bonus for joining."""
    given = Entry.objects.filter(
        account__member=member.pk, kind=Entry.Kind.BONUS, reason=ENROLLED
    ).values_list("pk", flat=True)
    if not (entries := set(given)):
        return
    with ledger.opened({member.pk}, at=at) as book:
        account = book.accounts.get(member.pk)
        if account is None:
            return
        lots = [lot for lot in book.shelf(account) if lot.entry_id in entries]
        if left := sum(lot.remaining for lot in lots):
            kind = Entry.Kind.FORFEIT
            book.debit(
                account, left, kind=kind, at=at, operation=None, reason=ENROLLED, source=lots
            )


def _end_other_hand(proved: Identifier, *, at: dt.datetime, by: Actor) -> None:
    """Whoever only typed this number and holds its card comes back to that by nothing else. What
    the shop wrote down without a proof stays.
    """
    cards = finding.all_cards([proved.member_id])
    claims = Claim.objects.filter(member__in=cards)
    typed = set(claims.values_list("kind", "value"))
    if (proved.kind, proved.value) not in typed:
        return
    claims.delete()  # first: a proof that is under way has its row, and is seen below
    theirs = Q(verified_at__isnull=False) | Q(value__in=[value for _, value in typed])
    known = Identifier.objects.filter(theirs, member=proved.member_id)
    known.filter(kind__in=(Kind.PHONE, Kind.EMAIL)).exclude(pk=proved.pk).update(
        is_active=False, deleted_at=at, deleted_by=by.who
    )
    for card in cards:
        Member.everyone.filter(pk=card).update(code=numbers.new_code())


def _end_links(member: Member, *, but: str) -> None:
    """No other browser shows this card any more."""
    links = Identifier.objects.filter(member=member.pk, kind=Kind.LINK)
    links.exclude(value=fingerprint(but)).update(is_active=False)
