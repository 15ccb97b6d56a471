"""Rewards that come by themselves: a stamp card that is full becomes a voucher.

What is over begins the next card. A refund takes an unused one back before it makes a debt.
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from loyalty import rewards
from loyalty.book import Book
from loyalty.calendar import local_date
from loyalty.codes import code_key, new_code
from loyalty.models import Account, Entry, Reward, Voucher
from loyalty.refusals import Refusal
from loyalty.rewards import Wish
from tenants.actors import Actor
from tenants.ids import uuid7
from tenants.trace import entry


def issue(
    account: Account, book: Book, *, at: dt.datetime, operation: UUID | None, by: Actor
) -> list[Voucher]:
    """A voucher for each automatic reward that the balance is enough for. No statement where the
    program has none.
    """
    issued: list[Voucher] = []
    if not book.has_automatic(account):
        return issued
    for reward in book.promise(account).automatic:
        while account.balance >= reward.cost and _is_given(reward, account, book, at):
            voucher = voucher_of(reward, account, at=at, zone=book.promise(account).zone)
            voucher.is_auto = True
            book.keep(voucher)
            book.debit(
                account,
                reward.cost,
                kind=Entry.Kind.REDEEM,
                at=at,
                operation=operation,
                voucher=voucher,
            )
            book.keep(entry(by, "reward.issued", voucher.pk, at=at, after={"cost": reward.cost}))
            issued.append(voucher)
    return issued


def _is_given(reward: Reward, account: Account, book: Book, at: dt.datetime) -> bool:
    """Whether its own conditions hold, and one is left; if so, it is taken."""
    if rewards.is_limited(reward):
        book.flush()
    had = rewards.had_by(account.pk, [reward]).get(reward.pk, [])
    try:
        rewards.agree(reward, Wish(account, at, book.promise(account).zone, had=had))
        rewards.take_one(reward)
    except Refusal:
        return False
    return True


def voucher_of(
    reward: Reward,
    account: Account,
    *,
    at: dt.datetime,
    zone: dt.tzinfo,
    cost: int | None = None,
    value: int | None = None,
) -> Voucher:
    """The unsaved voucher of a reward that this account has paid for: valid for the reward's days,
    the day of issue not counted.
    """
    days = reward.valid_days
    today = local_date(at, zone)
    code = new_code()
    worth = reward.value if value is None else value
    return Voucher(
        id=uuid7(),
        code=code,
        code_key=code_key(code),
        kind=reward.kind,
        value=worth,
        remaining_value=worth,
        owner=account.member,
        reward=reward,
        account=account,
        cost=reward.cost if cost is None else cost,
        issued_at=at,
        valid_until=None if days is None else today + dt.timedelta(days=days),
        min_spend=reward.conditions.get("min_spend") or 0,
        max_discount=reward.conditions.get("max_discount"),
    )
