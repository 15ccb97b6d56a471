"""Members come in from a list with what they have collected elsewhere: every bad row is told, the
good ones are taken.

Rows are read as a stream and taken in batches, each a transaction. A row has a key of its own
within the list's name: the same list again, or after a kill in the middle, changes nothing that is
there.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import partial
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.crypto import salted_hmac

from loyalty import automatic, enrolment, finding, ledger, operations, programs
from loyalty.calendar import LAST, ends
from loyalty.enrolment import Newcomer
from loyalty.models import Entry, Identifier, Member, Operation
from loyalty.refusals import (
    AlreadyMember,
    BadDate,
    BadPoints,
    DuplicateInFile,
    ProgramNotLive,
    Refusal,
    UnknownColumn,
)
from tenants.actors import Actor
from tenants.context import tenant_id
from tenants.models import Tenant
from tenants.trace import write

COLUMNS = ("name", "phone", "email", "card", "born", "points", "expires")
BATCH = 500
MOST = 10**12  # points of one member
LONGEST_NAME = 60
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A row that can be read: who she is, by what she is known, and what she brings."""

    number: int
    key: str
    who: Newcomer
    known_by: list[tuple[str, str]]
    points: int
    expires_at: dt.datetime | None


@dataclass(slots=True)
class ImportedMembers:
    """Members that the list made, `known` of them in an earlier run, with `points` in all; and
    (row number from 1, code) of every row that was not taken.
    """

    imported: int = 0
    known: int = 0
    points: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)


def import_members(
    rows: Iterable[Row],
    *,
    name: str,
    at: dt.datetime,
    by: Actor,
    dry_run: bool = False,
    batch: int = BATCH,
) -> ImportedMembers:
    """Enrol the people of a list, each with an opening balance.

    A row is {"phone": "0501234567", "points": 120, "expires": "2026-12-31"}; of phone, email and
    card one is enough; name and born (a date) may be there. `points` is a whole number, nothing is
    0; they are good through the day `expires`, or as long as the program says. Texts as from a CSV
    will do. No bonus for joining is paid.

    Codes of bad rows: bad_phone, not_an_identifier, no_identifier, bad_date (born, or a day
    that is over), bad_points, duplicate_in_file, already_member, program_not_live (points, and no
    program to have them in). A dry run writes nothing and tells exactly this. The same list, by
    its `name`, a second time tells the same and adds nothing; rows that were mended meanwhile are
    taken. Raises UnknownColumn for a column that is none of these.
    """
    reader = _Reader(name, at, replace(by, source=_source(name)))
    done, taken = ImportedMembers(), set[tuple[str, str]]()
    stream = enumerate(rows, 1)
    while chunk := list(itertools.islice(stream, batch)):
        # Two at once: whoever loses the race finds what the other wrote.
        act = partial(reader.take, chunk, frozenset(taken), dry_run=dry_run)
        told, new = operations.again_if_raced(act)
        taken |= new
        done.imported += told.imported
        done.known += told.known
        done.points += told.points
        done.errors += told.errors
    return done


class _Reader:
    """Reads and takes the rows of one list."""

    def __init__(self, name: str, at: dt.datetime, by: Actor) -> None:
        self.name, self.at, self.by = name, at, by
        found = Tenant.objects.values_list("country_id", "zone").get(pk=tenant_id())
        self.country, self.zone = found[0], ZoneInfo(found[1])
        self.program = programs.live()

    def take(
        self, chunk: list[tuple[int, Row]], taken: frozenset[tuple[str, str]], *, dry_run: bool
    ) -> tuple[ImportedMembers, set[tuple[str, str]]]:
        """One batch; `taken` are the identifiers of earlier ones. Gives those of this one too."""
        told, new = ImportedMembers(), set[tuple[str, str]]()
        readable = self._readable(chunk, told)
        # In this order: whom another run of the list wrote in between is then known from it.
        known = finding.by_identifiers(pair for row in readable for pair in row.known_by)
        earlier = self._earlier(readable)
        good: list[Arrival] = []
        for row in readable:
            try:
                is_known = row.key in earlier
                if not is_known:
                    _refuse(row, taken | new, known)
                    good.append(row)
            except Refusal as refusal:
                told.errors.append((row.number, refusal.code))
                continue
            new |= set(row.known_by)
            told.imported += 1
            told.known += is_known
            told.points += row.points
        told.errors.sort()
        if good and not dry_run:
            self._enrol(good)
        return told, new

    def _readable(self, chunk: list[tuple[int, Row]], told: ImportedMembers) -> list[Arrival]:
        found = []
        for number, row in chunk:
            try:
                found.append(self._read(number, row))
            except UnknownColumn:
                raise
            except Refusal as refusal:
                told.errors.append((number, refusal.code))
        return found

    def _read(self, number: int, row: Row) -> Arrival:
        for column in row:
            if column not in COLUMNS:
                raise UnknownColumn(column=str(column)[:80])
        name, phone, email, card = (_text(row.get(each)) for each in COLUMNS[:4])
        who = Newcomer(name, phone, email, card)
        pairs = enrolment.known_by(who, self.country)
        born = _date(row.get("born"))
        enrolment.refuse_birth(born, self.at)
        points, expires = _points(row.get("points")), _date(row.get("expires"))
        if expires and expires > LAST:
            raise BadDate
        expires_at = ends(expires, self.zone) if expires else None
        if expires_at and expires_at <= self.at:
            raise BadDate
        if points and self.program is None:
            raise ProgramNotLive
        who = replace(who, birth_date=born)
        return Arrival(number, _key(number, who, points, expires), who, pairs, points, expires_at)

    def _earlier(self, rows: list[Arrival]) -> set[str]:
        """The keys of rows that an earlier run took. One statement."""
        keys = [row.key for row in rows]
        found = Operation.objects.filter(source=self.by.source, key__in=keys)
        return set(found.values_list("key", flat=True))

    def _enrol(self, rows: list[Arrival]) -> None:
        with transaction.atomic():
            made: list[Member] = []
            known_by: list[Identifier] = []
            for row in rows:
                member, its = enrolment.prepared(
                    row.who, row.known_by, at=self.at, by=self.by, source="import"
                )
                made.append(member)
                known_by += its
            enrolment.insert(made, known_by)
            kept = [self._operation(row, m) for row, m in zip(rows, made, strict=True)]
            Operation.objects.bulk_create(kept, batch_size=1_000)
            self._credit(zip(rows, made, kept, strict=True))
            told = {"members": len(made), "points": sum(row.points for row in rows)}
            write(self.by, "members.imported", None, at=self.at, after=told)

    def _operation(self, row: Arrival, member: Member) -> Operation:
        return operations.unsaved(
            "import_member",
            self.by,
            key=row.key,
            print_=operations.fingerprint("import_member", row.key),
            at=self.at,
            result={"member": str(member.pk)},
        )

    def _credit(self, arrived: Iterable[tuple[Arrival, Member, Operation]]) -> None:
        rich = {member.pk: (row, its.pk) for row, member, its in arrived if row.points}
        if not rich:
            return
        at = self.at
        with ledger.opened(rich, at=at) as book:
            for pk, (row, its) in rich.items():
                account, kind, until = book.accounts[pk], Entry.Kind.OPENING, row.expires_at
                book.credit(account, row.points, kind=kind, at=at, operation=its, expires_at=until)
                automatic.issue(account, book, at=at, operation=its, by=self.by)


def _refuse(
    row: Arrival, taken: Set[tuple[str, str]], known: Mapping[tuple[str, str], Member]
) -> None:
    if any(pair in taken for pair in row.known_by):
        raise DuplicateInFile
    if any(pair in known for pair in row.known_by):
        raise AlreadyMember


def _source(name: str) -> str:
    """The room of the list's keys."""
    short = name if len(name) <= LONGEST_NAME else hashlib.sha256(name.encode()).hexdigest()
    return f"members:{short}"


def _key(number: int, who: Newcomer, points: int, expires: dt.date | None) -> str:
    """Tells this row of the list from what may stand there another time. With the server's secret,
    because a key outlives a person who is erased, and a phone has few digits.
    """
    told = json.dumps([who.name, who.phone, who.email, who.card, points, str(expires)])
    return f"{number}:{salted_hmac('loyalty.imports', told, algorithm='sha256').hexdigest()[:32]}"


def _text(found: object) -> str:
    return "" if found is None else str(found)


def _points(found: object) -> int:
    """A whole number as a number or a text; nothing is 0. Raises BadPoints."""
    text = "0" if found is None or found == "" else str(found).strip()
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MOST)) or int(text) > MOST:
        raise BadPoints
    return int(text)


def _date(found: object) -> dt.date | None:
    """A date as such or as ISO 8601 text. Raises BadDate."""
    if found is None or found == "":
        return None
    if isinstance(found, dt.date) and not isinstance(found, dt.datetime):
        return found
    try:
        return dt.date.fromisoformat(str(found).strip())
    except ValueError:
        raise BadDate from None
