"""Rewards, vouchers and codes: who may have what, for how much, until when."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from loyalty import claiming, codes, conditions, redemptions, rewards, situations
from loyalty.conditions import Conditions
from loyalty.refusals import VoucherHeld
from tests.loyalty.planted.checks import codes_are_read_without_doubt
from tests.loyalty.planted.planting import Patch, bug, everywhere


@bug("VOU-02", "VOU-07")
def the_last_day_is_too_late(patch: Patch) -> None:
    refuse = claiming.refuse_unusable

    def earlier(voucher, *, at, by):
        last = voucher.valid_until
        if last:
            voucher.valid_until = last - dt.timedelta(days=1)
        refuse(voucher, at=at, by=by)
        voucher.valid_until = last

    everywhere(patch, refuse, earlier)


@bug("VOU-02", "VOU-07")
def vouchers_by_utc_day(patch: Patch) -> None:
    patch.setattr(claiming, "ZoneInfo", lambda name: dt.UTC)


@bug("REV-07")
def a_held_voucher_is_never_free(patch: Patch) -> None:
    refuse = claiming.refuse_unusable

    def held(voucher, *, at, by):
        refuse(voucher, at=at, by=by)
        if voucher.held_by_id and voucher.held_by_id != by.device.pk:
            raise VoucherHeld

    everywhere(patch, refuse, held)


@bug("REV-07", "M-REV-03")
def a_hold_keeps_nobody_off(patch: Patch) -> None:
    refuse = claiming.refuse_unusable

    def free(voucher, *, at, by):
        voucher.hold_until = None
        refuse(voucher, at=at, by=by)

    everywhere(patch, refuse, free)


@bug("VOU-03")
def a_personal_voucher_for_anybody(patch: Patch) -> None:
    refuse = claiming._refuse

    def anybody(voucher, claim):
        voucher.owner_id = None
        refuse(voucher, claim)

    patch.setattr(claiming, "_refuse", anybody)


@bug("VOU-08")
def a_code_for_each_as_often_as_she_likes(patch: Patch) -> None:
    refuse = claiming._refuse

    def again(voucher, claim):
        voucher.per_member = None
        refuse(voucher, claim)

    patch.setattr(claiming, "_refuse", again)


@bug("VOU-05")
def a_gift_card_pays_any_bill(patch: Patch) -> None:
    patch.setattr(claiming, "_discount", lambda voucher, total: total)


@bug("VOU-05", "M-VOU-01")
def whatever_was_used_is_used_up(patch: Patch) -> None:
    count = claiming._count

    def over(voucher, off):
        count(voucher, off)
        voucher.status = claiming.Status.USED
        voucher.save(update_fields=["status"])

    patch.setattr(claiming, "_count", over)


@bug("RED-09")
def a_percentage_without_maximum(patch: Patch) -> None:
    discount_of = rewards.discount_of

    def more(*args, **most):
        return discount_of(*args, **{**most, "max_discount": None})

    everywhere(patch, discount_of, more)


@bug("RED-08", "M-VOU-01")
def a_discount_beyond_the_bill(patch: Patch) -> None:
    discount_of = rewards.discount_of

    def more(kind, value, total, **most):
        return discount_of(kind, value, total if kind == "percent" else None, **most)

    everywhere(patch, discount_of, more)


@bug("RED-06")
def a_reward_as_often_as_she_likes(patch: Patch) -> None:
    patch.setattr(rewards, "_is_used_up", lambda reward, told, wish: False)


@bug("EARN-11", "RED-07", "RED-13")
def no_minimum(patch: Patch) -> None:
    read = conditions.read

    def any_bill(data):
        return replace(read(data), min_spend=0, min_points=0)

    patch.setattr(conditions, "read", any_bill)


@bug("RED-17", "M-RED-03")
def a_reward_at_any_time(patch: Patch) -> None:
    patch.setattr(Conditions, "is_open", lambda self, at, zone: True)


@bug("RED-16")
def a_tiers_reward_for_everybody(patch: Patch) -> None:
    read = conditions.read
    patch.setattr(conditions, "read", lambda data: replace(read(data), tiers=frozenset()))


@bug("RED-10", "RED-11", "M-RED-02")
def points_pay_as_much_as_they_are_told_to(patch: Patch) -> None:
    def pay(told, wish):
        value = wish.points * told.rate.value // told.rate.points
        return rewards.Terms(wish.points, value, value)

    patch.setattr(rewards, "_pay", pay)


@bug("OFF-01")
def redeeming_offline(patch: Patch) -> None:
    redeem = redemptions.redeem

    def anywhere(*args, **told):
        return redeem(*args, **{**told, "offline": False})

    patch.setattr(redemptions, "redeem", anywhere)


@bug("P-LIKE")
def look_alikes_are_not_the_same(patch: Patch) -> None:
    patch.setattr(codes, "LOOKALIKES", {})


@bug("VOU-01", "M-VOU-01")
def codes_as_they_are_typed(patch: Patch) -> None:
    everywhere(patch, codes.code_key, lambda text: text)


@bug(codes_are_read_without_doubt)
def codes_with_look_alikes(patch: Patch) -> None:
    patch.setattr(codes, "CROCKFORD", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@bug("CAP-05")
def a_bonus_for_the_first_is_for_all(patch: Patch) -> None:
    patch.setattr(situations, "claim", lambda rules: [])
