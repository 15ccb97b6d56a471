"""Vouchers: codes that are worth something. Issue one, find it, hold it, use it, void it.

A reward's voucher comes from redemptions; a campaign's, a gift card's and a personal one from here.
A voucher that is used twice at once is used once: its row is locked before it is looked at.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from loyalty import automatic, cards, claiming, ledger, operations
from loyalty.claiming import Claim
from loyalty.codes import code_key, new_code
from loyalty.models import Account, Entry, Member, Operation, Voucher
from loyalty.refusals import (
    BadSetting,
    NeedsApproval,
    NegativeAmount,
    ProgramNotLive,
    ReasonRequired,
    VoucherPaid,
    VoucherTaken,
    VoucherUnknown,
)
from tenants.actors import Actor
from tenants.ids import uuid7
from tenants.trace import write

Kind, Status = Voucher.Kind, Voucher.Status
ISSUABLE = (Kind.AMOUNT, Kind.PERCENT, Kind.ITEM, Kind.GIFT, Kind.GIFT_CARD, Kind.POINTS)
REASON = "voucher"


@dataclass(frozen=True, slots=True)
class Used:
    """What using a voucher did: `discount` minor units off the bill. `account` is that of the
    member who got points by it, else None.
    """

    voucher: Voucher
    discount: int
    account: Account | None = None
    replayed: bool = False


def issue(
    kind: str,
    *,
    at: dt.datetime,
    by: Actor,
    key: str,
    code: str = "",
    value: int = 0,
    points: int = 0,
    uses: int = 1,
    per_member: int | None = None,
    owner: Member | None = None,
    valid_from: dt.date | None = None,
    valid_until: dt.date | None = None,
    min_spend: int = 0,
    max_discount: int | None = None,
) -> Voucher:
    """A new voucher with this code, or with one that we make up.

    `value`: minor units off, per cent off, or what a gift card holds; `points`: what a code gives.
    It can be used `uses` times, `per_member` times by each member, by `owner` only where one is
    named, from `valid_from` through `valid_until` (local days), on a bill of at least `min_spend`.
    A gift card is used until it is empty.

    A second call with the key returns the same voucher. Raises VoucherTaken (such a code exists),
    BadSetting (names the field), MemberBlocked and MemberClosed (the owner), IdempotencyConflict.
    """
    row = Voucher(
        id=uuid7(),
        kind=kind,
        code=" ".join(code.split()),
        value=value,
        remaining_value=value,
        points=points,
        uses=uses,
        per_member=per_member,
        owner=owner,
        issued_at=at,
        valid_from=valid_from,
        valid_until=valid_until,
        min_spend=min_spend,
        max_discount=max_discount,
    )
    _check(row)
    told = [kind, row.code, value, points, uses, per_member, owner and owner.pk]
    told += [valid_from, valid_until, min_spend, max_discount]
    print_ = operations.fingerprint("voucher", *told)

    def act() -> Voucher:
        if owner is not None:
            cards.refuse_closed(Member.everyone.get(pk=owner.pk))
        if not code:
            row.code = new_code()
        row.code_key = code_key(row.code)
        if Voucher.objects.filter(code_key=row.code_key).exists():
            raise VoucherTaken
        row.save(force_insert=True)
        write(by, "voucher.issued", row.pk, at=at, after={"kind": kind, "value": value})
        result = {"voucher": str(row.pk)}
        operations.unsaved("voucher", by, key=key, print_=print_, at=at, result=result).save(
            force_insert=True
        )
        return row

    return operations.once("voucher", by, key=key, print_=print_, at=at, act=act, replay=_told)


def find(code: str) -> Voucher:
    """The voucher with this code, however it is typed, whatever has become of it. Raises
    VoucherUnknown.
    """
    key = code_key(code)
    found = Voucher.objects.filter(code_key=key).first() if key else None
    if found is None:
        raise VoucherUnknown
    return found


def worth(
    voucher: Voucher, *, at: dt.datetime, by: Actor, member: Member | None = None, total: int = 0
) -> int:
    """What use() would take off a bill of `total`. Nothing is written; raises what use() does."""
    return claiming.worth(voucher, Claim(at, by, member, total))


def hold(voucher: Voucher, *, at: dt.datetime, by: Actor, minutes: int) -> Voucher:
    """Keep a voucher for the actor's till while a bill is being made: no other till can use it for
    so many minutes, then it is free by itself. A second call counts the minutes anew.

    Raises VoucherVoided, VoucherUsed, VoucherNotYetValid, VoucherExpired, VoucherHeld.
    """
    if by.device is None or minutes <= 0:
        raise ValueError("a voucher is held by a till, for some minutes")
    with transaction.atomic():
        locked = claiming.locked(voucher.pk)
        claiming.refuse_unusable(locked, at=at, by=by)
        locked.held_by, locked.hold_until = by.device, at + dt.timedelta(minutes=minutes)
        locked.save(update_fields=["held_by", "hold_until"])
    return locked


def release(voucher: Voucher, *, by: Actor) -> Voucher:
    """Let go of a voucher that the actor's till holds; a manager may let go of anybody's. Where it
    is not held, nothing changes.
    """
    with transaction.atomic():
        locked = claiming.locked(voucher.pk)
        mine = by.device is not None and locked.held_by_id == by.device.pk
        if locked.held_by_id and (mine or by.manages):
            locked.held_by, locked.hold_until = None, None
            locked.save(update_fields=["held_by", "hold_until"])
    return locked


def use(
    voucher: Voucher,
    *,
    at: dt.datetime,
    by: Actor,
    key: str,
    member: Member | None = None,
    total: int = 0,
) -> Used:
    """Use a voucher once on a bill of `total` minor units; one that gives points gives them to
    `member`.

    A gift card pays what it has and stays good until it is empty. A second call with the key
    changes nothing and tells the same.

    Raises, in this order, MemberBlocked or MemberClosed, VoucherVoided, VoucherUsed,
    VoucherNotYetValid, VoucherExpired, VoucherHeld (by another till), RewardUnavailable (at this
    location), VoucherNotYours, MemberNeeded, MemberLimit, MinSpend; StaffSelfAward for points on a
    colleague's own card, NegativeAmount, IdempotencyConflict.
    """
    print_ = operations.fingerprint("use", voucher.pk, member and member.pk, total)

    def act() -> Used:
        if total < 0:
            raise NegativeAmount(total=total)
        operation = operations.unsaved("use", by, key=key, print_=print_, at=at, result={})
        if voucher.kind == Kind.POINTS and member is not None:
            done = _give(voucher.pk, member, total, operation, by)
        else:
            fresh = Member.everyone.get(pk=member.pk) if member else None
            done = Used(*claiming.spend(voucher.pk, Claim(at, by, fresh, total)))
        operation.result = {"voucher": str(voucher.pk), "discount": done.discount}
        operation.save(force_insert=True)
        after = {"discount": done.discount, "points": done.voucher.points}
        write(by, "voucher.used", voucher.pk, at=at, after=after)
        return done

    def replay(earlier: Operation) -> Used:
        found = _told(earlier)
        account = ledger.account_of(member) if member and found.kind == Kind.POINTS else None
        return Used(found, earlier.result["discount"], account, replayed=True)

    return operations.once("use", by, key=key, print_=print_, at=at, act=act, replay=replay)


def void(voucher: Voucher, *, at: dt.datetime, by: Actor, reason: str) -> Voucher:
    """Take a voucher out of use, whether or not it was used. A second call changes nothing.

    What points have paid for is given back instead (redemptions.reverse): raises VoucherPaid.
    Raises ReasonRequired, NeedsApproval for whoever does not work here.
    """
    if not reason.strip():
        raise ReasonRequired
    if by.staff is None and not by.manages:
        raise NeedsApproval
    with transaction.atomic():
        locked = claiming.locked(voucher.pk)
        if locked.cost:
            raise VoucherPaid
        if locked.status != Status.VOIDED:
            before, locked.status = locked.status, Status.VOIDED
            locked.save(update_fields=["status"])
            write(by, "voucher.voided", locked.pk, at=at, before={"status": before})
    return locked


# Inside


def _give(pk: UUID, member: Member, total: int, operation: Operation, by: Actor) -> Used:
    """Use a code that gives points."""
    at = operation.at
    with ledger.opened({member.pk}, at=at) as book:
        account = book.accounts.get(member.pk)
        if account is None:
            raise ProgramNotLive
        voucher, _off = claiming.spend(pk, Claim(at, by, account.member, total))
        cards.refuse_own(account.member, by)
        book.credit(
            account,
            voucher.points,
            kind=Entry.Kind.BONUS,
            at=at,
            operation=operation.pk,
            voucher=voucher,
            reason=REASON,
        )
        automatic.issue(account, book, at=at, operation=operation.pk, by=by)
    return Used(voucher, 0, account)


def _told(earlier: Operation) -> Voucher:
    found: Voucher = Voucher.objects.get(pk=earlier.result["voucher"])
    return found


def _check(row: Voucher) -> None:
    """Raises BadSetting where a voucher would be worth nothing, or could never be used."""
    is_money = row.kind in {Kind.AMOUNT, Kind.PERCENT, Kind.GIFT_CARD}
    most = 100 if row.kind == Kind.PERCENT else row.value
    wrong = [
        (row.kind not in ISSUABLE, "kind", _("There is no such kind of voucher.")),
        (bool(row.code) and not code_key(row.code), "code", _("A code is letters and digits.")),
        (is_money and not 0 < row.value <= most, "value", _("Say how much it takes off.")),
        (row.kind == Kind.POINTS and row.points <= 0, "points", _("Say how many points.")),
        (min(row.value, row.points, row.min_spend) < 0, "value", _("Nothing is below zero.")),
        (row.uses < 1, "uses", _("It can be used once at least.")),
        (row.per_member is not None and row.per_member < 1, "per_member", _("Once at least.")),
        (
            row.max_discount is not None and row.max_discount < 1,
            "max_discount",
            _("Say how much it takes off at most, or nothing."),
        ),
        (
            bool(row.valid_from and row.valid_until and row.valid_until < row.valid_from),
            "valid_until",
            _("This ends before it begins."),
        ),
    ]
    for is_wrong, field, why in wrong:
        if is_wrong:
            raise BadSetting(field, why)
