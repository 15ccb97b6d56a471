"""The sale: quote and record it.

One sale and ten thousand go the same way (`record_all`): same pricing, same rows, one lock, one
INSERT a table.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from loyalty import automatic, claiming, ledger, operations, programs, referring, situations, tiers
from loyalty.book import Book
from loyalty.cards import refuse_closed, refuse_own
from loyalty.claiming import Claim
from loyalty.models import Account, Entry, Member, Purchase, Redemption, RuleUse, Voucher
from loyalty.pricing import Price
from loyalty.refusals import (
    AboveLimit,
    NegativeAmount,
    PartsExceedTotal,
    ProgramNotLive,
    Refusal,
    VoucherNotYours,
    VoucherUsed,
    VoucherVoided,
)
from loyalty.sales import CLOCK, Known, Quote, Recorded, Sale, operation_of
from loyalty.state import state_at
from loyalty.terms import Basket, Line
from tenants.actors import Actor
from tenants.ids import uuid7
from tenants.models import Location, Shop
from tenants.trace import write


def quote(
    member: Member,
    total: int,
    *,
    at: dt.datetime,
    tax: int = 0,
    reward_discount: int = 0,
    lines: Sequence[Line] = (),
    location: Location | None = None,
    account: Account | None = None,
) -> Quote:
    """What a sale of `total` minor units would earn the member at `at`. Nothing is written.

    The same pricing as record(), and the same refusals of the sale itself. `account` is hers in the
    live program, where it was read already.
    """
    account = account or ledger.account_of(member)
    program = account.program if account else programs.live()
    if program is None:
        raise ProgramNotLive
    basket = Basket(total, tax, reward_discount, tuple(lines))
    _refuse_amounts(basket)
    refuse_closed(member)
    if account is None:
        account = Account(member=member, program=program)
    promise = programs.promise_of(program, zone=account.tenant.zone)
    place = location or first_location()
    now = state_at(account, at)
    account.tier = now.tier
    situation = situations.situation_of(account, promise, at=at, location=place)
    priced = promise.tariff.price(basket, situation)
    return Quote(priced.points, priced.steps, now.balance, priced.carry, program)


def record(
    member: Member,
    total: int,
    *,
    at: dt.datetime,
    by: Actor,
    key: str,
    ref: str = "",
    tax: int = 0,
    lines: Sequence[Line] = (),
    reward_discount: int = 0,
    redemptions: Sequence[UUID] = (),
    location: Location | None = None,
    received: dt.datetime | None = None,
    approved_by: Actor | None = None,
) -> Recorded:
    """Record a sale of `total` minor units that `member` made at `at`, and give what it earns.

    `key` names this command in the actor's source: a second call with it changes nothing and
    returns the same purchase (`replayed`), or refuses as before. The same receipt `ref` of the same
    member counts once too. `redemptions` are the vouchers that took `reward_discount` off the bill.
    `approved_by` is who allowed it where the actor alone may not (refuse_above_limit), and is kept
    in the audit trail beside whoever did it.

    Raises NegativeAmount, PartsExceedTotal, LinesExceedTotal, MemberBlocked, MemberClosed,
    StaffSelfAward, ProgramNotLive, DuplicateReceipt (another member's), IdempotencyConflict (the
    key was used for something else).
    """
    sale = Sale(
        *(member.pk, total, at, key, ref, tax, reward_discount),
        lines=tuple(lines),
        redemptions=tuple(redemptions),
        location=location,
        received=received,
    )

    also: set[UUID] = set()

    def act() -> Recorded:
        try:
            (done,) = record_all([sale], by=by, also=also)
        except referring.ReferrerNotLocked as missing:
            also.clear()  # the one of before was joined with another card meanwhile
            also.add(missing.member)
            raise
        if isinstance(done, Refusal):
            raise done
        if not done.replayed:
            sold: dict[str, object] = {"total": total, "points": done.points}
            if approved_by:
                sold["approved_by"] = approved_by.who
            write(by, "purchase.recorded", done.purchase.pk, at=at, after=sold)
        return done

    try:
        return operations.again_if_raced(act)
    except Refusal as refusal:
        operations.remember(refusal, "purchase", by, key=key, print_=sale.fingerprint, at=at)
        raise


def record_all(
    sales: Sequence[Sale], *, by: Actor, also: Collection[UUID] | None = None
) -> list[Recorded | Refusal]:
    """Record sales in their order, in one transaction; a refused one stands in its place as its
    Refusal.

    The lock is on all their accounts from the beginning, and on those of the members in `also`, who
    are paid for having brought a buyer; without it they are looked for. Raises IntegrityError,
    having changed nothing, if another process records one of the same keys or receipts meanwhile:
    ask again.
    """
    here = by.device.location if by.device else first_location()
    members = {sale.member for sale in sales}
    paid = referring.referrers_of(members) if also is None else set(also)
    with ledger.opened(members | paid) as book:
        known = Known(sales, by, here)
        if len(sales) > 1 and (account := next(iter(book.accounts.values()), None)):
            situations.hold(book.promise(account))
        counter = Counter(book, by, known)
        return [counter.record(sale) for sale in sales]


class Counter:
    """Records sales into one book, one after the other."""

    def __init__(self, book: Book, by: Actor, known: Known) -> None:
        self.book, self.by, self.known = book, by, known

    def record(self, sale: Sale) -> Recorded | Refusal:
        try:
            if done := self.known.find(sale):
                return done
            return self._record(sale, self._ready(sale))
        except Refusal as refusal:
            return refusal

    def _ready(self, sale: Sale) -> Account:
        """The account a sale may earn on, settled; raises why it may not."""
        _refuse_amounts(sale.basket)
        account = self.book.accounts.get(sale.member)
        if account is None:
            raise ProgramNotLive
        refuse_closed(account.member)
        refuse_own(account.member, self.by)
        return account

    def _record(self, sale: Sale, account: Account) -> Recorded:
        book, at, place = self.book, sale.occurred_at, self.known.place(sale)
        promise = book.promise(account)
        book.settle(account, at)
        if promise.ladder:
            tiers.begin(account, promise.ladder, at)
        _claim_vouchers(sale, account, self.by)
        priced = self._priced(sale, account, place)
        purchase = Purchase(
            id=uuid7(),
            account=account,
            location=place,
            device=self.by.device,
            staff=self.by.staff,
            ref=sale.ref,
            occurred_at=at,
            total=sale.total,
            tax=sale.tax,
            reward_discount=sale.reward_discount,
            lines=[_as_data(line) for line in sale.lines] or None,
            earned=priced.points,
            snapshot=priced.snapshot(),
            flags=[CLOCK] if sale.is_ahead else [],
        )
        operation = operation_of(sale, purchase, self.by)
        book.keep(operation, purchase)
        book.keep(*(Redemption(purchase=purchase, voucher_id=pk) for pk in sale.redemptions))
        book.keep(*self._uses(priced, purchase, account))
        self._give(priced, account, purchase, operation.pk)
        issued = automatic.issue(account, book, at=at, by=self.by, operation=operation.pk)
        done = Recorded(purchase, account, issued=tuple(issued))
        self.known.add(sale, done, operation)
        return done

    def _give(self, priced: Price, account: Account, purchase: Purchase, operation: UUID) -> None:
        """The points, what a friend's first sale gives, and the tier it lifts to."""
        book, at = self.book, purchase.occurred_at
        account.carry = priced.carry
        if priced.points:
            kind = Entry.Kind.EARN
            book.credit(
                account, priced.points, kind=kind, at=at, operation=operation, purchase=purchase
            )
        else:
            book.touch(account, at)
        referring.pay(account, book, purchase, operation=operation)
        if ladder := book.promise(account).ladder:
            book.flush()
            if tiers.lift(account, ladder, at) and account.tier_until:
                book.due(account, account.tier_until)

    def _priced(self, sale: Sale, account: Account, place: Location) -> Price:
        """The price, with one of the first so many taken of each rule that is for them."""
        promise, at = self.book.promise(account), sale.occurred_at
        if situations.asks_history(promise):
            self.book.flush()
        situation = situations.situation_of(account, promise, at=at, location=place)
        rules = {rule.id: rule for rule in situations.limited(promise)}
        while True:
            priced = promise.tariff.price(sale.basket, situation)
            gone = situations.claim(rules[each] for each in priced.used if each in rules)
            if not gone:
                return priced
            none_left = dict.fromkeys(gone, situations.USED_UP)
            situation = replace(situation, total_uses={**situation.total_uses, **none_left})

    def _uses(self, priced: Price, purchase: Purchase, account: Account) -> list[RuleUse]:
        limited = {rule.id for rule in situations.limited(self.book.promise(account))}
        used = [each for each in priced.used if each in limited]
        at = purchase.occurred_at
        return [RuleUse(rule_id=UUID(u), purchase=purchase, account=account, at=at) for u in used]


def refuse_above_limit(total: int, *, by: Actor, approved_by: Actor | None = None) -> None:
    """Raises AboveLimit for a sale at the till that is larger than the shop lets a cashier record
    alone. Asked before record(), which knows no limit: an import has none. One statement, none for
    a manager.
    """
    if by.manages or (approved_by and approved_by.manages):
        return
    limit = Shop.objects.values_list("award_limit", flat=True).get()
    if limit is not None and total > limit:
        raise AboveLimit(limit=limit)


def first_location() -> Location:
    """The shop's oldest location: where things happen that happen at no till."""
    first: Location = Location.objects.order_by("id")[:1].get()
    return first


def _refuse_amounts(basket: Basket) -> None:
    if basket.total < 0 or basket.tax < 0 or basket.reward_discount < 0:
        raise NegativeAmount(total=basket.total)
    if basket.tax + basket.reward_discount > basket.total:
        raise PartsExceedTotal


def _claim_vouchers(sale: Sale, account: Account, by: Actor) -> None:
    """The vouchers that paid for a part of the sale count in it; one that nobody has used yet is
    used now. Two statements, more for those, none for a sale without vouchers.

    Raises VoucherNotYours, VoucherVoided or VoucherUsed where one is not the buyer's, was taken
    back, or is in another sale, and what claiming.spend() does.
    """
    if not sale.redemptions:
        return
    vouchers = Voucher.objects.filter(pk__in=sale.redemptions, account=account.pk).order_by("pk")
    if len(vouchers) < len(set(sale.redemptions)):
        raise VoucherNotYours
    if any(voucher.status == Voucher.Status.VOIDED for voucher in vouchers):
        raise VoucherVoided
    if Redemption.objects.filter(voucher__in=sale.redemptions).exists():
        raise VoucherUsed
    claim = Claim(sale.occurred_at, by, account.member, sale.total)
    for voucher in vouchers:
        if voucher.status == Voucher.Status.ISSUED:
            claiming.spend(voucher.pk, claim)


def _as_data(line: Line) -> list[object]:
    return [line.sku, line.category, line.qty, line.amount]
