"""Cursors that live in the server, read half-way while another shop works on the connection.

Behind PgBouncer Django's iterator() reads with a plain cursor (DATABASE_POOLER), because the next
FETCH of one held outside a transaction would be another server connection's.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import DatabaseError, connection, transaction

from tenants.context import TenantMismatch, inside
from tenants.models import Location, Tenant
from tests.walls.looking import APP, Pair, look_in, probe, strange

ALL = "SELECT tenant_id FROM tenants_location"


def _foreign(rows: list[Any], tenant: Tenant) -> list[str]:
    return [f"{tenant.pk} read a row of {row[0]}" for row in rows if row[0] != tenant.pk]


def _is_in_server() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE '%%django%%'", [])
        return bool(cursor.fetchone()[0])


@probe(APP)
def iterators_half_read(pair: Pair) -> list[str]:
    """In a transaction, and held over its end."""
    with transaction.atomic():
        faults = _iterate(pair)
    faults += _iterate(pair)
    if pair.facts["server-side iterators"] == pair.is_lent:
        faults.append("iterator() reads with the other kind of cursor")
    return faults


def _iterate(pair: Pair) -> list[str]:
    with inside(pair.anna):
        rows = Location.objects.order_by("pk").iterator(chunk_size=1)
        seen = [next(rows)]
        pair.facts["server-side iterators"] = _is_in_server()
    faults = look_in(pair.boris)
    with inside(pair.anna):
        seen.append(next(rows))
    with inside(pair.boris):
        try:
            seen += rows
            if not pair.is_lent:
                faults.append("it was read on in another tenant")
        except TenantMismatch:
            pass
    return faults + strange(seen, pair.anna.pk) + look_in(pair.anna)


@probe(APP)
def named_cursors_half_read(pair: Pair) -> list[str]:
    """Django's own and one made on psycopg's connection, in a transaction."""
    faults = []
    for make in (
        lambda: connection.create_cursor(name="half"),
        lambda: connection.connection.cursor("half"),
    ):
        connection.ensure_connection()
        with transaction.atomic():
            with inside(pair.anna):
                cursor = make()
                cursor.execute(ALL)
                seen = [cursor.fetchone()]
            faults += look_in(pair.boris)
            with inside(pair.boris):
                try:
                    seen += cursor.fetchall()
                    faults.append("it was read in another tenant")
                except TenantMismatch:
                    pass
            with inside(pair.anna):
                seen += cursor.fetchall()
                cursor.close()
        faults += _foreign(seen, pair.anna)
    return faults


@probe(APP)
def a_cursor_held_by_another_client(pair: Pair) -> list[str]:
    """One that outlives its transaction stays on the server's connection, which PgBouncer lends to
    the next client: there it must not come into being.
    """
    connection.ensure_connection()
    held: Any = None
    try:
        with inside(pair.anna):
            held = connection.connection.cursor("held", withhold=True)
            held.execute(ALL)
    except psycopg.NotSupportedError:
        held = None
    pair.facts["cursors are held"] = held is not None
    faults = ["it was held"] if held is not None and pair.is_lent else []
    other = connection.copy()
    try:
        with inside(pair.boris), other.cursor() as cursor:
            cursor.execute("FETCH ALL FROM held")
            faults += _foreign(cursor.fetchall(), pair.boris)
    except DatabaseError:
        pass
    finally:
        other.close()
        if held is not None:
            with inside(pair.anna):
                held.close()
    return faults
