"""What a member gets who brought another: paid with the friend's first sale that is large enough,
and taken back with it.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models.functions import Coalesce

from loyalty.book import Book
from loyalty.models import Account, Entry, Purchase, Referral
from loyalty.operations import TryAgain

REASON = "referral"


class ReferrerNotLocked(TryAgain):
    """A sale pays this member too, whose account was not locked with the buyer's: begin anew with
    both, because locks are taken in one order.
    """

    def __init__(self, member: UUID) -> None:
        super().__init__(str(member))
        self.member = member


def referrers_of(members: Collection[UUID]) -> set[UUID]:
    """The members who wait for a sale of these: their accounts are locked with theirs. One
    statement.
    """
    waiting = Referral.objects.filter(
        friend__in=members, status=Referral.Status.PENDING, referrer__status="active"
    )
    return set(waiting.values_list("referrer", flat=True))


def pay(account: Account, book: Book, purchase: Purchase, *, operation: UUID) -> None:
    """Pay the friend, and who brought her while that is below the cap, if this sale is the one.
    No statement where the program pays nobody or nobody waits.
    """
    bonus = book.promise(account).policy.referral
    if not (bonus.referrer or bonus.friend) or purchase.total - purchase.reward_discount < max(
        1, bonus.min_spend
    ):
        return
    waiting = Referral.objects.filter(friend=account.member_id, status=Referral.Status.PENDING)
    referral = waiting.select_related("referrer").first()
    if referral is None:
        return
    referrer = book.accounts.get(referral.referrer_id)
    if referrer is None and bonus.referrer and referral.referrer.is_open:
        raise ReferrerNotLocked(referral.referrer_id)
    paid = Referral.objects.filter(referrer=referral.referrer_id, status=Referral.Status.PAID)
    at = purchase.occurred_at
    if bonus.friend:
        _credit(book, account, bonus.friend, purchase, operation)
    if bonus.referrer and referrer and (bonus.cap is None or paid.count() < bonus.cap):
        book.settle(referrer, at)
        _credit(book, referrer, bonus.referrer, purchase, operation)
    book.flush()
    referral.status, referral.purchase, referral.paid_at = Referral.Status.PAID, purchase, at
    referral.save(update_fields=["status", "purchase", "paid_at"])


def paid_with(purchase: Purchase) -> Referral | None:
    """The referral that this sale paid, if any. One statement."""
    found: Referral | None = Referral.objects.filter(
        purchase=purchase.pk, status=Referral.Status.PAID
    ).first()
    return found


def given_for(purchase: Purchase) -> list[tuple[UUID, int]]:
    """What this sale gave as presents for bringing somebody, as members with points. Of a card that
    was joined with another, it is the one that was kept. One statement.
    """
    presents = Entry.objects.filter(purchase=purchase.pk, kind=Entry.Kind.BONUS, reason=REASON)
    holders = Coalesce("account__member__merged_into", "account__member")
    return list(presents.order_by("id").values_list(holders, "amount"))


def reopen(referral: Referral) -> None:
    """The sale that paid it was returned: the friend's next one may pay it anew."""
    referral.status, referral.purchase, referral.paid_at = Referral.Status.PENDING, None, None
    referral.save(update_fields=["status", "purchase", "paid_at"])


def _credit(book: Book, account: Account, points: int, purchase: Purchase, operation: UUID) -> None:
    book.credit(
        account,
        points,
        kind=Entry.Kind.BONUS,
        at=purchase.occurred_at,
        operation=operation,
        purchase=purchase,
        reason=REASON,
    )
