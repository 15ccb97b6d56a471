"""What a member has, at any instant: exact whether or not anybody has swept.

While nothing is due this is the account's row. Else it is computed from her open lots, and nothing
is written: the next command on the account, or the sweep, does that.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from loyalty import ledger, programs, tiers
from loyalty.lots import Shelf, death
from loyalty.models import Account, Lot, Member, Tier


@dataclass(frozen=True, slots=True)
class State:
    """Points she can spend, will be able to, and owes; what is carried over; her tier and the first
    instant without it.
    """

    balance: int = 0
    pending: int = 0
    debt: int = 0
    carry: int = 0
    lifetime: int = 0
    tier: Tier | None = None
    tier_until: dt.datetime | None = None

    @property
    def net(self) -> int:
        """What stands in the account, a debt as a minus."""
        return self.balance - self.debt


def state_of(member: Member, *, at: dt.datetime) -> State:
    """Her account in the live program at `at`. One statement while nothing is due and she has a
    tier, if there are any.
    """
    account = ledger.account_of(member)
    return state_at(account, at) if account else State()


def state_at(account: Account, at: dt.datetime) -> State:
    """The same of an account that was read with its program and tenant. It is not changed."""
    balance, pending = account.balance, account.pending
    tier, until = account.tier, account.tier_until
    is_due = account.next_change_at is not None and account.next_change_at <= at
    is_new = tier is None and "tiers" in account.program.policy
    if not (is_due or is_new):
        return State(balance, pending, account.debt, account.carry, account.lifetime, tier, until)
    promise = programs.promise_of(account.program, zone=account.tenant.zone)
    if is_due:
        alive = lots_of(account, at, promise)
        balance = sum(lot.remaining for lot in alive if lot.available_at <= at)
        pending = sum(lot.remaining for lot in alive) - balance
    if ladder := promise.ladder:
        told = Account(pk=account.pk, tier=tier, tier_until=until)
        told.tier_since, told.floor_tier = account.tier_since, account.floor_tier
        tiers.pass_time(told, ladder, at)
        tier, until = told.tier, told.tier_until
    return State(balance, pending, account.debt, account.carry, account.lifetime, tier, until)


def lots_of(
    account: Account, at: dt.datetime, promise: programs.Promise | None = None
) -> list[Lot]:
    """Her lots that hold points at `at`, in the order they will be spent."""
    promise = promise or programs.promise_of(account.program, zone=account.tenant.zone)
    ends = ((lot, death(lot, account.last_activity, promise)) for lot in Shelf(account))
    return [lot for lot, end in ends if end is None or end > at]
