"""Redemptions: points become a voucher, and a voucher becomes points again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from loyalty import (
    automatic,
    cards,
    conditions,
    ledger,
    operations,
    programs,
    restoring,
    rewards,
    state,
    tiers,
)
from loyalty.book import Book
from loyalty.claiming import refuse_unusable
from loyalty.models import (
    Account,
    Entry,
    Member,
    Operation,
    Redemption,
    Reward,
    Voucher,
    VoucherUse,
)
from loyalty.refusals import (
    AlreadyReversed,
    BelowMinimum,
    InsufficientPoints,
    NeedsApproval,
    OfflineRedemption,
    OutOfStock,
    ProgramNotLive,
    Refusal,
    RewardUnavailable,
    VoucherNotYours,
    VoucherUnknown,
    VoucherUsed,
)
from loyalty.rewards import Terms, Wish
from tenants.actors import Actor
from tenants.trace import entry

Status = Voucher.Status


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a reward cost in points, and the minor units it takes off the bill."""

    voucher: Voucher
    account: Account
    cost: int
    discount: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Reversed:
    """How many points were given back for a voucher. What had expired meanwhile is among them, and
    expired again at once.
    """

    voucher: Voucher
    account: Account
    restored: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """A reward as a member sees it: she can have it (`code` is ""), or `code` is that of the
    refusal, and `missing` the points that she lacks.
    """

    reward: Reward
    missing: int = 0
    code: str = ""


def redeem(
    member: Member,
    reward: Reward,
    *,
    at: dt.datetime,
    by: Actor,
    key: str,
    total: int | None = None,
    points: int | None = None,
    use: bool = True,
    offline: bool = False,
    approved_by: Actor | None = None,
) -> Redeemed:
    """Give a member a reward for her points: a voucher that is used at once, or, without `use`, one
    she can come with later, for as many days as the reward says.

    `total` is the bill in minor units. The cost is the reward's; only for a reward of kind "pay"
    she says how many `points` to pay with (None: all), and pays with as many of them as she has,
    as the bill allows and as make whole steps of the rate. `approved_by` is who allowed it without
    a proof (loyalty.proofs), and is kept in the audit trail.

    A second call with the key changes nothing and tells the same. Raises, in this order,
    OfflineRedemption, ProgramNotLive, MemberBlocked or MemberClosed, RewardUnavailable,
    TierRequired, MemberLimit, MinSpend, InsufficientPoints or BelowMinimum, OutOfStock; and
    IdempotencyConflict.
    """
    print_ = operations.fingerprint("redeem", member.pk, reward.pk, total, points, use)

    def act() -> Redeemed:
        if offline:
            raise OfflineRedemption
        with ledger.opened({member.pk}, at=at) as book:
            account = book.accounts.get(member.pk)
            if account is None:
                raise ProgramNotLive
            cards.refuse_closed(account.member)
            wanted: Reward = Reward.everyone.get(pk=reward.pk)
            wish = replace(
                _wish(wanted, account, book, at=at, by=by), uses=use, total=total, points=points
            )
            terms = rewards.agree(wanted, wish)
            operation = operations.unsaved("redeem", by, key=key, print_=print_, at=at, result={})
            voucher = _buy(wanted, wish, terms, book, operation, by=by)
            done = Redeemed(voucher, account, terms.cost, terms.discount)
            told = {"cost": done.cost, "discount": done.discount}
            operation.result = {"voucher": str(voucher.pk), **told}
            after: dict[str, object] = dict(told)
            if approved_by:
                after["approved_by"] = approved_by.who
            book.keep(operation, entry(by, "reward.redeemed", voucher.pk, at=at, after=after))
        return done

    def replay(earlier: Operation) -> Redeemed:
        found, told = _voucher(UUID(earlier.result["voucher"])), earlier.result
        account = _account_of(found)
        return Redeemed(found, account, told["cost"], told["discount"], replayed=True)

    return operations.once("redeem", by, key=key, print_=print_, at=at, act=act, replay=replay)


def reverse(voucher: Voucher, *, at: dt.datetime, by: Actor, key: str) -> Reversed:
    """Undo a redemption: the points come back with their own dates (and at least the program's days
    of grace), a piece lies on the shelf again, and the voucher is void.

    Staff may at any time, its owner only while the voucher can still be used. A second call with
    the key tells the same. Raises AlreadyReversed; to a customer VoucherUsed, VoucherExpired,
    VoucherHeld (by a till), VoucherNotYours, NeedsApproval (it came by itself); VoucherUnknown for
    one that no points paid for, IdempotencyConflict.
    """
    print_ = operations.fingerprint("reverse", voucher.pk)

    def act() -> Reversed:
        payer = _account_of(_voucher(voucher.pk)).member_id
        with ledger.opened_everywhere({payer}, at=at) as (_, books):
            operation = operations.unsaved("reverse", by, key=key, print_=print_, at=at, result={})
            undone, book, account, restored = _undo(voucher.pk, books, operation, by)
            if account.program.is_live:
                automatic.issue(account, book, at=at, operation=operation.pk, by=by)
            operation.result = {"voucher": str(undone.pk), "restored": restored}
            after = {"points": restored}
            book.keep(operation, entry(by, "reward.reversed", undone.pk, at=at, after=after))
        return Reversed(undone, account, restored)

    def replay(earlier: Operation) -> Reversed:
        found = _voucher(UUID(earlier.result["voucher"]))
        return Reversed(found, _account_of(found), earlier.result["restored"], replayed=True)

    return operations.once("reverse", by, key=key, print_=print_, at=at, act=act, replay=replay)


def quote(
    member: Member, reward: Reward, *, at: dt.datetime, by: Actor, total: int | None = None
) -> Terms:
    """What a reward would cost her now, and take off a bill of `total`. Nothing is written; raises
    what redeem() would, except for the last piece, which is asked for when it is taken.
    """
    account = ledger.account_of(member)
    if account is None:
        raise ProgramNotLive
    cards.refuse_closed(member)
    promise = programs.promise_of(account.program, zone=account.tenant.zone)
    now = state.state_at(account, at)
    account.balance, account.debt, account.tier = now.balance, now.debt, now.tier
    location = by.device.location.name if by.device else ""
    had = rewards.had_by(account.pk, [reward]).get(reward.pk, ())
    wish = Wish(account, at, promise.zone, uses=True, total=total, location=location, had=had)
    return rewards.agree(reward, wish)


def taken_off(voucher: UUID, member: Member) -> int:
    """The minor units that a reward of this member has taken off a bill which is not in the books
    yet; 0 where it is in a sale already, or not hers. One statement.
    """
    uses = VoucherUse.objects.filter(voucher=voucher, voucher__account__member=member.pk)
    uses = uses.filter(voucher__status=Status.USED, voucher__in_sales=None)
    return sum(uses.values_list("amount", flat=True))


def offers(member: Member, *, at: dt.datetime, account: Account | None = None) -> list[Offer]:
    """The rewards that are offered at `at`, as the shop sorted them, and what keeps her from each.
    Five statements at most, however many rewards there are; one less where her `account` in the
    live program was read already.
    """
    account = account or ledger.account_of(member)
    if account is None or not member.is_open:
        return []
    promise = programs.promise_of(account.program, zone=account.tenant.zone)
    now = state.state_at(account, at)
    account.balance, account.debt, account.tier = now.balance, now.debt, now.tier
    if promise.ladder:
        tiers.begin(account, promise.ladder, at)
    offered = Reward.objects.filter(program=account.program_id, status=Reward.Status.LIVE)
    found = list(offered.order_by("position", "cost", "id"))
    had = rewards.had_by(account.pk, found)
    told = []
    for reward in found:
        wish = Wish(account, at, promise.zone, had=had.get(reward.pk, ()))
        offer = _offer(reward, wish)
        if offer.code != RewardUnavailable.code:
            told.append(offer)
    return told


# Inside


def _wish(reward: Reward, account: Account, book: Book, *, at: dt.datetime, by: Actor) -> Wish:
    promise = book.promise(account)
    if ladder := promise.ladder:
        tiers.begin(account, ladder, at)
    asks_where = bool(conditions.read(reward.conditions).locations)
    return Wish(
        account,
        at,
        promise.zone,
        location=by.device.location.name if asks_where and by.device else "",
        had=rewards.had_by(account.pk, [reward]).get(reward.pk, ()),
    )


def _buy(
    reward: Reward, wish: Wish, terms: Terms, book: Book, operation: Operation, *, by: Actor
) -> Voucher:
    """Take a piece and the points, and write the voucher."""
    account, at = wish.account, wish.at
    rewards.take_one(reward)
    voucher = automatic.voucher_of(
        reward, account, at=at, zone=wish.zone, cost=terms.cost, value=terms.value
    )
    book.keep(voucher)
    if wish.uses:
        voucher.status, voucher.used = Status.USED, 1
        book.keep(
            VoucherUse(
                voucher=voucher,
                member=account.member,
                amount=terms.discount,
                at=at,
                device=by.device,
                staff=by.staff,
            )
        )
    kind = Entry.Kind.REDEEM
    book.debit(account, terms.cost, kind=kind, at=at, operation=operation.pk, voucher=voucher)
    return voucher


def _undo(
    pk: UUID, books: Iterable[Book], operation: Operation, by: Actor
) -> tuple[Voucher, Book, Account, int]:
    """Void the voucher and give back what it cost: the voucher, whose account that went to, and how
    many points those were.
    """
    at, voucher = operation.at, _voucher(pk)
    book, account = restoring.book_of(_payer(voucher), books)
    counted = Redemption.objects.filter(voucher=pk).first()
    _refuse_reversal(voucher, at=at, by=by, is_in_a_sale=counted is not None)
    restoring.void_paid([voucher])
    before = counted.restored if counted else 0
    if counted:
        counted.restored = voucher.cost
        counted.save(update_fields=["restored"])
    left = voucher.cost - before
    if left:
        restoring.restore(voucher, left, account, book, at=at, operation=operation.pk, skip=before)
    return voucher, book, account, left


def _refuse_reversal(voucher: Voucher, *, at: dt.datetime, by: Actor, is_in_a_sale: bool) -> None:
    if voucher.status == Status.VOIDED:
        raise AlreadyReversed
    if by.staff is not None or by.manages:
        return
    if voucher.owner_id is None or by != Actor.member(voucher.owner_id):
        raise VoucherNotYours
    if voucher.is_auto:
        raise NeedsApproval
    if is_in_a_sale:
        raise VoucherUsed
    refuse_unusable(voucher, at=at, by=by)


def _offer(reward: Reward, wish: Wish) -> Offer:
    try:
        rewards.agree(reward, wish)
    except InsufficientPoints as refusal:
        return Offer(reward, refusal.figures["missing"], refusal.code)
    except BelowMinimum as refusal:
        return Offer(reward, refusal.figures["minimum"] - wish.account.balance, refusal.code)
    except Refusal as refusal:
        return Offer(reward, code=refusal.code)
    return Offer(reward, code=OutOfStock.code if reward.stock == 0 else "")


def _voucher(pk: UUID) -> Voucher:
    found: Voucher = Voucher.objects.select_related("tenant").get(pk=pk)
    return found


def _payer(voucher: Voucher) -> UUID:
    """The account whose points paid for it."""
    if voucher.account_id is None:
        raise VoucherUnknown
    return voucher.account_id


def _account_of(voucher: Voucher) -> Account:
    told = Account.objects.select_related("program", "tier")
    found: Account = told.get(pk=_payer(voucher))
    return found
