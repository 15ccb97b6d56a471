"""Cards that people make for themselves, and the phones and addresses they say are theirs.

Whether a number was known before shows nowhere: a card is made at once, by the same statements and
with the same answer, and only a code that was sent to the number says whose it is.
"""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Exists, OuterRef, When

from loyalty import binding, enrolment, finding, members, numbers, operations
from loyalty.binding import Bound
from loyalty.calendar import ends, local_date
from loyalty.enrolment import Newcomer
from loyalty.models import Claim, Identifier, Member, Operation, Purchase
from loyalty.refusals import CodeGone, CodeTooSoon, CodeWrong, NothingToProve
from tenants.actors import Actor
from tenants.context import tenant_id
from tenants.models import Tenant
from tenants.trace import write

UNBOUND_FOR = dt.timedelta(days=30)
CODE_FOR = dt.timedelta(minutes=10)
PAUSE = dt.timedelta(seconds=30)  # between two codes
TRIES = 3  # of one code
DIGITS = 6
BATCH = 200
NIGHTLY = Actor.command("claims")
Kind = Identifier.Kind


@dataclass(frozen=True, slots=True)
class Joined:
    """A new card, and the secret by which this browser shows it from now on."""

    member: Member
    link: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A code to be sent, and where to."""

    kind: str
    value: str
    code: str


def join(
    *,
    phone: str = "",
    email: str = "",
    name: str = "",
    language: str = "",
    marketing: str | None = None,
    at: dt.datetime,
    key: str,
    source: str = "poster",
) -> Joined:
    """Make a card for whoever says that this phone, or this address, is hers.

    The till finds the card by it, unless another card is known by it already; she claims it either
    way, until a code proves it. A card that is neither proved nor used ends after UNBOUND_FOR.
    `marketing` names the words by which she agreed to be written to. A second call with the key
    gives the same card, and one more link. Raises BadPhone, NotAnIdentifier, NothingToKnowBy.
    """
    tenant = Tenant.objects.get(pk=tenant_id())
    pairs = enrolment.known_by(Newcomer(phone=phone, email=email), tenant.country_id)[:1]
    (kind, value), card = pairs[0], Actor("card", "member:new")
    print_ = operations.fingerprint("join", kind, value)

    def act() -> Joined:
        who = Newcomer(name=name)
        member, rows = enrolment.prepared(who, pairs, at=at, by=card, source=source)
        by = Actor.member(member.pk)
        today = local_date(at, ZoneInfo(tenant.zone))
        member.enrolled_by, member.language = by.who, language
        member.unbound_until = ends(today + UNBOUND_FOR, ZoneInfo(tenant.zone))
        member.save(force_insert=True)
        # One statement that writes or does not: nobody sees which, and of two who type the same
        # number at once one has it.
        Identifier.objects.bulk_create(rows, ignore_conflicts=True)
        Claim.objects.create(member=member, kind=kind, value=value, at=at)
        if marketing is not None:
            enrolment.agree(member, marketing, at=at, by=by, source=source)
        enrolment.welcome(member, at=at, by=by)
        write(by, "member.joined", member.pk, at=at, after={"source": source})
        done = {"member": str(member.pk)}
        operations.unsaved("join", card, key=key, print_=print_, at=at, result=done).save()
        return Joined(member, enrolment.new_link(member))

    def replay(earlier: Operation) -> Joined:
        found = Member.everyone.select_related("merged_into").get(pk=earlier.result["member"])
        return Joined(finding.kept(found), enrolment.new_link(found), replayed=True)

    return operations.once("join", card, key=key, print_=print_, at=at, act=act, replay=replay)


def open_claim(card: Member, kind: str = "") -> Claim | None:
    """What she says is hers and has not proved yet: of this kind if there is one, else the latest.
    One statement.
    """
    wanted = Case(When(kind=kind, then=0), default=1)
    found: Claim | None = Claim.objects.filter(member=card.pk).order_by(wanted, "-at").first()
    return found


def claim(card: Member, *, phone: str = "", email: str = "", at: dt.datetime) -> Claim:
    """She says that this phone, or this address, is hers too. It is bound by nothing but a code.

    An earlier claim of the same kind is forgotten, with its code and what the till knew her by for
    it: she had mistyped it. A second call changes nothing: the code that was sent stays good.
    Raises as join().
    """
    pairs = enrolment.known_by(Newcomer(phone=phone, email=email), finding.country())
    kind, value = pairs[0]
    with transaction.atomic():
        earlier = Claim.objects.filter(member=card.pk, kind=kind)
        mistyped = Identifier.objects.filter(member=card.pk, kind=kind, verified_at=None)
        mistyped.filter(value__in=earlier.values("value")).exclude(value=value).update(
            is_active=False, deleted_at=at, deleted_by=Actor.member(card.pk).who
        )
        made: Claim
        made, _ = Claim.objects.select_for_update().get_or_create(
            member=card, kind=kind, defaults={"value": value, "at": at}
        )
        if made.value != value:  # a code is for one number
            made.value, made.code_hash = value, ""
            made.code_until = made.code_sent_at = None
        made.at = at
        made.save(update_fields=["value", "at", "code_hash", "code_until", "code_sent_at"])
    return made


def new_code(card: Member, *, kind: str = "", at: dt.datetime) -> Sent:
    """A new code for what she claims of this kind, or last; an earlier one opens nothing any more.
    It has to be sent in the same transaction. Raises NothingToProve, CodeTooSoon within PAUSE of
    the last one.
    """
    with transaction.atomic():
        row = _locked(card, kind)
        if row is None:
            raise NothingToProve
        if row.code_sent_at and at < row.code_sent_at + PAUSE:
            left = row.code_sent_at + PAUSE - at
            raise CodeTooSoon(seconds=max(1, round(left.total_seconds())))
        code = random_code()
        row.code_hash, row.code_wrong = _hash(row, code), 0
        row.code_sent_at, row.code_until = at, at + CODE_FOR
        row.save(update_fields=["code_hash", "code_wrong", "code_sent_at", "code_until"])
    return Sent(row.kind, row.value, code)


def confirm(
    card: Member, typed: str, *, kind: str = "", link: str, at: dt.datetime, key: str
) -> Bound:
    """Bind what she claims, of this kind or last, to the card in her hand, or join that with the
    one she had, because `typed` is the code that was sent there. Digits of any script count; `link`
    is her browser's.

    Raises NothingToProve, CodeWrong (which has `left` tries), CodeGone (too old, or wrong too
    often: ask for a new one), and what binding.prove() raises.
    """
    with transaction.atomic():
        row = _locked(card, kind)
        if row is None:
            raise NothingToProve
        refusal = _look(row, numbers.digits(typed), at)
        if refusal is None:
            by = Actor.member(card.pk)
            return binding.prove(row.kind, row.value, card=card, link=link, at=at, by=by, key=key)
    raise refusal


def random_code() -> str:
    """Six digits, guarded by few tries and a short life."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def end_unbound(at: dt.datetime) -> int:
    """End the cards whose holders have neither proved a number nor, where the till knows them by
    it, used them; returns how many. Their points are forfeited, their numbers are free again.

    Each in a transaction of its own; a second call finds nothing to do.
    """
    due = Member.objects.filter(unbound_until__lte=at).exclude(status=Member.Status.MERGED)
    used = Purchase.objects.filter(account__member=OuterRef("pk"))
    ended = 0
    rows = list(due.annotate(is_used=Exists(used)).order_by("unbound_until", "id")[:BATCH])
    while rows:
        for row in rows:
            ended += operations.again_if_raced(partial(_end, row, at))
        rows = list(due.annotate(is_used=Exists(used)).order_by("unbound_until", "id")[:BATCH])
    return ended


def _end(member: Member, at: dt.datetime) -> bool:
    known = Identifier.objects.filter(member=member.pk).exclude(kind=Kind.LINK)
    typed = Claim.objects.filter(member=member.pk).values_list("value", flat=True)
    is_used: bool = member.is_used  # type: ignore[attr-defined]
    if known.exclude(value__in=typed).exists() or (is_used and known.exists()):
        Member.objects.filter(pk=member.pk).update(unbound_until=None)
        return False
    members.erase(member, at=at, by=NIGHTLY, key=f"unbound:{member.pk}")
    Member.everyone.filter(pk=member.pk).update(unbound_until=None)
    return True


def _locked(card: Member, kind: str) -> Claim | None:
    rows = Claim.objects.select_for_update().filter(member=card.pk)
    if kind:
        rows = rows.filter(kind=kind)
    found: Claim | None = rows.order_by("-at").first()
    return found


def _look(row: Claim, code: str, at: dt.datetime) -> CodeWrong | CodeGone | None:
    """What is wrong with a code; counted, so that the third wrong one ends it."""
    if not row.code_hash or row.code_until is None or at >= row.code_until:
        return CodeGone()
    if hmac.compare_digest(row.code_hash, _hash(row, code)):
        return None
    row.code_wrong += 1
    left = TRIES - row.code_wrong
    if left <= 0:
        row.code_hash = ""
    row.save(update_fields=["code_hash", "code_wrong"])
    return CodeWrong(left=left) if left > 0 else CodeGone()


def _hash(row: Claim, code: str) -> str:
    """Of no use without the server's key: six digits are tried through in a blink."""
    told = f"claim:{row.tenant_id}:{row.pk}:{code}".encode()
    return hmac.digest(settings.SECRET_KEY.encode(), told, "sha256").hex()
