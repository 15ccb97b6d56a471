"""What a member sees on her card at a glance. It decides nothing: tills and commands ask the ledger
themselves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from loyalty import history, programs, rewards, state, tiers
from loyalty.calendar import local_date
from loyalty.lots import death
from loyalty.models import Account, Entry, Identifier, Lot, Program, Tier, Voucher
from loyalty.policy import INACTIVITY, NONE
from loyalty.programs import Promise
from loyalty.refusals import InsufficientPoints, Refusal
from loyalty.rewards import Wish
from loyalty.showcase import Prize, Showcase
from loyalty.state import State
from loyalty.tiers import Ladder
from tenants.secrets import fingerprint

SOON = dt.timedelta(days=45)  # how early the end of points is told
MOST_PLACES = 20  # of a stamp card that can be drawn
A_MOMENT = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Ready:
    """A reward that she can have now, for `cost` points."""

    prize: Prize
    cost: int
    needs_proof: bool


@dataclass(frozen=True, slots=True)
class Next:
    """The nearest reward that she cannot have yet, and how many points she lacks."""

    prize: Prize
    missing: int


@dataclass(frozen=True, slots=True)
class Due:
    """Points that time will take (`day` is the last one with them; `unless_seen`: if she does not
    come before) or bring (`day` is the first).
    """

    points: int
    day: dt.date
    unless_seen: bool = False


@dataclass(frozen=True, slots=True)
class Climb:
    """The next tier, and what is missing to it: minor units, points or visits, as `metric` says."""

    name: str
    missing: int
    metric: str


@dataclass(frozen=True, slots=True)
class Stamps:
    """A stamp card: the days of its stamps, how many places it has, and what the last one is."""

    days: Sequence[dt.date]
    places: int
    prize: str

    @property
    def missing(self) -> int:
        return self.places - len(self.days)


@dataclass(frozen=True, slots=True)
class Glance:
    """Everything on a card at an instant. `vouchers` are as by_link() reads them."""

    state: State
    tier: str
    entries: Sequence[Entry]
    ready: Sequence[Ready]
    next: Next | None
    vouchers: Sequence[dict[str, Any]]
    ending: Due | None
    coming: Due | None
    climb: Climb | None
    stamps: Stamps | None


def by_link(secret: str, shown: Showcase) -> Account | None:
    """The account in the live program whose card such a secret opens, with all that a card's page
    is made of but its entries and lots. One statement.

    `account.waiting` are her unused vouchers, `account.had` when she got which limited reward.
    """
    found = Account.objects.filter(
        member__identifiers__kind=Identifier.Kind.LINK,
        member__identifiers__value=fingerprint(secret),
        member__identifiers__is_active=True,
        member__is_active=True,
        program__status=Program.Status.LIVE,
    ).annotate(waiting=ArraySubquery(_waiting()))
    if limited := [prize.id for prize in shown.prizes if prize.is_limited]:
        found = found.annotate(had=ArraySubquery(_had(limited)))
    account: Account | None = found.select_related("member", "program", "tenant", "tier").first()
    return account


def is_due(account: Account, at: dt.datetime) -> bool:
    """Has time changed this account since it was written?"""
    return account.next_change_at is not None and account.next_change_at <= at


def glance(account: Account, shown: Showcase, *, at: dt.datetime) -> Glance:
    """What the card of an account, read by by_link(), shows at `at`. Three statements at most,
    while nothing is due.
    """
    promise = programs.promise_of(account.program, zone=account.tenant.zone)
    ladder = _ladder(shown, promise)
    now = _state(account, ladder, at)
    lots = _lots(account, now, promise, shown, at)
    account.balance, account.debt, account.tier = now.balance, now.debt, now.tier
    ready, coming_next = _prizes(account, shown, promise, at)
    return Glance(
        state=now,
        tier=now.tier.name if now.tier else "",
        entries=history.last_entries(account),
        ready=ready,
        next=coming_next,
        vouchers=_good_vouchers(account, promise, at),
        ending=_ending(account, lots, promise, at),
        coming=_coming(lots, promise, at),
        climb=_climb(account, ladder, at),
        stamps=_stamps(lots, shown, promise, at),
    )


# Inside


def _waiting() -> QuerySet[Any]:
    hers = Voucher.objects.filter(owner=OuterRef("member"), status=Voucher.Status.ISSUED)
    told = JSONObject(
        code="code",
        kind="kind",
        value="remaining_value",
        name="reward__name",
        first="valid_from",
        last="valid_until",
    )
    return hers.order_by("issued_at", "id").values(told=told)[:10]


def _had(limited: Sequence[UUID]) -> QuerySet[Any]:
    given = Voucher.objects.filter(account=OuterRef("pk"), reward__in=limited)
    given = given.exclude(status=Voucher.Status.VOIDED).order_by("issued_at", "id")
    return given.values(told=JSONObject(reward="reward", at="issued_at"))


def _good_vouchers(account: Account, promise: Promise, at: dt.datetime) -> list[dict[str, Any]]:
    """Those that can be used today, with the last day as a date."""
    today, found = local_date(at, promise.zone), []
    for told in getattr(account, "waiting", ()):
        first, last = (
            told[name] and dt.date.fromisoformat(told[name]) for name in ("first", "last")
        )
        if (first is None or first <= today) and (last is None or today <= last):
            found.append({**told, "last": last})
    return found


def _ladder(shown: Showcase, promise: Promise) -> Ladder | None:
    if shown.program is None or not shown.rungs:
        return None
    rows = [
        Tier(id=rung.id, program_id=shown.program, name=rung.name, threshold=rung.threshold)
        for rung in shown.rungs
    ]
    return Ladder(rows, promise.policy.tiers, promise.zone)


def _state(account: Account, ladder: Ladder | None, at: dt.datetime) -> State:
    if is_due(account, at):
        return state.state_at(account, at)
    tier = account.tier or (ladder.reached(0) if ladder else None)
    return State(
        balance=account.balance,
        pending=account.pending,
        debt=account.debt,
        carry=account.carry,
        lifetime=account.lifetime,
        tier=tier,
        tier_until=account.tier_until,
    )


def _lots(
    account: Account, now: State, promise: Promise, shown: Showcase, at: dt.datetime
) -> list[Lot]:
    """Read only where their days are told."""
    is_drawn = shown.unit == Program.Unit.STAMP and now.balance
    if is_drawn or now.pending or (now.balance and promise.policy.expiry.mode != NONE):
        return state.lots_of(account, at, promise)
    return []


def _prizes(
    account: Account, shown: Showcase, promise: Promise, at: dt.datetime
) -> tuple[list[Ready], Next | None]:
    ready, later = [], []
    had: dict[str, list[dt.datetime]] = {}
    for told in getattr(account, "had", ()):
        had.setdefault(told["reward"], []).append(dt.datetime.fromisoformat(told["at"]))
    for prize in shown.prizes:
        if prize.stock == 0:
            continue
        wish = Wish(account, at, promise.zone, had=had.get(str(prize.id), ()))
        try:
            terms = rewards.agree(prize.reward(account.program_id), wish)
        except InsufficientPoints as short:
            later.append(Next(prize, short.figures["missing"]))
        except Refusal:
            continue
        else:
            if not prize.is_auto:
                ready.append(Ready(prize, terms.cost, shown.needs_proof(terms.cost)))
    return ready, min(later, key=lambda each: each.missing, default=None)


def _ending(account: Account, lots: Sequence[Lot], promise: Promise, at: dt.datetime) -> Due | None:
    """The points that end first, if that is soon."""
    ends = [(death(lot, account.last_activity, promise), lot.remaining) for lot in lots]
    dated = [(when, points) for when, points in ends if when is not None and when <= at + SOON]
    if not dated:
        return None
    first = min(when for when, _ in dated)
    points = sum(points for when, points in dated if when == first)
    unless_seen = promise.policy.expiry.mode == INACTIVITY
    return Due(points, local_date(first - A_MOMENT, promise.zone), unless_seen)


def _coming(lots: Sequence[Lot], promise: Promise, at: dt.datetime) -> Due | None:
    """The points that can be spent next."""
    waiting = [lot for lot in lots if lot.available_at > at]
    if not waiting:
        return None
    first = min(lot.available_at for lot in waiting)
    points = sum(lot.remaining for lot in waiting if lot.available_at == first)
    return Due(points, local_date(first, promise.zone))


def _climb(account: Account, ladder: Ladder | None, at: dt.datetime) -> Climb | None:
    if ladder is None:
        return None
    reached = account.tier.threshold if account.tier else -1
    higher = next((tier for tier in ladder.tiers if tier.threshold > reached), None)
    if higher is None:
        return None
    has = tiers.metric_of(account, ladder, *ladder.window(at))
    missing = max(1, higher.threshold - has)
    return Climb(higher.name, missing, ladder.policy.metric)


def _stamps(
    lots: Sequence[Lot], shown: Showcase, promise: Promise, at: dt.datetime
) -> Stamps | None:
    prize = shown.first_prize
    if shown.unit != Program.Unit.STAMP or prize is None or not 1 < prize.cost <= MOST_PLACES:
        return None
    spendable = sorted((lot for lot in lots if lot.available_at <= at), key=lambda x: x.earned_at)
    days = [
        local_date(lot.earned_at, promise.zone) for lot in spendable for _ in range(lot.remaining)
    ]
    return Stamps(days[-prize.cost :], prize.cost, prize.name)
