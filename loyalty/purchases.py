"""Sales: what one would earn, record it, take it back.

One sale and ten thousand go the same way (`record_all`): same pricing, same rows, one lock, one
INSERT a table.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from loyalty import ledger, operations, programs
from loyalty.models import Account, Entry, Member, Purchase, Refund
from loyalty.pricing import Price, Terms, price
from loyalty.refusals import (
    AlreadyVoided,
    MemberNotActive,
    NegativeAmount,
    ProgramNotLive,
    Refusal,
    TooLateToVoid,
)
from loyalty.sales import Known, Quote, Recorded, Sale, Voided, operation_of
from tenants.actors import Actor
from tenants.ids import uuid7
from tenants.models import Location
from tenants.trace import write

UNDO_FOR = dt.timedelta(minutes=15)


def quote(member: Member, total: int, *, at: dt.datetime) -> Quote:
    """What a sale of `total` minor units would earn the member at `at`. Nothing is written.

    The same pricing as record(), and the same refusals of the sale itself.
    """
    account = ledger.account_of(member)
    program = account.program if account else programs.live()
    if program is None:
        raise ProgramNotLive
    _refuse_amount(total)
    if not member.is_open:
        raise MemberNotActive
    carry = account.carry if account else 0
    priced = price(total, programs.terms_of(program), carry=carry)
    balance = account.balance if account else 0
    return Quote(priced.points, priced.steps, balance, priced.carry, program)


def record(
    member: Member, total: int, *, at: dt.datetime, by: Actor, key: str, ref: str = ""
) -> Recorded:
    """Record a sale of `total` minor units that `member` made at `at`, and give what it earns.

    `key` names this command in the actor's source: a second call with it changes nothing and
    returns the same purchase (`replayed`). The same receipt `ref` of the same member counts once
    too.

    Raises NegativeAmount, MemberNotActive, ProgramNotLive, DuplicateReceipt (another member's),
    IdempotencyConflict (the key was used for something else).
    """

    def act() -> Recorded:
        with transaction.atomic(savepoint=False):
            (done,) = record_all([Sale(member.pk, total, at, key, ref)], by=by)
            if isinstance(done, Refusal):
                raise done
            if not done.replayed:
                sold = {"total": total, "points": done.points}
                write(by, "purchase.recorded", done.purchase.pk, at=at, after=sold)
            return done

    return operations.again_if_raced(act)


def record_all(sales: Sequence[Sale], *, by: Actor) -> list[Recorded | Refusal]:
    """Record sales in their order, in one transaction; a refused one stands in its place as its
    Refusal.

    The lock is on all their accounts from the beginning. Raises IntegrityError, having changed
    nothing, if another process records one of the same keys or receipts meanwhile: ask again.
    """
    location = _location_of(by)
    with ledger.opened({sale.member for sale in sales}) as book:
        terms: Terms | None = None
        known = Known(sales, by, location)
        outcomes: list[Recorded | Refusal] = []
        for sale in sales:
            account = book.accounts.get(sale.member)
            try:
                done = known.find(sale) or None
                if done is None:
                    account = _ready(sale, account)
                    terms = terms or programs.terms_of(account.program)
                    done = _record_one(sale, account, terms, location=location, by=by, book=book)
                    known.add(sale, done)
                outcomes.append(done)
            except Refusal as refusal:
                outcomes.append(refusal)
    return outcomes


def void(purchase: Purchase, *, at: dt.datetime, by: Actor, key: str) -> Voided:
    """Take a whole sale back: what it earned is clawed back by a new entry, nothing is deleted.

    Whoever recorded it may for UNDO_FOR, a manager always. A second call with the key changes
    nothing. Raises AlreadyVoided, TooLateToVoid, IdempotencyConflict.
    """

    def act() -> Voided:
        account_id = Account.objects.values_list("member_id", flat=True).get(pk=purchase.account_id)
        with ledger.opened([account_id]) as book:
            account = book.accounts.get(account_id)
            if account is None:
                raise ProgramNotLive
            sale = Purchase.objects.get(pk=purchase.pk)  # as it is now that its account is locked
            if earlier := operations.find(by, key, _print_of_void(sale)):
                return Voided(sale, account, earlier.result["points"], replayed=True)
            if Refund.objects.filter(purchase=sale).exists():
                raise AlreadyVoided
            if not may_void(sale, by=by, at=at):
                raise TooLateToVoid(minutes=int(UNDO_FOR.total_seconds() // 60))
            return _void(sale, account, book, at=at, by=by, key=key)

    return operations.again_if_raced(act)


def may_void(purchase: Purchase, *, by: Actor, at: dt.datetime) -> bool:
    """May this actor take this sale back at `at`?"""
    if by.manages:
        return True
    mine = by.staff is not None and purchase.staff_id == by.staff.pk
    return mine and at - purchase.occurred_at < UNDO_FOR


def _ready(sale: Sale, account: Account | None) -> Account:
    """The account a sale may earn on; raises why it may not."""
    _refuse_amount(sale.total)
    if account is None:
        raise ProgramNotLive
    if not account.member.is_open:
        raise MemberNotActive
    return account


def _refuse_amount(total: int) -> None:
    if total < 0:
        raise NegativeAmount(total=total)


def _record_one(
    sale: Sale, account: Account, terms: Terms, *, location: Location, by: Actor, book: ledger.Book
) -> Recorded:
    priced: Price = price(sale.total, terms, carry=account.carry)
    purchase = Purchase(
        id=uuid7(),
        account=account,
        location=location,
        device=by.device,
        staff=by.staff,
        ref=sale.ref,
        occurred_at=sale.at,
        total=sale.total,
        earned=priced.points,
        snapshot=priced.as_data(terms),
    )
    operation = operation_of(sale, purchase, by)
    book.keep(operation, purchase)
    account.carry = priced.carry
    if priced.points:
        book.credit(
            account,
            priced.points,
            kind=Entry.Kind.EARN,
            at=sale.at,
            operation=operation.pk,
            purchase=purchase,
        )
    else:
        book.touch(account, sale.at)
    return Recorded(purchase, account)


def _print_of_void(sale: Purchase) -> str:
    return operations.fingerprint("void", sale.pk)


def _void(
    sale: Purchase, account: Account, book: ledger.Book, *, at: dt.datetime, by: Actor, key: str
) -> Voided:
    refund = Refund(
        id=uuid7(), purchase=sale, amount=sale.total - sale.refunded, occurred_at=at, staff=by.staff
    )
    points = sale.earned - sale.clawed
    operation = operations.unsaved(
        "void",
        by,
        key=key,
        print_=_print_of_void(sale),
        at=at,
        result={"purchase": str(sale.pk), "points": points},
    )
    book.keep(operation, refund)
    if points:
        book.claw_back(account, points, at=at, operation=operation.pk, purchase=sale, refund=refund)
    else:
        book.touch(account, at)
    sale.refunded, sale.clawed = sale.total, sale.earned
    sale.save(update_fields=["refunded", "clawed"])
    write(by, "purchase.voided", sale.pk, at=at, after={"points": points})
    return Voided(sale, account, points)


def _location_of(by: Actor) -> Location:
    if by.device:
        return by.device.location
    first: Location = Location.objects.order_by("id")[:1].get()
    return first
