"""One sale comes back, or a part of it: what follows for the points, and in which order.

What paid for the sale is given back first, so that nothing is owed which is coming back anyway.
Then what the rest of it does not earn is clawed back, then what others got for it; then her tier
is looked at again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loyalty import automatic, referring, restoring, situations, tiers
from loyalty.book import Book
from loyalty.models import (
    Account,
    Member,
    Operation,
    Purchase,
    Redemption,
    Refund,
    RuleUse,
    Voucher,
)
from loyalty.operations import TryAgain
from loyalty.policy import CLAMP
from loyalty.refusals import NegativeAmount, NothingToChange, RefundExceedsPurchase
from loyalty.remains import Rest
from tenants.actors import Actor
from tenants.ids import uuid7
from tenants.trace import entry


@dataclass(frozen=True, slots=True)
class Refunded:
    """What taking goods back did, in points: `clawed` back in all, of which `taken` were there or
    are owed (the rest is forgiven); `restored` of those that paid for the sale. `debt` is what the
    member owed after it.
    """

    refund: Refund
    purchase: Purchase
    account: Account
    clawed: int
    taken: int
    debt: int
    restored: int
    replayed: bool = False


class TakingBack:
    """One refund of one sale, whose account and everybody else's that it concerns are locked."""

    def __init__(
        self,
        sale: Purchase,
        account: Account,
        book: Book,
        operation: Operation,
        by: Actor,
        *,
        approved_by: Actor | None = None,
    ) -> None:
        self.approved_by = approved_by
        self.sale, self.account, self.book = sale, account, book
        self.operation, self.at, self.by = operation, operation.at, by
        self.earlier = list(Refund.objects.filter(purchase=sale.pk).order_by("id"))
        self.rest = Rest(sale.total, sale.lines)
        for each in self.earlier:
            self.rest.take(each.amount, each.lines)

    @property
    def is_over(self) -> bool:
        """Is nothing left of the sale? Of a sale of nothing, one refund is the whole."""
        return self.rest.total == 0 and bool(self.earlier)

    def asked(self, amount: int | None, lines: Mapping[str, int] | None) -> int:
        """The minor units that are to be given back; raises why they cannot be."""
        if lines is not None:
            if not lines:
                raise NothingToChange
            return self.rest.money_for(lines)
        if self.is_over:
            raise RefundExceedsPurchase
        if amount is None:
            return self.rest.total
        if amount < 0:
            raise NegativeAmount
        if not amount:
            raise NothingToChange
        if amount > self.rest.total:
            raise RefundExceedsPurchase
        return amount

    def carry_out(
        self, amount: int, *, lines: Mapping[str, int] | None = None, ref: str = ""
    ) -> Refunded:
        sale, account, book = self.sale, self.account, self.book
        self.refund = Refund(
            id=uuid7(),
            purchase=sale,
            ref=ref,
            amount=amount,
            lines=None if lines is None else dict(lines),
            occurred_at=self.at,
            staff=self.by.staff,
        )
        book.keep(self.refund)
        clawed = self._reprice(amount, lines)
        self._uses()  # rules are locked before rewards, as in a sale
        restored = self._restore()
        taken = self._claw_back(account, clawed) if clawed else 0
        self._presents()
        book.touch(account, self.at)
        book.flush()
        if ladder := book.promise(account).ladder:
            tiers.look_again(account, ladder, sale, self.at)
            book.mark(account)
        if account.program.is_live:
            automatic.issue(account, book, at=self.at, operation=self.operation.pk, by=self.by)
        return self._written(clawed, taken, restored)

    @property
    def _is_whole(self) -> bool:
        return self.rest.total == 0

    def _reprice(self, amount: int, lines: Mapping[str, int] | None) -> int:
        """How many points the sale gave too much for what is left of it. Carried cents go back
        too.
        """
        sale, rest = self.sale, self.rest
        before = rest.price(sale.snapshot)
        rest.take(amount, lines)
        after = rest.price(sale.snapshot)
        self.account.carry += after.carry - before.carry
        clawed = max(0, sale.earned - sale.clawed - after.points)
        sale.refunded += amount
        sale.clawed += clawed
        sale.save(update_fields=["refunded", "clawed"])
        return clawed

    def _restore(self) -> int:
        """Give back the points that paid for the sale: for a reward with the whole of it, for money
        in proportion. Returns how many. A card that is closed gets nothing.
        """
        used = Redemption.objects.filter(purchase=self.sale.pk).select_related("voucher")
        due = {each: self._due(each.voucher) - each.restored for each in used.order_by("id")}
        due = {each: points for each, points in due.items() if points > 0}
        if self._is_whole:
            restoring.void_paid(each.voucher for each in due)
        given = 0
        for each, points in due.items():
            if each.voucher.account_id is None:
                continue
            book, payer = restoring.book_of(each.voucher.account_id, [self.book])
            if payer.member.status == Member.Status.ERASED:
                continue
            restoring.restore(
                each.voucher,
                points,
                payer,
                book,
                at=self.at,
                operation=self.operation.pk,
                skip=each.restored,
                refund=self.refund,
            )
            given += points
            each.restored += points
            each.save(update_fields=["restored"])
        return given

    def _due(self, voucher: Voucher) -> int:
        """The points that are given back for a voucher in all, with this refund."""
        if self._is_whole:
            return voucher.cost
        is_money = voucher.kind == Voucher.Kind.PAY
        return voucher.cost * self.sale.refunded // self.sale.total if is_money else 0

    def _claw_back(self, account: Account, points: int) -> int:
        """Take points back, from what is there or as a debt; returns how many."""
        at, operation = self.at, self.operation.pk
        restoring.make_room(account, points, self.book, at=at, operation=operation, by=self.by)
        is_gone = account.member.status == Member.Status.ERASED  # who has gone cannot owe
        return self.book.claw_back(
            account,
            points,
            at=at,
            operation=operation,
            purchase=self.sale,
            refund=self.refund,
            forgives=is_gone or self.book.promise(account).policy.clawback == CLAMP,
        )

    def _presents(self) -> None:
        """What she and whoever brought her got for this sale, if for the rest they would not."""
        if self._qualifies() or not (referral := referring.paid_with(self.sale)):
            return
        for member, points in referring.given_for(self.sale):
            if member not in self.book.accounts:
                raise TryAgain  # her card was joined with another meanwhile
            self._claw_back(self.book.accounts[member], points)
        referring.reopen(referral)

    def _qualifies(self) -> bool:
        """Would a referral be paid for what is left? Today's minimum is not held against a sale
        that never reached it.
        """
        sale = self.sale
        if self._is_whole:
            return False
        least = self.book.promise(self.account).policy.referral.min_spend
        net = sale.total - sale.reward_discount
        return net < least or self.rest.total * net >= least * sale.total

    def _uses(self) -> None:
        """Of a rule for the first so many, somebody else may have the place of this sale."""
        if not self._is_whole:
            return
        uses = RuleUse.objects.filter(purchase=self.sale.pk).select_related("rule")
        situations.release(
            str(use.rule_id) for use in uses if use.rule.conditions.get("total_uses") is not None
        )

    def _written(self, clawed: int, taken: int, restored: int) -> Refunded:
        account, operation = self.account, self.operation
        points = {"clawed": clawed, "taken": taken, "debt": account.debt, "restored": restored}
        operation.result = {"refund": str(self.refund.pk), **points}
        act = "purchase.voided" if operation.verb == "void" else "purchase.refunded"
        after: dict[str, object] = {"amount": self.refund.amount, "points": clawed}
        if self.approved_by:
            after["approved_by"] = self.approved_by.who
        self.book.keep(operation, entry(self.by, act, self.sale.pk, at=self.at, after=after))
        return Refunded(self.refund, self.sale, account, clawed, taken, account.debt, restored)
