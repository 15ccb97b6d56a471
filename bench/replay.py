"""The replay of 69,659 real purchases: its rate, and how many times its rivals it is.

    python -m bench.replay [SALES]

Rivals: the same verb one by one (on every twentieth sale), and the bare multi-row INSERTs of the
same rows into the same tables, made ready beforehand.
"""

from __future__ import annotations

import itertools
import resource
import sys
import time
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from bench.stage import as_owner, stage, table

ROWS = 1_000  # an INSERT of the rival
TABLES = (
    "loyalty_member",
    "loyalty_identifier",
    "loyalty_account",
    "loyalty_operation",
    "loyalty_purchase",
    "loyalty_entry",
    "loyalty_lot",
)


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else None
    with stage() as environment:
        from django.utils import timezone

        from loyalty import demo, exchange
        from loyalty.models import Account
        from loyalty.opening import open_shop
        from tenants.context import inside

        def opened(slug: str) -> Any:
            return open_shop(
                slug, name="Shop", email="a@b.example", owner_name="A", country="US", at=now
            ).opened.tenant

        def lines() -> Any:
            read = exchange.read(demo.CDNOW, zone=ZoneInfo("UTC"), decimals=2)
            return itertools.islice(read, wanted)

        now = timezone.now()
        whole, single, bare = (opened(slug) for slug in ("whole", "single", "bare"))
        with inside(whole):
            marks = []
            began, used = time.perf_counter(), time.process_time()
            for done in exchange.replay(lines(), name="cdnow", at=now):
                marks.append(memory())
            seconds, cpu = time.perf_counter() - began, time.process_time() - used
            members = Account.objects.count()
        some = list(lines())[::20]
        with inside(single):
            one_by_one, one_cpu = apiece(some)
        inserts, insert_cpu = bare_inserts(environment, whole.pk, bare.pk)
    count = done.recorded
    table(
        f"Replay of {count:,} purchases of {members:,} customers, {done.points:,} points",
        [
            ("rate", f"{count / seconds:,.0f} / s", f"{seconds:.1f} s"),
            ("than one by one, time", f"{one_by_one * count / seconds:.1f} × faster", "goal ≥ 8"),
            ("than one by one, our CPU", f"{one_cpu * count / cpu:.1f} × less", ""),
            ("the bare INSERTs, time", f"{seconds / inserts:.1f} ×", "goal ≤ 4"),
            ("the bare INSERTs, our CPU", f"{cpu / insert_cpu:.1f} ×", ""),
            ("memory, first batch → last", f"{marks[0]} → {marks[-1]} MB", "flat"),
        ],
    )


def apiece(some: list[Any]) -> tuple[float, float]:
    """Seconds and CPU seconds of one sale, through the verb of the till."""
    from loyalty.enrolment import enrol
    from loyalty.purchases import record
    from tenants.actors import Actor

    by = Actor.importing("single")
    began, used = time.perf_counter(), time.process_time()
    for line in some:
        member = enrol(card=line.who.card, at=line.at, by=by, source="import")
        record(member, line.amount, at=line.at, by=by, key=line.receipt, ref=line.receipt)
    return (time.perf_counter() - began) / len(some), (time.process_time() - used) / len(some)


def bare_inserts(environment: dict[str, str], source: Any, target: Any) -> tuple[float, float]:
    """Seconds and CPU seconds of inserting one tenant's rows for another, ROWS at a time.

    Rows of tables that refer to the shop itself (its program, its location) are inserted first and
    not counted.
    """
    with as_owner(environment) as connection:
        for name in ("loyalty_program", "tenants_location"):
            copy(connection, name, source, target)
        began = used = 0.0
        seconds = cpu = 0.0
        for name in TABLES:
            statements = list(prepared(connection, name, source, target))
            began, used = time.perf_counter(), time.process_time()
            for statement, values in statements:
                connection.execute(statement, values)
            connection.commit()
            seconds += time.perf_counter() - began
            cpu += time.process_time() - used
    return seconds, cpu


def copy(connection: psycopg.Connection[Any], name: str, source: Any, target: Any) -> None:
    """The shop's own few rows; a second live program is not one."""
    for statement, values in prepared(connection, name, source, target):
        if name == "loyalty_program":
            connection.execute(
                "UPDATE loyalty_program SET status = 'ended' WHERE tenant_id = %s", [target]
            )
        connection.execute(statement, values)
    connection.commit()


def prepared(connection: psycopg.Connection[Any], name: str, source: Any, target: Any) -> Any:
    """(statement, values) of each INSERT."""
    from psycopg.types.json import Jsonb

    table_ = sql.Identifier(name)
    found = connection.execute(
        sql.SQL("SELECT * FROM {} WHERE tenant_id = %s ORDER BY id").format(table_), [source]
    )
    columns = [column.name for column in found.description or ()]
    tenant = columns.index("tenant_id")
    row_words = sql.SQL("({})").format(sql.SQL(", ").join([sql.Placeholder()] * len(columns)))
    while rows := found.fetchmany(ROWS):
        values: list[Any] = []
        for row in rows:
            changed = [Jsonb(v) if isinstance(v, dict | list) else v for v in row]
            changed[tenant] = target
            values += changed
        yield (
            sql.SQL("INSERT INTO {} ({}) VALUES {}")
            .format(
                table_,
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.SQL(", ").join([row_words] * len(rows)),
            )
            .as_string(connection),
            values,
        )


def memory() -> int:
    """The most megabytes this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
