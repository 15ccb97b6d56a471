"""A member's card: stop it for a while, or forget who held it. What is in the books stays there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from loyalty import finding, identities, ledger, operations, rewards
from loyalty.book import Book
from loyalty.models import Account, Claim, Consent, Entry, Identifier, Member, Operation, Voucher
from loyalty.numbers import new_code
from loyalty.refusals import AlreadyMerged, MemberClosed
from tenants.actors import Actor
from tenants.trace import write

Status = Member.Status
ERASURE = "erasure"  # the source of consents that end with it
WITHOUT_NAME = {
    "name": "",
    "name_key": "",
    "surname_key": "",
    "birth_date": None,
    "language": "",
    "staff": None,
}


@dataclass(frozen=True, slots=True)
class Erased:
    """A card without a person. `forfeited` points went with her, `forgiven` ones she owed, `voided`
    vouchers she had not used.
    """

    member: Member
    forfeited: int
    forgiven: int
    voided: int
    replayed: bool = False


def block(member: Member, *, at: dt.datetime, by: Actor) -> Member:
    """Stop a card: it neither earns nor spends, and no till finds it, until unblock(). Its points
    stay, and expire as they would have.

    A second call changes nothing. Raises AlreadyMerged, MemberClosed for a card that is gone.
    """
    return _turn(member, Status.BLOCKED, "member.blocked", at=at, by=by)


def unblock(member: Member, *, at: dt.datetime, by: Actor) -> Member:
    """Let a blocked card earn and spend again. Second call and refusals as of block()."""
    return _turn(member, Status.ACTIVE, "member.unblocked", at=at, by=by)


def erase(member: Member, *, at: dt.datetime, by: Actor, key: str) -> Erased:
    """Forget a person: her name, birthday, phone, addresses, cards and links, also of the cards
    that were joined with hers. Nothing finds her again, and it cannot be undone.

    The books stay: sales and entries of a card that is nobody's. Points that were left are
    forfeited, a debt is forgiven, agreements end, unused vouchers are void; a gift card, which is
    money, stays good for whoever holds it. A second call with the key tells the same. Raises
    AlreadyMerged (erase the card that was kept), MemberClosed (she was erased before),
    IdempotencyConflict.
    """
    print_ = operations.fingerprint("erase", member.pk)

    def act() -> Erased:
        cards = finding.all_cards([member.pk])
        with ledger.opened_everywhere(cards, at=at) as (people, books):
            gone = people[member.pk]
            _refuse_gone(gone)
            if finding.all_cards([gone.pk]) != cards:
                raise operations.TryAgain
            operation = operations.unsaved("erase", by, key=key, print_=print_, at=at, result={})
            told = {"forfeited": 0, "forgiven": 0}
            for book in books:
                for account in book.accounts.values():
                    told["forfeited"] += _forfeit(account, book, operation)
                    told["forgiven"] += _forgive(account, book, operation)
                    _level(account, book, at)
            told["voided"] = _void(cards)
            agreed = [p for p in Consent.Purpose if identities.agrees(gone, p)]
            identities.end_consents(gone, agreed, at=at, by=by, source=ERASURE)
            _scrub(cards, at=at, by=by)
            _close(gone, cards, at=at, by=by)
            operation.result = told
            operation.save(force_insert=True)
            write(by, "member.erased", gone.pk, at=at, after=told)
        return Erased(gone, told["forfeited"], told["forgiven"], told["voided"])

    def replay(earlier: Operation) -> Erased:
        return Erased(Member.everyone.get(pk=member.pk), **earlier.result, replayed=True)

    return operations.once("erase", by, key=key, print_=print_, at=at, act=act, replay=replay)


def _turn(member: Member, status: str, act: str, *, at: dt.datetime, by: Actor) -> Member:
    with transaction.atomic():
        # A sale that is being recorded holds this row, so it is before the change or after it.
        locked: Member = Member.everyone.select_for_update(no_key=True).get(pk=member.pk)
        _refuse_gone(locked)
        if locked.status != status:
            locked.status = status
            locked.save(update_fields=["status"])
            write(by, act, locked.pk, at=at)
    return locked


def _refuse_gone(member: Member) -> None:
    if member.status == Status.MERGED:
        raise AlreadyMerged
    if member.status == Status.ERASED or not member.is_active:
        raise MemberClosed


def _forfeit(account: Account, book: Book, operation: Operation) -> int:
    """Take every point that is left, pending ones too; returns how many."""
    left = book.shelf(account).total()
    if left:
        kind = Entry.Kind.FORFEIT
        book.debit(account, left, kind=kind, at=operation.at, operation=operation.pk)
    return left


def _forgive(account: Account, book: Book, operation: Operation) -> int:
    """Write off what she owes; returns how many points."""
    owed = account.debt
    if owed:
        kind = Entry.Kind.FORFEIT
        book.credit(account, owed, kind=kind, at=operation.at, operation=operation.pk, counts=False)
    return owed


def _level(account: Account, book: Book, at: dt.datetime) -> None:
    """Nothing is carried over to a next sale, and time changes nothing any more."""
    account.carry = 0
    account.tier = account.floor_tier = account.tier_since = account.tier_until = None
    book.recount(account, at)
    book.mark(account)


def _void(cards: Collection[UUID]) -> int:
    """Void her unused vouchers and put their pieces back on the shelf; returns how many."""
    hers = Voucher.objects.filter(owner__in=cards, status=Voucher.Status.ISSUED)
    hers.filter(kind=Voucher.Kind.GIFT_CARD).update(owner=None, held_by=None, hold_until=None)
    voided = 0
    for voucher in hers.order_by("reward_id", "id"):
        if voucher.reward_id and not voucher.is_auto and not voucher.used:
            rewards.put_back(voucher.reward_id)
        # One statement both asks and takes: a till may be using it just now.
        unused = Voucher.objects.filter(pk=voucher.pk, status=Voucher.Status.ISSUED)
        if not unused.update(status=Voucher.Status.VOIDED, held_by=None, hold_until=None):
            raise operations.TryAgain
        voided += 1
    return voided


def _scrub(cards: Collection[UUID], *, at: dt.datetime, by: Actor) -> None:
    """Empty everything that these cards were known by, also what was retired before."""
    living = Identifier.objects.filter(member__in=cards)
    living.update(is_active=False, deleted_at=at, deleted_by=by.who)
    Identifier.everyone.filter(member__in=cards).update(value="", reversed="", verified_at=None)
    Claim.objects.filter(member__in=cards).delete()


def _close(gone: Member, cards: Collection[UUID], *, at: dt.datetime, by: Actor) -> None:
    """Take the name off her card and off those that were joined with it. Each gets a new code,
    because the old one is printed on a card in her pocket.
    """
    closed = {"is_active": False, "deleted_at": at, "deleted_by": by.who, "erase_at": None}
    for card in cards:
        Member.everyone.filter(pk=card).update(**WITHOUT_NAME, **closed, code=new_code())
    Member.everyone.filter(pk=gone.pk).update(status=Status.ERASED)
    gone.refresh_from_db()
