"""Adjustments: points given or taken by hand, by somebody who may, for a reason."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from loyalty import automatic, cards, ledger, operations
from loyalty.book import Book
from loyalty.calendar import LAST, ends
from loyalty.models import Account, Entry, Member, Operation
from loyalty.refusals import (
    BadDate,
    InsufficientPoints,
    NeedsApproval,
    NothingToChange,
    ProgramNotLive,
    ReasonRequired,
    StaffSelfAward,
)
from tenants.actors import Actor
from tenants.models import Staff
from tenants.trace import entry

LONGEST = 140  # signs of a reason


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The line of the ledger that an adjustment is, and the account after it."""

    entry: Entry
    account: Account
    replayed: bool = False


def adjust(
    member: Member,
    points: int,
    *,
    reason: str,
    at: dt.datetime,
    by: Actor,
    key: str,
    approved_by: Staff | None = None,
    allow_negative: bool = False,
    expires: dt.date | None = None,
) -> Adjusted:
    """Give a member `points`, or take as many where they are below zero, and say why.

    An owner may any number, a manager as many as the program's policy says, a cashier none; whoever
    may not needs somebody who may (`approved_by`). Given points repay a debt first, expire as the
    program says or at the end of the local day `expires`, and issue the rewards that come by
    themselves. What is taken beyond the balance is refused, or with `allow_negative` taken from
    points that still wait, and then owed. A blocked card can be put right, a closed one cannot.

    A second call with the key changes nothing and tells the same. Raises ReasonRequired,
    NothingToChange (0), BadDate (`expires` is too far away), ProgramNotLive, NeedsApproval,
    MemberClosed, StaffSelfAward, InsufficientPoints, IdempotencyConflict.
    """
    told = [member.pk, points, reason, approved_by and approved_by.pk, allow_negative, expires]
    print_ = operations.fingerprint("adjust", *told)

    def act() -> Adjusted:
        if not reason.strip():
            raise ReasonRequired
        if not points:
            raise NothingToChange
        if expires and expires > LAST:
            raise BadDate
        with ledger.opened({member.pk}, at=at) as book:
            account = book.accounts.get(member.pk)
            if account is None:
                raise ProgramNotLive
            _refuse(account, book, points, by, approved_by)
            if account.balance + points < 0 and not allow_negative:
                raise InsufficientPoints(missing=account.debt - account.balance - points)
            operation = operations.unsaved("adjust", by, key=key, print_=print_, at=at, result={})
            line = _move(account, book, points, operation, by, reason=reason, expires=expires)
            operation.result = {"entry": str(line.pk)}
            after: dict[str, object] = {"points": points}
            if approved_by:
                after["approved_by"] = str(approved_by.pk)
            book.keep(operation, entry(by, "points.adjusted", line.pk, at=at, after=after))
        return Adjusted(line, account)

    def replay(earlier: Operation) -> Adjusted:
        told = Entry.objects.select_related("account__program", "account__tier")
        line: Entry = told.get(pk=earlier.result["entry"])
        return Adjusted(line, line.account, replayed=True)

    return operations.once("adjust", by, key=key, print_=print_, at=at, act=act, replay=replay)


def _refuse(
    account: Account, book: Book, points: int, by: Actor, approved_by: Staff | None
) -> None:
    """Raises why these two may not move so many points on this card."""
    limit = book.promise(account).policy.adjust_limit
    is_program = by.staff is None and by.manages
    if not is_program and not any(_may(staff, points, limit) for staff in (by.staff, approved_by)):
        raise NeedsApproval
    if account.member.status != Member.Status.BLOCKED:
        cards.refuse_closed(account.member)
    cards.refuse_own(account.member, by)
    if approved_by is not None and account.member.staff_id == approved_by.pk:
        raise StaffSelfAward


def _may(staff: Staff | None, points: int, limit: int) -> bool:
    if staff is None or not staff.is_active:
        return False
    if staff.role == Staff.Role.OWNER:
        return True
    return staff.role == Staff.Role.MANAGER and abs(points) <= limit


def _move(
    account: Account,
    book: Book,
    points: int,
    operation: Operation,
    by: Actor,
    *,
    reason: str,
    expires: dt.date | None,
) -> Entry:
    at, why = operation.at, reason.strip()[:LONGEST]
    kind = Entry.Kind.ADJUST
    if points < 0:
        return book.debit(account, -points, kind=kind, at=at, operation=operation.pk, reason=why)
    gone = ends(expires, book.promise(account).zone) if expires else None
    line = book.credit(
        account, points, kind=kind, at=at, operation=operation.pk, reason=why, expires_at=gone
    )
    book.settle(account, at)  # what was valid through a day gone by is gone at once
    automatic.issue(account, book, at=at, operation=operation.pk, by=by)
    return line
