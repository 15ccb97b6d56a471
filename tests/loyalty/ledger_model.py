"""What the books should say: the rules of the ledger once more, in plain Python, with no database
and nothing of loyalty/ but the calendar. It is slow and short: one can see that it is right.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from itertools import count

from loyalty.calendar import local_date, starts

DAYS, WAITS = 30, 3  # points live so long, and wait so long before they can be spent
NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)


class Refused(Exception):
    """The code of a refusal."""


@dataclass
class Lot:
    left: int
    expires: dt.datetime
    earned: dt.datetime
    available: dt.datetime
    sale: int | None
    number: int

    def order(self):
        return (self.expires, self.earned, self.number)


@dataclass
class Card:
    lots: list[Lot] = field(default_factory=list)
    debt: int = 0
    lifetime: int = 0
    is_gone: bool = False
    is_blocked: bool = False


@dataclass
class Sale:
    card: str
    total: int
    earned: int
    refunded: int = 0
    clawed: int = 0


@dataclass
class Redemption:
    card: str
    parts: list[tuple[Lot, int]]
    is_back: bool = False


class Books:
    def __init__(self, zone) -> None:
        self.zone = zone
        self.cards: dict[str, Card] = {}
        self.sales: dict[int, Sale] = {}
        self.redemptions: dict[int, Redemption] = {}
        self.numbers = count()

    # What every command begins with

    def settled(self, name: str, at: dt.datetime) -> Card:
        card = self.cards[name]
        card.lots = [lot for lot in card.lots if lot.left and lot.expires > at]
        return card

    def usable(self, name: str, at: dt.datetime) -> Card:
        card = self.cards[name]
        if card.is_gone:
            raise Refused("member_closed")
        if card.is_blocked:
            raise Refused("member_blocked")
        return self.settled(name, at)

    def balance(self, card: Card, at: dt.datetime) -> int:
        return sum(lot.left for lot in card.lots if lot.available <= at)

    def put(self, card: Card, amount: int, lot: Lot) -> None:
        repaid = min(card.debt, amount)
        card.debt -= repaid
        lot.left = amount - repaid
        if lot.left:
            card.lots.append(lot)

    def fresh(self, at: dt.datetime, sale: int | None = None, *, waits: bool = False) -> Lot:
        today = local_date(at, self.zone)
        expires = starts(today + dt.timedelta(days=DAYS + 1), self.zone)
        available = starts(today + dt.timedelta(days=WAITS), self.zone) if waits else at
        return Lot(0, expires, at, available, sale, next(self.numbers))

    def take(self, lots: list[Lot], amount: int) -> tuple[list[tuple[Lot, int]], int]:
        """From these in their order: (what came from which, what was not there)."""
        parts = []
        for lot in lots:
            part = min(lot.left, amount)
            if part:
                lot.left -= part
                amount -= part
                parts.append((lot, part))
        return parts, amount

    def spending(self, card: Card, at: dt.datetime) -> list[Lot]:
        return sorted(card.lots, key=lambda lot: (lot.available > at, lot.order()))

    # Commands

    def sell(self, number: int, name: str, total: int, at: dt.datetime) -> int:
        card = self.usable(name, at)
        points = total // 100
        self.sales[number] = Sale(name, total, points)
        card.lifetime += points
        self.put(card, points, self.fresh(at, number, waits=True))
        return points

    def refund(self, number: int, amount: int, at: dt.datetime) -> int:
        sale = self.sales[number]
        if sale.refunded + amount > sale.total:
            raise Refused("refund_exceeds_purchase")
        card = self.settled(sale.card, at)
        sale.refunded += amount
        clawed = sale.earned - sale.clawed - (sale.total - sale.refunded) // 100
        sale.clawed += clawed
        card.lifetime -= clawed
        order = sorted(
            card.lots, key=lambda lot: (lot.sale != number, lot.available > at, lot.order())
        )
        _, owed = self.take(order, clawed)
        card.debt += owed
        return clawed

    def redeem(self, number: int, name: str, cost: int, at: dt.datetime) -> None:
        card = self.usable(name, at)
        if self.balance(card, at) < cost:
            raise Refused("insufficient_points")
        parts, _ = self.take(self.spending(card, at), cost)
        self.redemptions[number] = Redemption(name, parts)

    def reverse(self, number: int, at: dt.datetime) -> None:
        redemption = self.redemptions[number]
        if redemption.is_back:
            raise Refused("already_reversed")
        redemption.is_back = True
        card = self.settled(redemption.card, at)
        for lot, part in redemption.parts:
            new = Lot(0, lot.expires, lot.earned, lot.available, lot.sale, next(self.numbers))
            self.put(card, part, new)
        self.settled(redemption.card, at)

    def adjust(self, name: str, points: int, at: dt.datetime, *, may_owe: bool) -> None:
        card = self.usable(name, at)
        if points > 0:
            card.lifetime += points
            self.put(card, points, self.fresh(at))
            return
        if self.balance(card, at) < -points and not may_owe:
            raise Refused("insufficient_points")
        _, owed = self.take(self.spending(card, at), -points)
        card.debt += owed

    def merge(self, gone: str, into: str, at: dt.datetime) -> None:
        if gone == into:
            raise Refused("same_member")
        if self.cards[gone].is_gone or self.cards[into].is_gone:
            raise Refused("already_merged")
        old, new = self.settled(gone, at), self.settled(into, at)
        old.is_gone = True
        for lot in sorted(old.lots, key=Lot.order):
            copy = Lot(0, lot.expires, lot.earned, lot.available, lot.sale, next(self.numbers))
            self.put(new, lot.left, copy)
        _, owed = self.take(self.spending(new, at), old.debt)
        new.debt += owed
        new.lifetime += old.lifetime
        old.lots, old.debt, old.lifetime = [], 0, 0
        for sale in self.sales.values():
            sale.card = into if sale.card == gone else sale.card
        for redemption in self.redemptions.values():
            redemption.card = into if redemption.card == gone else redemption.card
