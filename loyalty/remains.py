"""What is left of a sale after some of it came back, and what that earns by the sale's own rules.

Goods that came back take their part of their line along; money given back without goods makes
every line smaller by the same factor. All of it follows from the refunds, nothing is kept twice.
Pure: no rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from fractions import Fraction
from typing import Any

from loyalty.pricing import Basket, Line, Price, reprice
from loyalty.refusals import NegativeAmount, RefundExceedsPurchase, UnknownLine

Lines = Mapping[str, int]  # how many of each SKU


class Rest:
    """What is left of a sale of `total` minor units. `lines` are [sku, category, quantity, minor
    units] each, as Purchase keeps them.
    """

    def __init__(self, total: int, lines: Iterable[Sequence[Any]] | None = None) -> None:
        self.total = total
        self._lines = [Line(*line) for line in lines or ()]
        self._returned = [0] * len(self._lines)
        self._beside = total - sum(line.amount for line in self._lines)

    def take(self, amount: int, lines: Lines | None = None) -> None:
        """`amount` minor units were given back, for these goods or for none."""
        for sku, count in (lines or {}).items():
            self._return(sku, count)
        self.total -= amount

    def money_for(self, lines: Lines) -> int:
        """What is given back for so many of each SKU: their part of what is left of their lines,
        the last one the rest. Raises UnknownLine, NegativeAmount, RefundExceedsPurchase.
        """
        after = copy(self)
        after._returned = list(self._returned)
        for sku, count in lines.items():
            after._return(sku, count)
        worth, left = self._worth(), after._worth()
        if not self.total or not worth:
            raise RefundExceedsPurchase
        return self.total * (worth - left) // worth

    def price(self, snapshot: Mapping[str, Any]) -> Price:
        """What the rest earns by the sale's snapshot."""
        worth = self._worth()
        scale = Fraction(self.total, worth) if worth else Fraction(0)
        lines = [
            Line(line.sku, line.category, int((line.qty - back) * scale), _left(line, back))
            for line, back in zip(self._lines, self._returned, strict=True)
            if line.qty > back or not line.qty
        ]
        # Of every line so much less counts: that is one factor more on the share that earns.
        share = Fraction(snapshot.get("share", 1)) * scale
        return reprice({**snapshot, "share": str(share)}, Basket(worth, lines=lines))

    def _worth(self) -> int:
        """Minor units of what did not come back, at its price in the sale."""
        pairs = zip(self._lines, self._returned, strict=True)
        return self._beside + sum(_left(line, back) for line, back in pairs)

    def _return(self, sku: str, count: int) -> None:
        places = [n for n, line in enumerate(self._lines) if line.sku == sku]
        if not places:
            raise UnknownLine(sku=sku)
        if count <= 0:
            raise NegativeAmount
        for n in places:
            back = min(count, self._lines[n].qty - self._returned[n])
            self._returned[n] += back
            count -= back
        if count:
            raise RefundExceedsPurchase


def _left(line: Line, back: int) -> int:
    """What a line is still worth. Several returns come to exactly what one would."""
    return line.amount - line.amount * back // line.qty if line.qty else line.amount
