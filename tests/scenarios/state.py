"""The state of a stage by the names that a scenario expects it by.

A member's state is asked for with loyalty.state, as a screen does, whether or not a sweep has been
there.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from loyalty import consents, ledger, vouchers
from loyalty.calendar import local_date
from loyalty.models import Account, Entry, Identifier, Member, Purchase, Reward, Voucher
from loyalty.state import State, lots_of, state_at, state_of
from tests.scenarios.stage import Stage

OPEN = (Member.Status.ACTIVE, Member.Status.BLOCKED)
SETTLED = "entries"  # what time does is told by the ledger when it was written there


def sums_of(member: Member, at: dt.datetime) -> dict[str, Any]:
    """Balance (less the debt, as a person is told it), pending, debt, carry, lifetime, tier."""
    return _sums(state_of(member, at=at))


def _sums(state: State) -> dict[str, Any]:
    return {
        "balance": state.net,
        "pending": state.pending,
        "debt": state.debt,
        "carry": state.carry,
        "lifetime": state.lifetime,
        "tier": state.tier.name if state.tier else None,
    }


def points_of(stage: Stage, name: str, at: dt.datetime) -> dict[str, Any]:
    """The points and the tier of a member, which a sweep must not change."""
    account = ledger.account_of(stage.members[name])
    state = state_at(account, at) if account else State()
    lots = lots_of(account, at) if account else []
    return {
        **_sums(state),
        "tier_until": _day(stage, state.tier_until),
        "lots": [(lot.remaining, _day(stage, lot.expires_at)) for lot in lots],
    }


def person(stage: Stage, name: str) -> dict[str, Any]:
    """What is known of a member as a person."""
    member = Member.everyone.get(pk=stage.members[name].pk)
    identifiers = Identifier.objects.filter(member=member).exclude(value__in=stage.cards)
    return {
        "status": str(member.status),
        "name": member.name or None,
        "identifiers": sorted(identifiers.values_list("value", flat=True)),
        "marketing": member in consents.audience("marketing"),
    }


def entries_of(stage: Stage, name: str) -> list[tuple[str, int]]:
    """The lines of the ledger about a member, in the order in which they were written."""
    entries = Entry.objects.filter(account__member=stage.members[name]).order_by("pk")
    return list(entries.values_list("kind", "amount"))


def kept_sums(stage: Stage, name: str) -> dict[str, Any]:
    """What the account's row says: exact once everything is settled. No tier is the lowest."""
    account = Account.objects.select_related("tier").get(member=stage.members[name])
    return {
        "balance": account.balance - account.debt,
        "pending": account.pending,
        "debt": account.debt,
        "carry": account.carry,
        "lifetime": account.lifetime,
        **({"tier": account.tier.name} if account.tier else {}),
    }


def voucher_state(stage: Stage, name: str, at: dt.datetime) -> dict[str, Any]:
    known = stage.vouchers.get(name)
    voucher = Voucher.objects.get(pk=known.pk) if known else vouchers.find(name)
    return {
        "status": status_of(stage, voucher, at),
        "remaining": voucher.remaining_value,
        "remaining_value": voucher.remaining_value,
        "used": voucher.used,
        "owner": stage.name_of(voucher.owner),
        "valid_from": voucher.valid_from,
        "valid_until": voucher.valid_until,
    }


def status_of(stage: Stage, voucher: Voucher, at: dt.datetime) -> str:
    """Held and expired follow from the time."""
    if voucher.status != Voucher.Status.ISSUED:
        return str(voucher.status)
    if voucher.valid_until and local_date(at, stage.zone) > voucher.valid_until:
        return "expired"
    return "held" if voucher.hold_until and voucher.hold_until > at else "issued"


def purchase_state(stage: Stage, name: str) -> dict[str, Any]:
    sale = Purchase.objects.select_related("account__member").get(pk=stage.purchases[name].pk)
    return {
        "earned": sale.earned,
        "clawed": sale.clawed,
        "refunded": sale.refunded,
        "flags": sorted(sale.flags),
        "member": stage.name_of(sale.account.member),
    }


def shop_state(stage: Stage, key: str) -> Any:
    """What a scenario can ask of the whole shop."""
    if key == "member_count":
        return Member.objects.filter(status__in=OPEN).count()
    if key == "vouchers_issued":
        return Voucher.objects.filter(reward__isnull=False).exclude(status="voided").count()
    return sorted({flag for sale in Purchase.objects.all() for flag in sale.flags})


def reward_state(stage: Stage, name: str) -> dict[str, Any]:
    return {"stock": Reward.objects.get(pk=stage.rewards[name].pk).stock}


def _day(stage: Stage, instant: dt.datetime | None) -> dt.date | None:
    """The first local date of what begins, or is gone, at an instant."""
    return local_date(instant, stage.zone) if instant else None
