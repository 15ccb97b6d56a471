"""What tests of points do at the counter, and how they look at the books after it."""

from __future__ import annotations

import itertools

from loyalty import ledger, purchases
from loyalty.adjustments import adjust
from loyalty.models import Account, Allocation, Entry, Lot, Program, Reward, Voucher
from loyalty.policy import Policy
from tenants.actors import Actor
from tests.conftest import NOW

_number = itertools.count(1)


def key() -> str:
    """A key that no other command has."""
    return f"key {next(_number)}"


def give(shop, points, **options):
    """The owner gives (or takes) points by hand."""
    options = {"reason": "test", "at": NOW, "by": Actor.of_staff(shop.owner), **options}
    return adjust(options.pop("member", shop.member), points, key=key(), **options)


def sell(shop, total, **options):
    """The cashier records a sale."""
    options = {"at": NOW, "by": shop.till, "key": key(), **options}
    return purchases.record(options.pop("member", shop.member), total, **options)


def reward(shop, kind="item", cost=100, **fields):
    """A live reward of the shop's program."""
    fields = {"name": "A reward", **fields}
    return Reward.objects.create(program=shop.program, kind=kind, cost=cost, **fields)


def promise(shop, **policy):
    """Let the shop's program promise this."""
    Policy.read(policy)
    Program.objects.filter(pk=shop.program.pk).update(policy=policy)


def account(shop, member=None) -> Account:
    """The member's account as it is kept, once the books were found to be in order."""
    found = ledger.account_of(member or shop.member)
    lots = list(Lot.objects.filter(account=found))
    entries = sum(Entry.objects.filter(account=found).values_list("amount", flat=True))
    assert entries == sum(lot.remaining for lot in lots) - found.debt
    assert found.balance + found.pending == sum(lot.remaining for lot in lots)
    for lot in lots:
        taken = sum(Allocation.objects.filter(lot=lot).values_list("amount", flat=True))
        assert lot.remaining == lot.amount - taken
    return found


def has(shop, member=None) -> int:
    """The points she can spend, a debt as a minus."""
    found = account(shop, member)
    return found.balance - found.debt


def lines(shop, member=None) -> list[tuple[str, int]]:
    """The member's lines of the ledger, as they were written."""
    found = Entry.objects.filter(account__member=member or shop.member)
    return list(found.order_by("pk").values_list("kind", "amount"))


def status(voucher) -> str:
    """What has become of a voucher."""
    return str(Voucher.objects.get(pk=voucher.pk).status)
