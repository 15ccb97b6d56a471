"""Two cards of one person become one card: what hung on the one that goes hangs on the one that is
kept. It can be looked at before, and undone after.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from loyalty import (
    automatic,
    cards,
    finding,
    identities,
    joining,
    ledger,
    operations,
    programs,
    state,
    tiers,
)
from loyalty.book import Book
from loyalty.models import (
    Account,
    Consent,
    Identifier,
    Member,
    Merge,
    Operation,
    Purchase,
    Tier,
    Voucher,
)
from loyalty.refusals import AlreadyMerged, AlreadyReversed, MemberClosed, SameMember
from tenants.actors import Actor
from tenants.trace import write

Status = Member.Status
Told = dict[str, Any]  # what changed hands, as JSON in Merge.moved


@dataclass(frozen=True, slots=True)
class Preview:
    """What a merge would move: spendable and pending points, a debt; and how many identifiers,
    sales and vouchers. `tier` is where the kept card would stand, `mails` whether it could be
    written to.
    """

    points: int
    pending: int
    debt: int
    identifiers: int
    purchases: int
    vouchers: int
    tier: Tier | None
    mails: bool


@dataclass(frozen=True, slots=True)
class Merged:
    """`moved` points came over in the live program, a debt as a minus. `issued` are rewards that
    both together were enough for.
    """

    merge: Merge
    moved: int
    issued: tuple[Voucher, ...] = ()
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Unmerged:
    """`returned` points went back in the live program; `spent` had come over and are gone since."""

    merge: Merge
    returned: int
    spent: int
    replayed: bool = False


def preview(gone: Member, into: Member, *, at: dt.datetime) -> Preview:
    """What merge() would do now. Nothing is written; refused as merge() is."""
    people = Member.everyone.in_bulk([gone.pk, into.pk])
    _refuse(people[gone.pk], people[into.pk])
    has = state.state_of(gone, at=at)
    marketing = Consent.Purpose.MARKETING
    return Preview(
        points=has.balance,
        pending=has.pending,
        debt=has.debt,
        identifiers=Identifier.objects.filter(member=gone.pk).count(),
        purchases=Purchase.objects.filter(account__member=gone.pk).count(),
        vouchers=Voucher.objects.filter(owner=gone.pk, status=Voucher.Status.ISSUED).count(),
        tier=_tier_of_both(gone, into, at),
        mails=all(identities.agrees(member, marketing) for member in (gone, into)),
    )


def merge(gone: Member, into: Member, *, at: dt.datetime, by: Actor, key: str) -> Merged:
    """Join the card of `gone` with that of `into`, which is kept.

    Points move with their dates; a debt of either is repaid by the other's. Sales, vouchers,
    phones, addresses and cards follow; the better tier is kept, and raised if both together have
    reached more; the kept card gets the name and birthday that it lacks. She is written to only if
    she agreed on both. What was given once (a birthday, a friend's bonus) is not given again.

    A second call with the key tells the same. Raises SameMember, AlreadyMerged (either was joined
    before), MemberClosed (either is erased), MemberBlocked, StaffSelfAward, IdempotencyConflict.
    """
    print_ = operations.fingerprint("merge", gone.pk, into.pk)

    def act() -> Merged:
        # With the cards that were joined with hers before: they will be joined with the other.
        joined = finding.all_cards([gone.pk])
        with ledger.opened_everywhere({into.pk, *joined}, at=at) as (people, books):
            old, new = people[gone.pk], people[into.pk]
            _refuse(old, new)
            if finding.all_cards([gone.pk]) != joined:
                raise operations.TryAgain
            for member in (old, new):
                cards.refuse_own(member, by)
            operation = operations.unsaved("merge", by, key=key, print_=print_, at=at, result={})
            told = identities.join(old, new, at=at, by=by)
            told["accounts"] = _join_accounts(old, new, books, operation)
            done = Merge.objects.create(kept=new, gone=old, at=at, who=by.who, moved=told)
            issued = _issue(new, books, operation, by)
            moved = _points(told["accounts"], books)
            operation.result = {"merge": str(done.pk), "moved": moved}
            operation.save(force_insert=True)
            after = {"gone": str(old.pk), "points": moved}
            write(by, "members.merged", new.pk, at=at, after=after)
        return Merged(done, moved, tuple(issued))

    def replay(earlier: Operation) -> Merged:
        done = Merge.objects.get(pk=earlier.result["merge"])
        return Merged(done, earlier.result["moved"], replayed=True)

    return operations.once("merge", by, key=key, print_=print_, at=at, act=act, replay=replay)


def unmerge(merge: Merge, *, at: dt.datetime, by: Actor, key: str) -> Unmerged:
    """Part two cards again that were one person's by mistake: the one that had gone is open again,
    with its phones, sales, vouchers and standing, and with what is left of its points. What was
    spent or has expired meanwhile stays so; what was earned meanwhile stays with the kept card.

    A second call with the key tells the same. Raises AlreadyReversed, AlreadyMerged (the kept card
    was joined with another since: part those first), MemberClosed (erased since),
    IdempotencyConflict.
    """
    print_ = operations.fingerprint("unmerge", merge.pk)

    def act() -> Unmerged:
        members = {merge.gone_id, merge.kept_id, *map(UUID, merge.moved["joined"])}
        with ledger.opened_everywhere(members, at=at) as (people, books):
            done = Merge.objects.select_for_update().get(pk=merge.pk)
            old, new = people[merge.gone_id], people[merge.kept_id]
            _refuse_parting(done, old, new)
            operation = operations.unsaved("unmerge", by, key=key, print_=print_, at=at, result={})
            identities.part(old, new, done.moved, at=at, by=by)
            returned = _part_accounts(old, new, books, operation, done.moved["accounts"])
            moved = _points(done.moved["accounts"], books)
            spent = max(0, moved - returned)
            told = {"returned": returned, "spent": spent}
            done.undone_at = at
            done.save(update_fields=["undone_at"])
            operation.result = told
            operation.save(force_insert=True)
            after = {"gone": str(old.pk), **told}
            write(by, "members.parted", new.pk, at=at, after=after)
        return Unmerged(done, returned, spent)

    def replay(earlier: Operation) -> Unmerged:
        return Unmerged(Merge.objects.get(pk=merge.pk), **earlier.result, replayed=True)

    return operations.once("unmerge", by, key=key, print_=print_, at=at, act=act, replay=replay)


def _refuse(old: Member, new: Member) -> None:
    if old.pk == new.pk:
        raise SameMember
    for member in (old, new):
        if member.status == Status.MERGED:
            raise AlreadyMerged
    for member in (old, new):
        cards.refuse_closed(member)


def _refuse_parting(done: Merge, old: Member, new: Member) -> None:
    if done.undone_at:
        raise AlreadyReversed
    if new.status == Status.MERGED:
        raise AlreadyMerged
    if not (old.is_active and new.is_active):
        raise MemberClosed


def _tier_of_both(gone: Member, into: Member, at: dt.datetime) -> Tier | None:
    """The better tier of two cards, or what both together have reached."""
    found = [account for m in (into, gone) if (account := ledger.account_of(m))]
    if not found:
        return None
    promise = programs.promise_of(found[0].program, zone=found[0].tenant.zone)
    ladder = promise.ladder
    if ladder is None:
        return None
    for account in found:
        account.tier = state.state_at(account, at).tier
    window = ladder.window(at)
    reached = ladder.reached(sum(tiers.metric_of(account, ladder, *window) for account in found))
    best = [tier for tier in (reached, *(account.tier for account in found)) if tier]
    return max(best, key=lambda tier: tier.threshold, default=None)


# Points


def _join_accounts(old: Member, new: Member, books: list[Book], operation: Operation) -> list[Told]:
    """The accounts of every program that the card which goes was in."""
    told = []
    for book in books:
        gone = book.accounts.get(old.pk)
        if gone is None:
            continue
        if new.pk not in book.accounts:
            into = Account(member=new, program=gone.program, tenant=gone.tenant)
            into.save(force_insert=True)
            book.accounts[new.pk] = into
        told.append(joining.join(gone, book.accounts[new.pk], book, operation))
    return told


def _part_accounts(
    old: Member, new: Member, books: list[Book], operation: Operation, told: list[Told]
) -> int:
    """Returns how many points came back in the live program."""
    returned = 0
    by_program = {each["program"]: each for each in told}
    for book in books:
        gone, into = book.accounts.get(old.pk), book.accounts.get(new.pk)
        if gone and into and str(gone.program_id) in by_program:
            points = joining.part(gone, into, book, operation, by_program[str(gone.program_id)])
            returned += points if gone.program.is_live else 0
    return returned


def _points(told: list[Told], books: list[Book]) -> int:
    """What was moved in the live program."""
    programs_ = (account.program for book in books for account in book.accounts.values())
    live = {str(program.pk) for program in programs_ if program.is_live}
    return sum(each["points"] for each in told if each["program"] in live)


def _issue(new: Member, books: list[Book], operation: Operation, by: Actor) -> list[Voucher]:
    issued: list[Voucher] = []
    for book in books:
        account = book.accounts.get(new.pk)
        if account and account.program.is_live:
            issued += automatic.issue(account, book, at=operation.at, operation=operation.pk, by=by)
    return issued
