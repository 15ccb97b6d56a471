"""From rows to what the API tells of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from django.utils.translation import get_language

from loyalty import conditions, ledger, programs, redemptions, wording
from loyalty.adjustments import Adjusted
from loyalty.models import Account, Identifier, Voucher
from loyalty.models import Entry as EntryRow
from loyalty.models import Member as MemberRow
from loyalty.models import Program as ProgramRow
from loyalty.models import Purchase as PurchaseRow
from loyalty.models import Reward as RewardRow
from loyalty.models import Tier as TierRow
from loyalty.redemptions import Offer, Redeemed, Reversed
from loyalty.returning import Refunded
from loyalty.sales import Quote as Quoted
from loyalty.state import State, state_at
from portal import arithmetic
from portal.api.fields import Money
from portal.api.resources import (
    Adjustment,
    Entry,
    Line,
    Me,
    Member,
    Program,
    Purchase,
    Quote,
    Redemption,
    Refund,
    Reversal,
    Reward,
    Tier,
)
from portal.voice import voice_of
from tenants import shops
from tenants.prefixed import spell

Kind = Identifier.Kind
OF_MONEY = {RewardRow.Kind.AMOUNT, RewardRow.Kind.ITEM, RewardRow.Kind.GIFT}


def members(rows: Sequence[MemberRow], *, at: dt.datetime) -> list[Member]:
    """Two statements for all of them, while nothing of theirs is due."""
    known = _known_by(rows)
    accounts = ledger_rows([row.pk for row in rows])
    return [_member(row, known, accounts.get(row.pk), at) for row in rows]


def member(row: MemberRow, *, at: dt.datetime) -> Member:
    return members([row], at=at)[0]


def ledger_rows(people: Iterable[UUID]) -> dict[UUID, Account]:
    """The accounts of these members in the live program, by member."""
    found = Account.objects.filter(
        member__in=list(people), program__status=ProgramRow.Status.LIVE, program__is_active=True
    ).select_related("program", "tenant", "tier", "floor_tier")
    return {account.member_id: account for account in found}


def _known_by(rows: Sequence[MemberRow]) -> dict[tuple[UUID, str], str]:
    found = Identifier.objects.filter(
        member__in=[row.pk for row in rows], kind__in=[Kind.PHONE, Kind.EMAIL]
    )
    told = found.order_by("id").values_list("member", "kind", "value")  # the latest of each
    return {(member, kind): value for member, kind, value in told}


def _member(
    row: MemberRow, known: dict[tuple[UUID, str], str], account: Account | None, at: dt.datetime
) -> Member:
    now = state_at(account, at) if account else State()
    return Member(
        id=spell("mem", row.pk),
        code=row.code,
        status=row.status,
        merged_into=spell("mem", row.merged_into_id) if row.merged_into_id else None,
        name=row.name,
        phone=known.get((row.pk, Kind.PHONE)),
        email=known.get((row.pk, Kind.EMAIL)),
        birth_date=row.birth_date,
        enrolled_at=row.enrolled_at,
        balance=now.balance,
        pending=now.pending,
        debt=now.debt,
        lifetime=now.lifetime,
        tier=now.tier.name if now.tier else None,
        version=row.version,
    )


def me(row: MemberRow, *, at: dt.datetime) -> Me:
    account = ledger.account_of(row)
    now = state_at(account, at) if account else State()
    return Me(
        id=spell("mem", row.pk),
        code=row.code,
        name=row.name,
        balance=now.balance,
        pending=now.pending,
        debt=now.debt,
        tier=now.tier.name if now.tier else None,
        unit=account.program.unit if account else "",
        unit_words=words_of(account.program) if account else [],
    )


def entry(row: EntryRow) -> Entry:
    return Entry(
        id=spell("ent", row.pk),
        kind=row.kind,
        points=row.amount,
        occurred_at=row.occurred_at,
        title=arithmetic.title_of(row),
        reason=row.reason,
        purchase=spell("pur", row.purchase_id) if row.purchase_id else None,
        redemption=spell("rdm", row.voucher_id) if row.voucher_id else None,
    )


def purchase(row: PurchaseRow, account: Account, *, at: dt.datetime) -> Purchase:
    now = _now(account, at)
    return Purchase(
        id=spell("pur", row.pk),
        member=spell("mem", account.member_id),
        ref=row.ref,
        amount=Money.of(row.total),
        tax=Money.of(row.tax),
        refunded=Money.of(row.refunded),
        points=row.earned,
        clawed=row.clawed,
        occurred_at=row.occurred_at,
        balance=now.balance,
        tier=now.tier.name if now.tier else None,
    )


def _now(account: Account, at: dt.datetime) -> State:
    """What stands on an account that a command has just written, or told again: read anew, because
    a repetition comes with what other commands did since.
    """
    fresh = Account.objects.select_related("program", "tenant", "tier", "floor_tier")
    return state_at(fresh.get(pk=account.pk), at)


def refund(done: Refunded, *, at: dt.datetime) -> Refund:
    now = _now(done.account, at)
    return Refund(
        id=spell("rfn", done.refund.pk),
        purchase=spell("pur", done.purchase.pk),
        amount=Money.of(done.refund.amount),
        clawed=done.clawed,
        taken=done.taken,
        restored=done.restored,
        debt=done.debt,
        balance=now.balance,
    )


def redemption(done: Redeemed, *, at: dt.datetime) -> Redemption:
    voucher: Voucher = done.voucher
    return Redemption(
        id=spell("rdm", voucher.pk),
        member=spell("mem", done.account.member_id),
        reward=spell("rwd", voucher.reward_id),  # type: ignore[arg-type]
        code=voucher.code,
        status=voucher.status,
        cost=done.cost,
        discount=Money.of(done.discount),
        balance=_now(done.account, at).balance,
    )


def reversal(done: Reversed, *, at: dt.datetime) -> Reversal:
    balance = _now(done.account, at).balance
    return Reversal(
        redemption=spell("rdm", done.voucher.pk), restored=done.restored, balance=balance
    )


def adjustment(done: Adjusted, *, at: dt.datetime) -> Adjustment:
    now = _now(done.account, at)
    return Adjustment(
        entry=spell("ent", done.entry.pk),
        points=done.entry.amount,
        reason=done.entry.reason,
        balance=now.balance,
        debt=now.debt,
    )


def quote(found: Quoted) -> Quote:
    program = found.program
    told = arithmetic.sum_of(
        found.breakdown, found.points, program=program, rounding=program.rounding
    )
    lines = [Line(text=line.text, why=line.why, points=line.points) for line in told.lines]
    return Quote(
        points=found.points,
        balance=found.balance,
        balance_after=found.balance_after,
        sum=lines,
        note=told.note,
    )


# The program


def words_of(program: ProgramRow) -> list[str]:
    """What a point is called, in the language asked for or in English."""
    language = (get_language() or "en").split("-")[0]
    words: dict[str, list[str]] = program.unit_words
    return list(words.get(language) or words.get("en") or [])


def program(row: ProgramRow) -> Program:
    terms = programs.promise_of(row, zone=shops.front().zone).tariff.terms
    return Program(
        id=spell("prg", row.pk),
        name=row.name,
        unit=row.unit,
        unit_words=words_of(row),
        currency=shops.front().currency,
        rules=[wording.of_rule(rule, voice_of(row)) for rule in terms.rules],
    )


def rewards(row: ProgramRow) -> list[Reward]:
    """What the shop offers to everybody."""
    found = RewardRow.objects.filter(program=row.pk, status=RewardRow.Status.LIVE)
    return [_reward(each, row) for each in found.order_by("position", "cost", "id")]


def offers(who: MemberRow, row: ProgramRow, *, at: dt.datetime) -> list[Reward]:
    """The same, with what keeps this member from each."""
    return [_reward(each.reward, row, each) for each in redemptions.offers(who, at=at)]


def _reward(row: RewardRow, of: ProgramRow, offer: Offer | None = None) -> Reward:
    return Reward(
        id=spell("rwd", row.pk),
        name=row.name,
        kind=row.kind,
        cost=row.cost,
        value=Money.of(row.value) if row.kind in OF_MONEY and row.value else None,
        percent=row.value if row.kind == RewardRow.Kind.PERCENT else None,
        stock=row.stock,
        terms=wording.of_conditions(conditions.read(row.conditions), voice_of(of)),
        missing=offer.missing if offer else None,
        refusal=(offer.code or None) if offer else None,
    )


def tier(row: TierRow) -> Tier:
    multiplier = Decimal(row.multiplier).normalize()
    return Tier(
        id=spell("tir", row.pk),
        name=row.name,
        threshold=row.threshold,
        multiplier=f"{multiplier:f}",
        perks=list(row.perks),
    )
