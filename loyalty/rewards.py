"""Rewards: what points buy, who may have it, and what it takes off a bill."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext_lazy as _

from loyalty import conditions
from loyalty.conditions import Conditions
from loyalty.models import Account, Program, Reward, Voucher
from loyalty.policy import LONGEST_DAYS
from loyalty.refusals import (
    BadSetting,
    BelowMinimum,
    InsufficientPoints,
    MemberLimit,
    MinSpend,
    OutOfStock,
    RewardUnavailable,
    TierRequired,
)
from loyalty.windows import period
from tenants.actors import Actor
from tenants.trace import write

Kind = Voucher.Kind
WHOLE = 100  # per cent
MOST, LONGEST_NAME = 10**9, 80
TOO_MUCH = _("That is too much.")
OF_MONEY = (Kind.AMOUNT, Kind.PAY, Kind.GIFT_CARD)


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants a reward, when and where, and whether it is used at once. `total` is the bill in
    minor units, None where there is none yet; `points` is how many she would pay with, for a reward
    of that kind. `had` are the times at which she got this reward before.
    """

    account: Account
    at: dt.datetime
    zone: dt.tzinfo
    uses: bool = False
    total: int | None = None
    points: int | None = None
    location: str = ""
    had: Sequence[dt.datetime] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What a reward costs in points, what it is worth, and what it takes off the bill, in minor
    units.
    """

    cost: int
    value: int
    discount: int


def agree(reward: Reward, wish: Wish) -> Terms:
    """The terms on which she gets the reward now. Whether one is in stock is asked when it is
    taken.

    Raises RewardUnavailable, TierRequired, MemberLimit, MinSpend, BelowMinimum,
    InsufficientPoints, in this order.
    """
    told, account = conditions.read(reward.conditions), wish.account
    is_open = reward.is_active and reward.status == Reward.Status.LIVE
    is_here = not (told.locations and wish.location) or wish.location in told.locations
    is_ours = reward.program_id == account.program_id
    if not (is_open and is_here and is_ours and told.is_open(wish.at, wish.zone)):
        raise RewardUnavailable
    if told.tiers and (account.tier is None or account.tier.name not in told.tiers):
        raise TierRequired(tiers=", ".join(sorted(told.tiers)))
    if _is_used_up(reward, told, wish):
        raise MemberLimit
    if (wish.total or 0) < told.min_spend and (wish.uses or wish.total is not None):
        raise MinSpend
    if reward.kind == Reward.Kind.PAY:
        return _pay(told, wish)
    if account.balance < reward.cost:
        raise InsufficientPoints(missing=reward.cost - account.balance + account.debt)
    off = discount_of(
        reward.kind,
        reward.value,
        wish.total,
        max_discount=told.max_discount,
        max_percent=told.max_percent,
    )
    return Terms(reward.cost, reward.value, off)


def discount_of(
    kind: str,
    value: int,
    total: int | None,
    *,
    max_discount: int | None = None,
    max_percent: int | None = None,
) -> int:
    """What a reward or voucher takes off a bill of `total`: never more than the bill, nor than so
    many minor units or so many per cent of it. A thing takes its price off the bill it is on.
    Without a bill, an amount is worth itself, a percentage and a thing take nothing off.
    """
    off = value if kind in OF_MONEY else 0
    if kind == Kind.PERCENT:
        off = (total or 0) * value // WHOLE
    if total is not None:
        off = min(off, total * (WHOLE if max_percent is None else max_percent) // WHOLE)
    return off if max_discount is None else min(off, max_discount)


def is_limited(reward: Reward) -> bool:
    """Does each member get it only so often?"""
    return reward.per_member is not None or bool(reward.conditions.get("limit"))


def had_by(account: UUID, rewards: Collection[Reward]) -> dict[UUID, list[dt.datetime]]:
    """When this account got each of these rewards, so far as they are limited and were not given
    back. One statement, none where no reward is limited.
    """
    limited = [reward.pk for reward in rewards if is_limited(reward)]
    found: dict[UUID, list[dt.datetime]] = {}
    if limited:
        given = Voucher.objects.filter(account=account, reward__in=limited)
        given = given.exclude(status=Voucher.Status.VOIDED)
        for pk, at in given.values_list("reward", "issued_at"):
            found.setdefault(pk, []).append(at)
    return found


def take_one(reward: Reward) -> None:
    """Take a piece from the shelf. One statement both asks and takes, so two tills cannot take the
    last one. Raises OutOfStock.
    """
    if reward.stock is None:
        return
    left = Reward.objects.filter(pk=reward.pk, stock__gt=0)
    if not left.update(stock=F("stock") - 1):
        raise OutOfStock


def put_back(reward: UUID) -> None:
    """The piece that was taken lies on the shelf again."""
    Reward.everyone.filter(pk=reward, stock__isnull=False).update(stock=F("stock") + 1)


# What an owner does with them


def create(
    program: Program,
    kind: str,
    name: str,
    *,
    at: dt.datetime,
    by: Actor,
    cost: int = 0,
    value: int = 0,
    told: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Reward:
    """A new reward of the program. `told` are its conditions; `fields` are further ones of Reward
    (stock, per_member, valid_days, unit_cost, is_auto, status, position).

    Raises BadSetting and BadConditions, which name the field, having changed nothing.
    """
    read = conditions.read(told or {})
    fields.setdefault("position", _last_position(program) + 1)
    reward = Reward(program=program, kind=kind, name=name.strip(), cost=cost, value=value, **fields)
    reward.conditions = read.as_data()
    check(reward, read)
    with transaction.atomic():
        reward.save(force_insert=True)
        write(by, "reward.created", reward.pk, at=at, after={"kind": kind, "cost": cost})
    return reward


def set_status(reward: Reward, status: str, *, at: dt.datetime, by: Actor) -> Reward:
    """Offer a reward, pause it or end it. One that was ended stays so. Vouchers that were issued
    stay good. A second call changes nothing. Raises BadSetting.
    """
    with transaction.atomic():
        locked: Reward = Reward.objects.select_for_update().get(pk=reward.pk)
        before = locked.status
        if before == status:
            return locked
        if before == Reward.Status.ENDED or status not in Reward.Status.values:
            raise BadSetting("status", _("What was ended is over; make a new one instead."))
        locked.status = status
        locked.save(update_fields=["status"])
        changed = {"before": {"status": before}, "after": {"status": status}}
        write(by, "reward.changed", locked.pk, at=at, **changed)
    return locked


def restock(reward: Reward, stock: int | None, *, at: dt.datetime, by: Actor) -> Reward:
    """Say how many pieces there are now, or None for as many as one likes. Raises BadSetting."""
    if stock is not None and stock < 0:
        raise BadSetting("stock", _("There cannot be less than none."))
    if stock is not None and stock > MOST:
        raise BadSetting("stock", TOO_MUCH)
    with transaction.atomic():
        locked: Reward = Reward.objects.select_for_update().get(pk=reward.pk)
        before, locked.stock = locked.stock, stock
        locked.save(update_fields=["stock"])
        changed = {"before": {"stock": before}, "after": {"stock": stock}}
        write(by, "reward.changed", locked.pk, at=at, **changed)
    return locked


# Inside


def _last_position(program: Program) -> int:
    last = Reward.objects.filter(program=program.pk).aggregate(m=Max("position"))["m"]
    return int(last or 0)


def _is_used_up(reward: Reward, told: Conditions, wish: Wish) -> bool:
    if reward.per_member is not None and len(wish.had) >= reward.per_member:
        return True
    if told.limit is None:
        return False
    within = period(told.limit.per, wish.at, wish.zone)
    had = [at for at in wish.had if within is None or within[0] <= at < within[1]]
    return len(had) >= told.limit.times


def _pay(told: Conditions, wish: Wish) -> Terms:
    """Points as money: as many whole steps of the rate as she wants, has, and the bill allows."""
    if told.rate is None:
        raise RewardUnavailable
    balance = wish.account.balance
    steps = min(balance, balance if wish.points is None else wish.points) // told.rate.points
    worth = discount_of(
        Kind.PAY,
        steps * told.rate.value,
        wish.total,
        max_discount=told.max_discount,
        max_percent=told.max_percent,
    )
    steps = min(steps, worth // told.rate.value)
    cost, value = steps * told.rate.points, steps * told.rate.value
    least = max(told.min_points, told.rate.points)
    if cost < least:
        raise BelowMinimum(minimum=least)
    return Terms(cost, value, value)


def check(reward: Reward, told: Conditions) -> None:
    """Raises BadSetting, which names the field, for a reward that cannot be."""
    kinds = Reward.Kind
    is_pay = reward.kind == kinds.PAY
    numbers = ("cost", "value", "unit_cost", "stock", "per_member", "valid_days")
    most = max(getattr(reward, name) or 0 for name in numbers)
    wrong: list[tuple[bool, str, Any]] = [
        (most > MOST, next((n for n in numbers if (getattr(reward, n) or 0) > MOST), ""), TOO_MUCH),
        ((reward.valid_days or 0) > LONGEST_DAYS, "valid_days", TOO_MUCH),
        (len(reward.name) > LONGEST_NAME, "name", _("That name is too long.")),
        (reward.kind not in kinds.values, "kind", _("There is no such kind of reward.")),
        (not reward.name, "name", _("Give it a name that guests understand.")),
        (min(reward.cost, reward.value) < 0, "cost", _("Nothing here can be below zero.")),
        (not is_pay and reward.cost == 0, "cost", _("Say how many points it costs.")),
        (
            reward.kind == kinds.PERCENT and not 1 <= reward.value <= WHOLE,
            "value",
            _("Give a percentage from 1 to 100."),
        ),
        (
            reward.kind == kinds.AMOUNT and reward.value == 0,
            "value",
            _("Say how much it takes off the bill."),
        ),
        (is_pay and told.rate is None, "rate", _("Say how many points pay how much.")),
        (is_pay and reward.is_auto, "is_auto", _("Whoever pays with points says how many.")),
    ]
    for is_wrong, field, why in wrong:
        if is_wrong:
            raise BadSetting(field, why)
