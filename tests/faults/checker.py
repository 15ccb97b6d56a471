"""What the clients wrote down, against what is in the books."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.faults.stage import Stage

KINDS = {
    "LOST": "a client was told that it is done, and it is not there",
    "DOUBLE": "asked for once, there twice",
    "GHOST": "a client was told that it was refused, and it is there",
    "NOT_INVOKED": "there, and nobody asked for it",
    "AMOUNT": "there, but not what was asked for",
    "SUM": "the parts of the books do not add up",
    "LEAK": "another shop's data in an answer",
}
SALES = """
    SELECT p.id::text, p.device_id::text, p.total, p.refunded, p.earned, p.clawed,
           a.member_id::text,
           (SELECT coalesce(sum(e.amount), 0)::bigint FROM loyalty_entry e
             WHERE (e.tenant_id, e.purchase_id) = (p.tenant_id, p.id) AND e.kind = 'earn'),
           (SELECT coalesce(sum(e.amount), 0)::bigint FROM loyalty_entry e
             WHERE (e.tenant_id, e.purchase_id) = (p.tenant_id, p.id) AND e.kind = 'clawback'),
           (SELECT count(*) FROM loyalty_refund r
             WHERE (r.tenant_id, r.purchase_id) = (p.tenant_id, p.id))
      FROM loyalty_purchase p
      JOIN loyalty_account a ON (a.tenant_id, a.id) = (p.tenant_id, p.account_id)
     WHERE p.tenant_id = ANY(%s)
"""
# A refusal is kept under its key too, and is nothing that was done.
OPERATIONS = """
    SELECT source, key, verb, result->>'purchase' FROM loyalty_operation
     WHERE tenant_id = ANY(%s) AND result->>'refused' IS NULL
"""
LOTS = """
    SELECT l.id::text, l.amount, l.remaining, coalesce(sum(x.amount), 0)::bigint
      FROM loyalty_lot l
      LEFT JOIN loyalty_allocation x ON (x.tenant_id, x.lot_id) = (l.tenant_id, l.id)
     WHERE l.tenant_id = ANY(%s) GROUP BY l.tenant_id, l.id, l.amount, l.remaining
    HAVING l.amount - l.remaining <> coalesce(sum(x.amount), 0)
"""


@dataclass(frozen=True)
class Sold:
    """A purchase, with what hangs on it."""

    id: str
    till: str
    total: int
    refunded: int
    earned: int
    clawed: int
    member: str
    entered: int
    clawed_back: int
    refunds: int


@dataclass
class Asked:
    """A command of a client, and what it was told about it in the end: ok, refused or unknown."""

    verb: str
    key: str
    till: str
    at: float
    member: str = ""
    total: int = 0
    purchase: str = ""
    told: str = "unknown"


@dataclass
class Logs:
    """All clients' logs together."""

    asked: dict[str, Asked] = field(default_factory=dict)
    acks: list[float] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    ended: int = 0

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Logs:
        logs = cls()
        for path in paths:
            for line in path.read_text().splitlines():
                logs.add(json.loads(line))
        logs.acks.sort()
        return logs

    def add(self, line: dict[str, Any]) -> None:
        what = line["what"]
        self.tries[what] += 1
        if what == "invoke":
            named = {name: line[name] for name in line.keys() & Asked.__dataclass_fields__.keys()}
            self.asked[line["key"]] = Asked(**named)
        elif what in ("ok", "refused"):
            self.asked[line["key"]].told = what
            if what == "ok":
                self.acks.append(line["at"])
        elif what == "unknown":
            self.statuses[line["status"]] += 1
        elif what == "leak":
            self.leaks.append(f"{line['found']} at {line['where']}")
        elif what == "end":
            self.ended += 1


class Books:
    """What is in the database about some shops."""

    def __init__(self, stage: Stage, shops: Sequence[str]) -> None:
        self.sales = [Sold(*row) for row in stage.ask(SALES, list(shops))]
        self.operations = stage.ask(OPERATIONS, list(shops))
        self.lots = stage.ask(LOTS, list(shops))


def compare(logs: Logs, books: Books) -> dict[str, list[str]]:
    """Everything that is wrong, by kind; an empty dict if nothing is."""
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    found["LEAK"] = logs.leaks
    by_total: dict[tuple[str, int], list[Sold]] = {}
    for sale in books.sales:
        by_total.setdefault((sale.till, sale.total), []).append(sale)
    by_id = {sale.id: sale for sale in books.sales}
    done = Counter((source, key) for source, key, _, _ in books.operations)
    asked = {(a.till, a.total) for a in logs.asked.values() if a.verb == "award"}
    voided = {a.purchase for a in logs.asked.values() if a.verb == "void"}
    for each in logs.asked.values():
        if each.verb == "award":
            _compare_award(each, by_total.get((each.till, each.total), []), found)
        else:
            is_done = done[f"device:{each.till}", each.key] > 0
            _compare_void(each, by_id.get(each.purchase), is_done, found)
    for sale in books.sales:
        if (sale.till, sale.total) not in asked:
            found["NOT_INVOKED"].append(f"sale {sale.id} of {sale.total}")
        if sale.refunds and sale.id not in voided:
            found["NOT_INVOKED"].append(f"refund of {sale.id}")
        if sale.refunds > 1:
            found["DOUBLE"].append(f"{sale.refunds} refunds of {sale.id}")
        if (sale.entered, -sale.clawed_back) != (sale.earned, sale.clawed):
            found["SUM"].append(f"{sale.id} earned {sale.earned}, entered {sale.entered}")
    noted = Counter(purchase for _, _, verb, purchase in books.operations if verb == "purchase")
    found["SUM"] += [f"{n} operations of {pk}" for pk, n in noted.items() if n != 1]
    found["SUM"] += [f"no operation of {pk}" for pk in by_id.keys() - noted.keys()]
    found["SUM"] += [f"lot {row}" for row in books.lots]
    return {kind: wrong for kind, wrong in found.items() if wrong}


def _compare_award(asked: Asked, there: list[Sold], found: dict[str, list[str]]) -> None:
    named = f"{asked.key} of {asked.total}"
    if asked.told == "ok" and not there:
        found["LOST"].append(named)
    if asked.told == "refused" and there:
        found["GHOST"].append(named)
    if len(there) > 1:
        found["DOUBLE"].append(named)
    if any(sale.member != asked.member for sale in there):
        found["AMOUNT"].append(f"{named}: another member's")


def _compare_void(
    asked: Asked, sale: Sold | None, is_done: bool, found: dict[str, list[str]]
) -> None:
    if asked.told == "ok" and (sale is None or not sale.refunds or sale.refunded != sale.total):
        found["LOST"].append(f"void of {asked.purchase}")
    if asked.told == "refused" and is_done:
        found["GHOST"].append(f"void of {asked.purchase}")


def longest_gap(acks: Sequence[float], begin: float, end: float) -> float:
    """The longest time between `begin` and `end` in which no client was told that it is done."""
    inside = [begin, *(at for at in acks if begin < at < end), end]
    return max(after - before for before, after in pairwise(inside))
