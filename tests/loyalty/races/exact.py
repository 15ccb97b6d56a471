"""The books after a race: everything that must be so, whoever was first."""

from __future__ import annotations

from django.db.models import F, Sum

from loyalty.books import walk
from loyalty.models import Account, Allocation, Entry, Lot, Member, Purchase, Voucher
from loyalty.state import state_of


def exact() -> None:
    """The sums of the whole shop are exact: by the walk that the owner sees, and by plain sums."""
    assert [str(fault) for fault in walk()] == []
    for account in Account.objects.annotate(moved=Sum("entries__amount")):
        lots = Lot.objects.filter(account=account).aggregate(left=Sum("remaining"))
        left = lots["left"] or 0
        assert (account.moved or 0) == left - account.debt
        assert account.balance + account.pending == left
        assert not (account.debt and left)
    for lot in Lot.objects.annotate(taken=Sum("allocations__amount")):
        assert lot.remaining == lot.amount - (lot.taken or 0)
    assert not Allocation.objects.exclude(entry__account=F("lot__account")).exists()
    assert not Purchase.objects.filter(clawed__gt=F("earned")).exists()
    assert not Voucher.objects.filter(used__gt=F("uses")).exists()


def balance(member: Member, at) -> int:
    """What she can spend, less what she owes."""
    return state_of(member, at=at).net


def entries(member: Member) -> list[tuple[str, int]]:
    """The lines of the ledger about a member."""
    found = Entry.objects.filter(account__member=member).order_by("pk")
    return list(found.values_list("kind", "amount"))
