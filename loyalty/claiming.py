"""Whether a voucher can be used here and now, and what it then takes off a bill."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from loyalty import cards, conditions, finding
from loyalty.calendar import local_date
from loyalty.models import Member, Voucher, VoucherUse
from loyalty.refusals import (
    MemberLimit,
    MemberNeeded,
    MinSpend,
    RewardUnavailable,
    VoucherExpired,
    VoucherHeld,
    VoucherNotYetValid,
    VoucherNotYours,
    VoucherUnknown,
    VoucherUsed,
    VoucherVoided,
)
from loyalty.rewards import discount_of
from tenants.actors import Actor

Kind, Status = Voucher.Kind, Voucher.Status


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody comes with a voucher: who, if that is known, and with what bill in minor units."""

    at: dt.datetime
    by: Actor
    member: Member | None = None
    total: int = 0


def locked(pk: UUID) -> Voucher:
    """The voucher's row, locked, as it is now. Raises VoucherUnknown."""
    rows = Voucher.objects.select_related("tenant", "reward")
    found = rows.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()
    if found is None:
        raise VoucherUnknown
    return found


def spend(pk: UUID, claim: Claim) -> tuple[Voucher, int]:
    """Lock the voucher, ask whether it can be used, and write that it was: the voucher, and what it
    takes off the bill. Raises what vouchers.use() tells.
    """
    if claim.member is not None:
        cards.refuse_closed(claim.member)
    voucher = locked(pk)
    refuse_unusable(voucher, at=claim.at, by=claim.by)
    _refuse(voucher, claim)
    off = _discount(voucher, claim.total)
    _count(voucher, off)
    VoucherUse.objects.create(
        voucher=voucher,
        member=claim.member,
        amount=off,
        at=claim.at,
        device=claim.by.device,
        staff=claim.by.staff,
    )
    return voucher, off


def worth(voucher: Voucher, claim: Claim) -> int:
    """What a voucher would take off the bill. Nothing is written; raises what spend() does."""
    if claim.member is not None:
        cards.refuse_closed(claim.member)
    refuse_unusable(voucher, at=claim.at, by=claim.by)
    _refuse(voucher, claim)
    return _discount(voucher, claim.total)


def refuse_unusable(voucher: Voucher, *, at: dt.datetime, by: Actor) -> None:
    """Raises VoucherVoided, VoucherUsed, VoucherNotYetValid, VoucherExpired or VoucherHeld where
    nobody at this till could use the voucher at `at`.
    """
    if voucher.status == Status.VOIDED:
        raise VoucherVoided
    if voucher.status == Status.USED:
        raise VoucherUsed
    today = local_date(at, ZoneInfo(voucher.tenant.zone))
    if voucher.valid_from and today < voucher.valid_from:
        raise VoucherNotYetValid(date=voucher.valid_from.isoformat())
    if voucher.valid_until and today > voucher.valid_until:
        raise VoucherExpired(date=voucher.valid_until.isoformat())
    is_held = voucher.hold_until is not None and at < voucher.hold_until
    if is_held and (by.device is None or voucher.held_by_id != by.device.pk):
        raise VoucherHeld


def _refuse(voucher: Voucher, claim: Claim) -> None:
    """Raises where this place, this member or this bill is not what the voucher is for."""
    member, device = claim.member, claim.by.device
    if voucher.reward and device:
        places = conditions.read(voucher.reward.conditions).locations
        if places and device.location.name not in places:
            raise RewardUnavailable
    if voucher.owner_id and (member is None or member.pk != voucher.owner_id):
        raise VoucherNotYours
    if member is None and (voucher.per_member is not None or voucher.kind == Kind.POINTS):
        raise MemberNeeded
    if member is not None and voucher.per_member is not None:
        hers = finding.all_cards([member.pk])
        if voucher.each_use.filter(member__in=hers).count() >= voucher.per_member:
            raise MemberLimit
    if claim.total < voucher.min_spend:
        raise MinSpend


def _discount(voucher: Voucher, total: int) -> int:
    is_card = voucher.kind == Kind.GIFT_CARD
    told = conditions.read(voucher.reward.conditions) if voucher.reward else conditions.NONE
    return discount_of(
        voucher.kind,
        voucher.remaining_value if is_card else voucher.value,
        total,
        max_discount=voucher.max_discount,
        max_percent=told.max_percent,
    )


def _count(voucher: Voucher, off: int) -> None:
    """One use less; a gift card has so much less, and is used when it is empty."""
    if voucher.kind == Kind.GIFT_CARD:
        voucher.remaining_value -= off
        is_over = voucher.remaining_value == 0
        voucher.used += int(is_over)
    else:
        voucher.used += 1
        is_over = voucher.used >= voucher.uses
    voucher.status = Status.USED if is_over else Status.ISSUED
    voucher.held_by, voucher.hold_until = None, None
    voucher.save(update_fields=["remaining_value", "used", "status", "held_by", "hold_until"])
