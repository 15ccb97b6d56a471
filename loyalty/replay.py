"""Sales and refunds played once more by other terms, one after the other, in memory.

What pricing asks of the past (carried cents, caps, limits) is what the replay itself has given.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, F, Q, Sum

from loyalty.calendar import local_date
from loyalty.models import Program, Purchase, RuleUse
from loyalty.pricing import Basket, Line, Price
from loyalty.remains import Rest
from loyalty.tariff import Tariff
from loyalty.terms import SPEND, Rule, Situation, Terms
from loyalty.windows import period

ONE = Fraction(1)
RETURNED = Q(purchase__total__gt=0, purchase__refunded=F("purchase__total"))
Use = tuple[UUID, str, dt.datetime | None]  # an account, a rule, when the limit's period began


class Sold(NamedTuple):
    """A sale as it was recorded. `tier` is [name, rate]; `snapshot` is there where it is needed: of
    a sale of which something came back, or by which cents are carried.
    """

    pk: UUID
    account: UUID
    at: dt.datetime
    total: int
    tax: int
    reward_discount: int
    lines: list[Sequence[Any]] | None
    earned: int
    clawed: int
    refunded: int
    tier: tuple[str, str] | None
    snapshot: dict[str, Any] | None
    location: str


class Return(NamedTuple):
    """A refund of one of them."""

    pk: UUID
    purchase: UUID
    amount: int
    lines: Mapping[str, int] | None


@dataclass(slots=True)
class _Kept:
    """A sale of which something will come back, as the draft has it."""

    sale: Sold
    day: dt.date
    earned: int
    snapshot: dict[str, Any]
    rest: Rest
    uses: list[Use]
    clawed: int = 0


class Replay:
    """`members` are the points that each account kept, [really, by the draft]; `days` [sales,
    points given, by the draft]; `clawed` what refunds took back of them, in the same order.
    """

    def __init__(self, terms: Terms, program: Program, since: dt.datetime) -> None:
        self.terms, self.tariff = terms, Tariff(terms)
        self.members: dict[UUID, list[int]] = defaultdict(lambda: [0, 0])
        self.days: dict[dt.date, list[int]] = defaultdict(lambda: [0, 0, 0])
        self.clawed = [0, 0]
        self.changed = 0
        self._history = History(terms, program, since)
        self._carries: dict[UUID, _Carry] = defaultdict(_Carry)
        self._refunded: dict[UUID, _Kept] = {}
        self._rates: dict[str, Fraction] = {}

    def sell(self, sale: Sold) -> None:
        """The next sale."""
        day = local_date(sale.at, self.terms.zone)
        lines = tuple(Line(*line) for line in sale.lines or ())
        basket = Basket(sale.total, sale.tax, sale.reward_discount, lines)
        tier, rate = sale.tier or ("", "1")
        carry = self._carries[sale.account].into(sale) if self.terms.carries else 0
        situation = Situation(
            sale.at,
            sale.location,
            tier,
            self._rate(rate),
            carry,
            *self._history.before(sale.account, day),
        )
        price = self.tariff.price(basket, situation)
        if self.terms.carries:
            self._carries[sale.account].draft = price.carry
        uses = self._history.add(sale.account, day, price)
        if sale.refunded:
            self._keep(sale, day, price, uses)
        self._count(sale, day, price.points)

    def give_back(self, refund: Return) -> None:
        """The next refund: what is left of its sale is worth less by both."""
        kept = self._refunded[refund.purchase]
        sale, rest = kept.sale, kept.rest
        snapshots = (sale.snapshot or {}, kept.snapshot)
        before = [rest.price(snapshot).carry for snapshot in snapshots]
        rest.take(refund.amount, refund.lines)
        after = [rest.price(snapshot) for snapshot in snapshots]
        if self.terms.carries:
            carry = self._carries[sale.account]
            carry.actual += after[0].carry - before[0]
            carry.draft += after[1].carry - before[1]
        clawed = max(0, kept.earned - kept.clawed - after[1].points)
        self._history.take_back(kept, clawed)
        if not rest.total:
            self._history.release(kept.uses)
        kept.clawed += clawed
        self.clawed[1] += clawed
        self.members[sale.account][1] -= clawed

    def _keep(self, sale: Sold, day: dt.date, price: Price, uses: list[Use]) -> None:
        rest = Rest(sale.total, sale.lines)
        self._refunded[sale.pk] = _Kept(sale, day, price.points, price.snapshot(), rest, uses)

    def _count(self, sale: Sold, day: dt.date, points: int) -> None:
        of_day, of_member = self.days[day], self.members[sale.account]
        of_day[0] += 1
        of_day[1] += sale.earned
        of_day[2] += points
        of_member[0] += sale.earned - sale.clawed
        of_member[1] += points
        self.clawed[0] += sale.clawed
        self.changed += points != sale.earned

    def _rate(self, written: str) -> Fraction:
        if written not in self._rates:
            self._rates[written] = Fraction(written)
        return self._rates[written]


@dataclass(slots=True)
class _Carry:
    """The cents that an account carries from sale to sale, really and by the draft. What changed
    them otherwise (two cards were joined) changes both alike.
    """

    actual: int = 0
    draft: int = 0

    def into(self, sale: Sold) -> int:
        """What the draft carries into this sale."""
        snapshot = sale.snapshot or {}
        came = snapshot.get("carry", 0)
        self.draft += came - self.actual
        self.actual = carried_out(snapshot)
        return self.draft


def carried_out(snapshot: Mapping[str, Any]) -> int:
    """The cents that a sale left over, by the arithmetic that it kept."""
    came: int = snapshot.get("carry", 0)
    if not snapshot.get("carries"):
        return came
    rule = snapshot["rules"][0][0]
    for step in snapshot["steps"]:
        if step["rule"] == rule and step["kind"] == SPEND:
            return int(step["basis"] - step["steps"] * step["per"])
    return came


@dataclass(slots=True)
class _Day:
    earned: int = 0
    visits: int = 0


@dataclass
class History:
    """What caps and limits ask of earlier sales. Kept only for those that the terms have."""

    terms: Terms
    program: Program
    since: dt.datetime
    limited: list[Rule] = field(init=False)
    uses: Counter[Use] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)
    earned: Counter[UUID] = field(default_factory=Counter)
    days: dict[tuple[UUID, dt.date], _Day] = field(default_factory=lambda: defaultdict(_Day))

    def __post_init__(self) -> None:
        caps = self.terms.caps
        self.per_day = caps.points_per_day is not None or caps.visits_per_day is not None
        self.in_all = caps.points_per_member is not None
        self.limited = [rule for rule in self.terms.rules if rule.conditions.is_limited]
        self._period = lru_cache(1_000)(self._began)
        if self.in_all:
            self._read_earned()
        if self.limited:
            self._read_uses()

    def before(
        self, account: UUID, day: dt.date
    ) -> tuple[Mapping[str, int], Mapping[str, int], int, int, int]:
        """The last fields of a Situation: uses, total uses, points and visits of the day, points
        ever.
        """
        uses: dict[str, int] = {}
        if self.limited:
            uses = {r.id: self.uses[self._use(account, r, day)] for r in self.limited}
        today = self.days[account, day] if self.per_day else _Day()
        return uses, self.totals, today.earned, today.visits, self.earned[account]

    def add(self, account: UUID, day: dt.date, price: Price) -> list[Use]:
        """A sale was made; returns which limits it counts towards."""
        if self.per_day:
            today = self.days[account, day]
            today.earned += price.points
            today.visits += price.points > 0
        if self.in_all:
            self.earned[account] += price.points
        used = [self._use(account, r, day) for r in self.limited if r.id in price.used]
        self.uses.update(used)
        self.totals.update(rule for _, rule, _ in used)
        return used

    def take_back(self, kept: _Kept, clawed: int) -> None:
        """So many points of a sale were clawed back: there is room again."""
        account, left = kept.sale.account, kept.earned - kept.clawed
        if self.per_day:
            today = self.days[account, kept.day]
            today.earned -= clawed
            today.visits -= left > 0 and left == clawed
        if self.in_all:
            self.earned[account] -= clawed

    def release(self, uses: list[Use]) -> None:
        """The sale of these uses came back whole."""
        self.uses.subtract(uses)
        self.totals.subtract(rule for _, rule, _ in uses)

    def _use(self, account: UUID, rule: Rule, day: dt.date) -> Use:
        limit = rule.conditions.limit
        return account, rule.id, self._period(limit.per, day) if limit else None

    def _began(self, per: str, day: dt.date) -> dt.datetime | None:
        noon = dt.datetime.combine(day, dt.time(12), self.terms.zone)
        within = period(per, noon, self.terms.zone)
        return within.start if within else None

    def _read_earned(self) -> None:
        sales: Any = self._sales().values("account").annotate(s=Sum(F("earned") - F("clawed")))
        self.earned.update(dict(sales.values_list("account", "s").iterator()))

    def _read_uses(self) -> None:
        rules = {rule.id: rule for rule in self.limited}
        rows: Any = RuleUse.objects.filter(
            rule__in=map(UUID, rules), purchase__in=self._sales().values("pk")
        )
        rows = rows.exclude(RETURNED).values("account", "rule", "at").annotate(n=Count("pk"))
        for account, pk, at, n in rows.values_list("account", "rule", "at", "n").iterator():
            rule = rules[str(pk)]
            self.uses[self._use(account, rule, local_date(at, self.terms.zone))] += n
            self.totals[rule.id] += n

    def _sales(self) -> Any:
        """Those from before the first day."""
        return Purchase.objects.filter(account__program=self.program.pk, occurred_at__lt=self.since)
