"""Refunds: a sale comes back, whole or in part, and takes with it what it gave.

What remains is priced by the sale's own snapshot, never by today's rules and never in proportion;
the difference is clawed back. Nothing is deleted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Sum

from loyalty import ledger, operations, referring, restoring
from loyalty.book import Book
from loyalty.models import Account, Entry, Operation, Purchase, Redemption, Refund, VoucherUse
from loyalty.refusals import (
    AlreadyVoided,
    RefundExceedsPurchase,
    TooLateToVoid,
    UnknownPurchase,
)
from loyalty.remains import Rest
from loyalty.returning import Refunded, TakingBack
from tenants.actors import Actor

UNDO_FOR = dt.timedelta(minutes=15)


def refund(
    purchase: Purchase,
    *,
    amount: int | None = None,
    lines: Mapping[str, int] | None = None,
    at: dt.datetime,
    by: Actor,
    key: str,
    ref: str = "",
    approved_by: Actor | None = None,
) -> Refunded:
    """Take `amount` minor units of a sale back, or so many of each SKU ({"mug": 1}), or all that is
    left of it. Amounts are those of the bill, before a reward's discount.

    What the sale gave beyond what the rest of it earns is clawed back, what cannot be is owed or
    forgiven as the program says; a reward that paid for it comes back with the whole sale, points
    that paid for it in proportion. Several refunds come to exactly what one would. Who may is
    may_void()'s to say; `approved_by`, who allowed it, is kept in the audit trail.

    A second call with the key changes nothing and tells the same; so does another call with the
    same `ref`, the refund's receipt. Raises UnknownPurchase, RefundExceedsPurchase, UnknownLine,
    NegativeAmount, NothingToChange, IdempotencyConflict.
    """
    if amount is not None and lines is not None:
        raise ValueError("a refund is by amount or by lines")
    told = [purchase.pk, amount, None if lines is None else sorted(lines.items()), ref]
    print_ = operations.fingerprint("refund", *told)

    def act() -> Refunded:
        with _opened(purchase.pk, at=at) as (book, sale, account):
            known = Refund.objects.filter(purchase=sale.pk, ref=ref).first() if ref else None
            if known:
                return _told_again(known, sale, account)
            operation = operations.unsaved("refund", by, key=key, print_=print_, at=at, result={})
            taking = TakingBack(sale, account, book, operation, by, approved_by=approved_by)
            return taking.carry_out(taking.asked(amount, lines), lines=lines, ref=ref)

    return operations.once("refund", by, key=key, print_=print_, at=at, act=act, replay=_replay)


def void(
    purchase: Purchase,
    *,
    at: dt.datetime,
    by: Actor,
    key: str,
    approved_by: Actor | None = None,
) -> Refunded:
    """Take back all that is left of a sale that was a mistake: what it earned is clawed back by a
    new entry, nothing is deleted.

    Whoever recorded it may for UNDO_FOR, a manager always; so may anybody with one's leave
    (`approved_by`). A second call with the key changes nothing and tells the same. Raises
    AlreadyVoided, TooLateToVoid, UnknownPurchase, IdempotencyConflict.
    """
    print_ = operations.fingerprint("void", purchase.pk)

    def act() -> Refunded:
        with _opened(purchase.pk, at=at) as (book, sale, account):
            operation = operations.unsaved("void", by, key=key, print_=print_, at=at, result={})
            taking = TakingBack(sale, account, book, operation, by, approved_by=approved_by)
            if taking.is_over:
                raise AlreadyVoided
            if not may_void(sale, by=approved_by or by, at=at):
                raise TooLateToVoid(minutes=int(UNDO_FOR.total_seconds() // 60))
            return taking.carry_out(taking.rest.total)

    return operations.once("void", by, key=key, print_=print_, at=at, act=act, replay=_replay)


def may_void(purchase: Purchase, *, by: Actor, at: dt.datetime) -> bool:
    """May this actor take this sale back at `at`?"""
    return _may(purchase.staff_id, purchase.occurred_at, by=by, at=at)


def may_reverse(use: VoucherUse, *, by: Actor, at: dt.datetime) -> bool:
    """May this actor at a till take back at `at` that a reward was given? As for a sale."""
    return _may(use.staff_id, use.at, by=by, at=at)


def with_receipt(ref: str) -> list[Purchase]:
    """The sales with this receipt number, at any location, the latest first. One statement."""
    if not ref:
        return []
    told = Purchase.objects.filter(ref=ref).select_related("account__member", "staff")
    return list(told.order_by("-occurred_at")[:10])


@dataclass(frozen=True, slots=True)
class Preview:
    """What giving `amount` minor units back would take: so many points. `left` is the most that can
    be given back.
    """

    amount: int
    points: int
    left: int


def preview(purchase: Purchase, amount: int | None = None) -> Preview:
    """The same arithmetic as refund(), with nothing written. One statement. Raises
    RefundExceedsPurchase.
    """
    rest = Rest(purchase.total, purchase.lines)
    for each in Refund.objects.filter(purchase=purchase.pk).order_by("id"):
        rest.take(each.amount, each.lines)
    left = rest.total
    wanted = left if amount is None else amount
    if wanted > left:
        raise RefundExceedsPurchase
    rest.take(wanted)
    points = max(0, purchase.earned - purchase.clawed - rest.price(purchase.snapshot).points)
    return Preview(wanted, points, left)


# Inside


def _may(maker: UUID | None, since: dt.datetime, *, by: Actor, at: dt.datetime) -> bool:
    if by.manages:
        return True
    return by.staff is not None and maker == by.staff.pk and at - since < UNDO_FOR


@contextmanager
def _opened(purchase: UUID, *, at: dt.datetime) -> Iterator[tuple[Book, Purchase, Account]]:
    """The book with everybody whom taking this sale back concerns: its member, who got a present
    for it, and whoever paid for its rewards; and the sale as it is now that they are locked.
    """
    sold = Purchase.objects.filter(pk=purchase).select_related("account").first()
    if sold is None:
        raise UnknownPurchase
    presents = referring.given_for(sold)
    payers = Redemption.objects.filter(purchase=purchase, voucher__account__isnull=False)
    members = {sold.account.member_id, *(member for member, _ in presents)}
    members |= set(payers.values_list("voucher__account__member", flat=True))
    with ledger.opened_everywhere(members, at=at) as (_, books):
        sale = Purchase.objects.get(pk=purchase)
        book, account = restoring.book_of(sale.account_id, books)
        yield book, sale, account


def _replay(earlier: Operation) -> Refunded:
    told = dict(earlier.result)
    done: Refund = Refund.objects.select_related("purchase").get(pk=told.pop("refund"))
    accounts = Account.objects.select_related("program", "tier", "member")
    account = accounts.get(pk=done.purchase.account_id)
    return Refunded(done, done.purchase, account, **told, replayed=True)


def _told_again(known: Refund, sale: Purchase, account: Account) -> Refunded:
    """A refund that is in the books under another key, from what it wrote there."""
    rest, clawed = Rest(sale.total, sale.lines), 0
    for each in Refund.objects.filter(purchase=sale.pk, pk__lte=known.pk).order_by("id"):
        rest.take(each.amount, each.lines)
        before, clawed = clawed, max(clawed, sale.earned - rest.price(sale.snapshot).points)
    lines = Entry.objects.filter(refund=known.pk, account=account.pk)
    moved = dict(lines.values_list("kind").annotate(Sum("amount")))
    return Refunded(
        known,
        sale,
        account,
        clawed=clawed - before,
        taken=min(clawed - before, -moved.get(Entry.Kind.CLAWBACK, 0)),
        debt=account.debt,
        restored=moved.get(Entry.Kind.RESTORE, 0),
        replayed=True,
    )
