"""What must be so after every command, whatever the scenario expects: the invariants of its file.

Looked at with plain sums over the rows, by nothing that the verbs use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db import connection
from psycopg import sql

from loyalty.models import Account, Entry, Lot, Operation
from tenants.testing import owned_models
from tests.scenarios.stage import Stage


def faults(stage: Stage) -> Iterator[str]:
    """What is wrong in the books of the shop."""
    entries: Counter[Any] = Counter()
    for account, amount in Entry.objects.values_list("account", "amount"):
        entries[account] += amount
    remaining: Counter[Any] = Counter()
    for lot in Lot.objects.all():
        remaining[lot.account_id] += lot.remaining
        if not 0 <= lot.remaining <= lot.amount:
            yield f"a lot holds {lot}"
        if lot.remaining > stage.remaining.get(lot.pk, lot.amount):
            yield f"a lot grew from {stage.remaining[lot.pk]} to {lot.remaining}"
        stage.remaining[lot.pk] = lot.remaining
    for account in Account.objects.select_related("member"):
        name = stage.name_of(account.member)
        if entries[account.pk] != remaining[account.pk] - account.debt:
            yield (
                f"{name}: entries make {entries[account.pk]}, but lots hold "
                f"{remaining[account.pk]} and {account.debt} are owed"
            )
        if account.debt and remaining[account.pk]:
            yield f"{name} owes {account.debt} and has {remaining[account.pk]}"
        if account.balance + account.pending != remaining[account.pk]:
            yield (
                f"{name}: the account says {account.balance} and {account.pending} pending, lots "
                f"hold {remaining[account.pk]}"
            )


def rows() -> set[tuple[str, str]]:
    """Every row of the shop as text, with its table: all but remembered operations. One
    statement.
    """
    tables = (m._meta.db_table for m in owned_models() if m is not Operation)
    each = [
        sql.SQL("SELECT {}, t::text FROM {} AS t").format(sql.Literal(table), sql.Identifier(table))
        for table in sorted(tables)
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(each).as_string())
        return set(cursor.fetchall())


def changes(before: set[tuple[str, str]], after: set[tuple[str, str]]) -> list[str]:
    """What a command wrote, as text."""
    gone = [f"- {table} {row}" for table, row in sorted(before - after)]
    return gone + [f"+ {table} {row}" for table, row in sorted(after - before)]
