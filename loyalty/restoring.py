"""Points that paid for a voucher come back: undone by hand, with the sale it was used in, or
because they are needed for what is clawed back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q

from loyalty import operations, rewards
from loyalty.book import Book
from loyalty.calendar import local_date
from loyalty.models import Account, Entry, Refund, Voucher
from loyalty.policy import restored_until
from tenants.actors import Actor
from tenants.trace import entry

ISSUED, VOIDED = Voucher.Status.ISSUED, Voucher.Status.VOIDED


def book_of(account: UUID, books: Iterable[Book]) -> tuple[Book, Account]:
    """The book that this account is in, and the account. Begins the command anew where it is in
    none: two cards were joined meanwhile.
    """
    for book in books:
        for each in book.accounts.values():
            if each.pk == account:
                return book, each
    raise operations.TryAgain


def restore(
    voucher: Voucher,
    amount: int,
    account: Account,
    book: Book,
    *,
    at: dt.datetime,
    operation: UUID,
    skip: int = 0,
    refund: Refund | None = None,
) -> None:
    """Give back `amount` of the points that paid for a voucher, after the first `skip` of them:
    with their own dates, but at least for the program's days of grace. What had expired by then
    expires at once.
    """
    promise = book.promise(account)
    paid = Entry.objects.filter(voucher=voucher.pk, kind=Entry.Kind.REDEEM)
    book.give_back(
        account,
        paid.order_by("id")[:1].get(),
        amount,
        kind=Entry.Kind.RESTORE,
        at=at,
        operation=operation,
        voucher=voucher,
        refund=refund,
        not_before=restored_until(promise.policy, at, at, promise.zone),
        skip=skip,
    )


def void_paid(vouchers: Iterable[Voucher]) -> None:
    """Void vouchers whose points are given back, and put their pieces back on the shelf."""
    in_order = sorted(vouchers, key=lambda each: (str(each.reward_id), each.pk))
    for voucher in in_order:
        if voucher.reward_id:
            rewards.put_back(voucher.reward_id)
    for voucher in in_order:
        # A till may have used it since it was read: then what was decided is decided anew.
        seen = Voucher.objects.filter(pk=voucher.pk, status=voucher.status, used=voucher.used)
        if not seen.update(status=VOIDED, held_by=None, hold_until=None):
            raise operations.TryAgain
        voucher.status = VOIDED


def make_room(
    account: Account, amount: int, book: Book, *, at: dt.datetime, operation: UUID, by: Actor
) -> None:
    """Before `amount` points are clawed back that are not there: take unused automatic rewards
    back, the latest first, and only as many as are needed.
    """
    shelf, today = book.shelf(account), local_date(at, book.promise(account).zone)
    if shelf.total() >= amount:
        return
    unused = Voucher.objects.filter(account=account.pk, is_auto=True, status=ISSUED, used=0)
    unused = unused.filter(in_sales=None)  # what is on a bill is as good as used
    still_good = Q(valid_until=None) | Q(valid_until__gte=today)
    for voucher in unused.filter(still_good).order_by("-id"):
        if shelf.total() >= amount:
            return
        void_paid([voucher])
        restore(voucher, voucher.cost, account, book, at=at, operation=operation)
        book.keep(entry(by, "reward.taken_back", voucher.pk, at=at))
