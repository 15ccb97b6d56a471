"""Two accounts of one person in one program become one, and two again.

Lots move with their own dates, debts with them; so do sales, what counted in them, vouchers, and
the better standing. Entries stay where they were written: what moved is an entry on either side.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from loyalty import tiers
from loyalty.book import Book
from loyalty.lots import NEVER
from loyalty.models import Account, Allocation, Entry, Operation, Purchase, RuleUse, Tier, Voucher

Told = dict[str, Any]  # what join() did, as JSON: so that part() can undo it
OWNED = (("purchases", Purchase), ("rule_uses", RuleUse), ("vouchers", Voucher))
OUT, IN = Entry.Kind.MERGE_OUT, Entry.Kind.MERGE_IN


def join(gone: Account, into: Account, book: Book, operation: Operation) -> Told:
    """Move everything from one account to the other. Both are locked and settled.

    A debt of either is repaid by the other's points. `told["points"]` is what came over, a debt as
    a minus.
    """
    seen = (gone.last_activity, into.last_activity)
    told: Told = {
        "program": str(gone.program_id),
        "gone": _standing(gone),
        "into": _standing(into),
        "carry": gone.carry,
        "lifetime": gone.lifetime,
    }
    told |= _move(gone, into, book, operation)
    for name, model in OWNED:
        rows = model._default_manager.filter(account=gone.pk)
        told[name] = [str(pk) for pk in rows.values_list("pk", flat=True)]
        rows.update(account=into.pk)
    _count_over(gone, into, gone.carry, gone.lifetime)
    # To join cards is no visit: who comes last counts, as it did before.
    gone.last_activity = seen[0]
    into.last_activity = max((each for each in seen if each), default=None)
    _keep_better(gone, into, book, operation.at)
    _close(gone, into, book=book, at=operation.at)
    return told


def part(gone: Account, into: Account, book: Book, operation: Operation, told: Told) -> int:
    """Give back what join() moved, as far as it is still there; returns how many points came back,
    a debt as a minus.
    """
    seen = (gone.last_activity, into.last_activity)
    if told["points"] < 0:
        points = -_owe_again(gone, into, book, operation, UUID(told["entry"]))
    elif told["points"]:
        points = _return(gone, into, book, operation, UUID(told["entry"]))
    else:
        points = 0
    for name, model in OWNED:
        rows = model._default_manager.filter(pk__in=told[name], account=into.pk)
        rows.update(account=gone.pk)
    _count_over(into, gone, told["carry"], told["lifetime"])
    gone.last_activity, into.last_activity = seen
    _stand_again(gone, into, book, operation.at, told)
    _close(gone, into, book=book, at=operation.at)
    return points


def better(one: Account, other: Account) -> Account:
    """The one with the higher tier, or the same for longer."""

    def rank(account: Account) -> tuple[int, dt.datetime]:
        threshold = account.tier.threshold if account.tier else -1
        return (threshold, account.tier_until or NEVER)

    return max(one, other, key=rank)


# Points


def _move(giver: Account, taker: Account, book: Book, operation: Operation) -> Told:
    """All points, or the debt; with the entry that came over."""
    at, there, owed = operation.at, book.shelf(giver).total(), giver.debt
    if there:
        out = book.debit(giver, there, kind=OUT, at=at, operation=operation.pk)
        came = _bring(taker, out, there, book, operation, kind=IN)
    elif owed:
        book.credit(giver, owed, kind=OUT, at=at, operation=operation.pk, counts=False)
        came = book.debit(taker, owed, kind=IN, at=at, operation=operation.pk)
    return {"points": there - owed, "entry": str(came.pk) if there or owed else ""}


def _return(gone: Account, into: Account, book: Book, operation: Operation, entry: UUID) -> int:
    """What is left in the lots that had come over."""
    found = [lot for lot in book.shelf(into) if lot.entry_id == entry]
    left = sum(lot.remaining for lot in found)
    if left:
        at = operation.at
        out = book.debit(into, left, kind=OUT, at=at, operation=operation.pk, source=found)
        _bring(gone, out, left, book, operation, kind=IN)
    return left


def _owe_again(gone: Account, into: Account, book: Book, operation: Operation, entry: UUID) -> int:
    """The debt goes back, and what had repaid it is free again with its own dates."""
    at, came = operation.at, Entry.objects.get(pk=entry)
    paid = sum(Allocation.objects.filter(entry=entry).values_list("amount", flat=True))
    owed = -came.amount
    if paid:
        _bring(into, came, paid, book, operation, kind=OUT)
    if owed > paid:
        rest = owed - paid
        book.credit(into, rest, kind=OUT, at=at, operation=operation.pk, counts=False)
    book.debit(gone, owed, kind=IN, at=at, operation=operation.pk)
    return owed


def _bring(
    account: Account, taken: Entry, amount: int, book: Book, operation: Operation, *, kind: str
) -> Entry:
    """As much as an entry took out of lots, in lots like those."""
    book.flush()
    return book.give_back(
        account, taken, amount, kind=kind, at=operation.at, operation=operation.pk
    )


def _count_over(giver: Account, taker: Account, carry: int, lifetime: int) -> None:
    giver.carry -= carry
    taker.carry += carry
    giver.lifetime -= lifetime
    taker.lifetime += lifetime


# Standing


def _keep_better(gone: Account, into: Account, book: Book, at: dt.datetime) -> None:
    """The better of both tiers, and a higher one if both together have reached it."""
    best = better(into, gone)
    floors = [account.floor_tier for account in (into, gone) if account.floor_tier]
    floor = max(floors, key=lambda tier: tier.threshold, default=None)
    _stand(into, best.tier, best.tier_since, best.tier_until, floor)
    _stand(gone, None, None, None, None)
    if ladder := book.promise(into).ladder:
        book.flush()
        tiers.lift(into, ladder, at)


def _stand_again(gone: Account, into: Account, book: Book, at: dt.datetime, told: Told) -> None:
    """Each stands where it stood, and where its own sales have brought it since."""
    ladder = book.promise(into).ladder
    if ladder is None:
        return
    known = {str(tier.pk): tier for tier in ladder.tiers}
    book.flush()
    for account, was in ((gone, told["gone"]), (into, told["into"])):
        tier, floor = (known.get(was[name] or "") for name in ("tier", "floor"))
        if account is into and into.floor_tier not in _floors(told, known):
            floor = into.floor_tier  # granted since
        _stand(account, tier, _instant(was["since"]), _instant(was["until"]), floor)
        tiers.pass_time(account, ladder, at)
        tiers.lift(account, ladder, at)
        if floor and (account.tier is None or account.tier.threshold < floor.threshold):
            _stand(account, floor, at, None, floor)


def _floors(told: Told, known: dict[str, Tier]) -> list[Tier | None]:
    return [known.get(told[whose]["floor"] or "") for whose in ("gone", "into")]


def _standing(account: Account) -> Told:
    return {
        "tier": str(account.tier_id) if account.tier_id else None,
        "since": account.tier_since.isoformat() if account.tier_since else None,
        "until": account.tier_until.isoformat() if account.tier_until else None,
        "floor": str(account.floor_tier_id) if account.floor_tier_id else None,
    }


def _stand(
    account: Account,
    tier: Tier | None,
    since: dt.datetime | None,
    until: dt.datetime | None,
    floor: Tier | None,
) -> None:
    account.tier, account.tier_since, account.tier_until = tier, since, until
    account.floor_tier = floor


def _instant(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None


def _close(*accounts: Account, book: Book, at: dt.datetime) -> None:
    for account in accounts:
        book.recount(account, at)
        book.mark(account)
