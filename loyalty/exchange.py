"""Sales come in from files: read them, replay them through the purchase verb, go on where it
stopped.

A file is read as a stream and recorded in batches, so memory stays flat. Each sale's key is its
receipt within the file's name: running the same file again, or after a kill in the middle, changes
nothing that is there.
"""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import lzma
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from loyalty import enrolment, numbers, operations, purchases
from loyalty.enrolment import Newcomer
from loyalty.models import Operation
from loyalty.refusals import Refusal
from loyalty.sales import Recorded, Sale
from tenants.actors import Actor
from tenants.failpoints import failpoint
from tenants.trace import write

BATCH = 2_000
NOON = dt.time(12)
COLUMNS = ("customer", "date", "amount", "receipt")


class UnreadableFile(ValueError):
    """A file that cannot be imported; the message names the line and what to do."""


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One line of a file. `amount` in minor units; `who` is how she becomes a member, if she is
    none.
    """

    number: int
    who: Newcomer
    at: dt.datetime
    amount: int
    receipt: str


@dataclass(slots=True)
class Imported:
    """What an import did: lines that became sales, that were there already, that were refused."""

    recorded: int = 0
    known: int = 0
    points: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    @property
    def seen(self) -> int:
        return self.recorded + self.known + len(self.refused)


def replay(
    lines: Iterable[SaleLine],
    *,
    name: str,
    at: dt.datetime,
    batch: int = BATCH,
    source: str = "import",
) -> Iterator[Imported]:
    """Record the lines as sales of the shop we are inside; gives the running total after each
    batch.

    Members are enrolled at their first sale. Each batch is a transaction; `at` is now, for the
    audit trail only: sales happen when their line says.
    """
    by = Actor.importing(name)
    done = Imported()
    stream = iter(lines)
    while chunk := list(itertools.islice(stream, batch)):
        _plan_anew()
        # The same file in two processes: whoever loses the race finds what the other wrote.
        operations.again_if_raced(partial(_replay_batch, chunk, by, done, at=at, source=source))
        failpoint("mid_import")
        yield done


def _plan_anew() -> None:
    """PostgreSQL plans the look-up behind a foreign key once a connection.

    Made while the shop was empty, that plan reads the whole table, for every row, for the rest of
    an import (seen: it doubled the time of a batch after 20,000 sales).
    """
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")


def _replay_batch(
    chunk: list[SaleLine], by: Actor, done: Imported, *, at: dt.datetime, source: str
) -> None:
    if _all_there(chunk, by):
        done.known += len(chunk)
        return
    with transaction.atomic():
        newcomers = [(line.who, line.at) for line in chunk]
        members = enrolment.enrol_all(newcomers, by=by, source=source)
        sales = [
            Sale(member.pk, line.amount, line.at, line.receipt, line.receipt)
            for line, member in zip(chunk, members, strict=True)
        ]
        outcomes = purchases.record_all(sales, by=by)
        recorded = [o for o in outcomes if isinstance(o, Recorded) and not o.replayed]
        points = sum(outcome.points for outcome in recorded)
        if recorded:
            told = {"sales": len(recorded), "points": points}
            write(by, "sales.imported", None, at=at, after=told)
    done.recorded += len(recorded)
    done.points += points
    for line, outcome in zip(chunk, outcomes, strict=True):
        if isinstance(outcome, Refusal):
            done.refused.append((line.number, str(outcome)))
        elif outcome.replayed:
            done.known += 1


def _all_there(chunk: list[SaleLine], by: Actor) -> bool:
    """Was the whole batch recorded by an earlier run? One statement."""
    keys = {line.receipt for line in chunk}
    return Operation.objects.filter(source=by.source, key__in=keys).count() == len(keys)


def read(path: Path, *, zone: ZoneInfo, decimals: int) -> Iterator[SaleLine]:
    """The lines of a CSV (customer, date, amount, receipt) or of the CDNOW text, plain or .xz.

    The customer becomes a member's card number. A date without a time is noon in the shop's zone.
    Raises UnreadableFile at the first line that cannot be read.
    """
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        head = file.readline()
        if "customer_id" in head and "dollar_value" in head:
            yield from _read_cdnow(file, zone)
        else:
            names = [name.strip().lower() for name in next(csv.reader([head]), [])]
            if not set(COLUMNS) <= set(names):
                raise UnreadableFile(
                    f"The first line must name the columns {', '.join(COLUMNS)}; "
                    f"it is {head.strip()[:80]!r}."
                )
            yield from _read_csv(csv.DictReader(file, fieldnames=names), zone, decimals)


def _read_cdnow(file: Iterable[str], zone: ZoneInfo) -> Iterator[SaleLine]:
    """customer, YYYYMMDD, number of CDs, dollars; a row's number is its receipt."""
    days: dict[str, dt.datetime] = {}  # 545 of them in 69,659 rows
    for number, row in enumerate(file, 1):
        customer, date, _cds, dollars = row.split()
        if date not in days:
            day = dt.date(int(date[:4]), int(date[4:6]), int(date[6:]))
            days[date] = dt.datetime.combine(day, NOON, zone)
        yield SaleLine(number, Newcomer(card=customer), days[date], _cents(dollars), str(number))


def _cents(dollars: str) -> int:
    whole, _, cents = dollars.partition(".")
    return int(whole) * 100 + int(cents)


def _read_csv(rows: Iterable[dict[str, str]], zone: ZoneInfo, decimals: int) -> Iterator[SaleLine]:
    for number, row in enumerate(rows, 2):
        try:
            at = dt.datetime.fromisoformat(row["date"].strip())
        except (ValueError, AttributeError):
            raise UnreadableFile(
                f"Line {number}: {row['date']!r} is no date. Write 2026-03-31 or 2026-03-31T14:05."
            ) from None
        if "T" not in row["date"] and " " not in row["date"].strip():
            at = dt.datetime.combine(at.date(), NOON)
        amount = _amount(row["amount"] or "", decimals)
        receipt, customer = (row[name] or "" for name in ("receipt", "customer"))
        if amount is None:
            raise UnreadableFile(f"Line {number}: {row['amount']!r} is no amount.")
        if not receipt.strip() or not customer.strip():
            raise UnreadableFile(f"Line {number} needs a customer and a receipt number.")
        at = at if at.tzinfo else at.replace(tzinfo=zone)
        yield SaleLine(number, Newcomer(card=customer.strip()), at, amount, receipt.strip()[:80])


def _amount(text: str, decimals: int) -> int | None:
    """As numbers.minor_units, and a minus sign: the verb refuses it with a reason."""
    sign = -1 if text.strip().startswith("-") else 1
    amount = numbers.minor_units(text.strip().removeprefix("-"), decimals)
    return None if amount is None else sign * amount
