"""A tier that a person grants: a floor under what a member earns herself."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from loyalty import cards, ledger, operations, tiers
from loyalty.models import Account, Member, Operation, Tier
from loyalty.refusals import AlreadyMerged, ProgramNotLive, UnknownTier
from loyalty.tiers import Ladder
from tenants.actors import Actor
from tenants.trace import write


@dataclass(frozen=True, slots=True)
class Granted:
    """The account with its floor, and the tier it is in now."""

    account: Account
    replayed: bool = False

    @property
    def tier(self) -> str:
        return self.account.tier.name if self.account.tier else ""


def grant(member: Member, tier: Tier | None, *, at: dt.datetime, by: Actor, key: str) -> Granted:
    """Put a member into a tier of the live program by hand. She never falls below it; what she
    spends still lifts her higher. None takes the floor away: she stands where her own sales put
    her.

    A second call with the key tells where she stands. Raises UnknownTier (of another program, or
    retired), ProgramNotLive, AlreadyMerged, MemberClosed, StaffSelfAward, IdempotencyConflict.
    """
    print_ = operations.fingerprint("grant", member.pk, tier and tier.pk)

    def act() -> Granted:
        with ledger.opened({member.pk}, at=at) as book:
            account = book.accounts.get(member.pk)
            if account is None:
                raise ProgramNotLive
            _refuse(account.member, by)
            ladder = book.promise(account).ladder
            known = {each.pk: each for each in ladder.tiers} if ladder else {}
            if ladder is None or (tier and tier.pk not in known):
                raise UnknownTier
            before = account.floor_tier.name if account.floor_tier else ""
            book.flush()
            _place(account, known[tier.pk] if tier else None, ladder, at)
            book.recount(account, at)
            book.mark(account)
            operation = operations.unsaved("grant", by, key=key, print_=print_, at=at, result={})
            book.keep(operation)
            told = {"before": {"floor": before}, "after": {"floor": tier.name if tier else ""}}
            write(by, "tier.granted", member.pk, at=at, **told)
        return Granted(account)

    def replay(earlier: Operation) -> Granted:
        account = ledger.account_of(member)
        if account is None:
            raise ProgramNotLive
        return Granted(account, replayed=True)

    return operations.once("grant", by, key=key, print_=print_, at=at, act=act, replay=replay)


def _refuse(member: Member, by: Actor) -> None:
    if member.status == Member.Status.MERGED:
        raise AlreadyMerged
    if member.status != Member.Status.BLOCKED:
        cards.refuse_closed(member)
    cards.refuse_own(member, by)


def _place(account: Account, floor: Tier | None, ladder: Ladder, at: dt.datetime) -> None:
    """Into the floor, or what her sales are worth where that is higher. What she has reached by
    herself keeps its time.
    """
    tiers.begin(account, ladder, at)
    was_granted = account.floor_tier is not None and account.tier == account.floor_tier
    account.floor_tier = floor
    now = account.tier
    if was_granted and account.tier_until is None:  # the floor alone has held her
        now = ladder.reached(tiers.metric_of(account, ladder, *ladder.window(at)))
        _stand(account, now, None if ladder.is_lowest(now) else ladder.lasts_until(at), at)
    if floor and (now is None or now.threshold < floor.threshold):
        _stand(account, floor, None, at)


def _stand(
    account: Account, tier: Tier | None, until: dt.datetime | None, since: dt.datetime
) -> None:
    account.tier, account.tier_until, account.tier_since = tier, until, since
