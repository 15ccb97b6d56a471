"""Where a tenant could linger: rollbacks, savepoints, errors, connections that are lost."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from functools import partial
from uuid import UUID

from django.db import DatabaseError, close_old_connections, connection, transaction

from tenants.context import inside
from tests.walls.looking import APP, WORKER, Pair, look, look_in, nobody, probe


class _Undo(Exception):
    pass


def ask(statement: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


@probe(APP, WORKER)
def nobody_after_somebody(pair: Pair) -> list[str]:
    faults = look_in(pair.anna) + nobody()
    with transaction.atomic():
        faults += look_in(pair.boris) + nobody() + look_in(pair.anna) + nobody()
    return faults


@probe(APP, WORKER)
def after_a_rollback(pair: Pair) -> list[str]:
    faults = look_in(pair.boris)
    with suppress(_Undo), transaction.atomic():
        faults += look_in(pair.anna)
        raise _Undo
    return faults + look_in(pair.anna) + look_in(pair.boris)


@probe(APP)
def after_a_savepoint(pair: Pair) -> list[str]:
    with transaction.atomic():
        faults = look_in(pair.boris)
        with suppress(_Undo), transaction.atomic():
            faults += look_in(pair.anna)
            raise _Undo
        faults += look_in(pair.anna)
        with transaction.atomic():
            faults += look_in(pair.boris)
        return faults + look_in(pair.anna)


@probe(APP)
def after_an_error(pair: Pair) -> list[str]:
    """In autocommit, in a savepoint, and in a transaction that is lost with it."""
    faults = look_in(pair.boris)
    with suppress(DatabaseError), inside(pair.anna):
        ask("SELECT 1 / 0")
    faults += look_in(pair.anna)
    with transaction.atomic():
        faults += look_in(pair.boris)
        with suppress(DatabaseError), inside(pair.anna), transaction.atomic():
            faults += look(pair.anna.pk)
            ask("SELECT 1 / 0")
        faults += look_in(pair.anna) + look_in(pair.boris)
    with suppress(DatabaseError), inside(pair.anna), transaction.atomic():
        ask("SELECT 1 / 0")
    return faults + look_in(pair.anna) + look_in(pair.boris)


@probe(APP)
def what_runs_after_the_commit(pair: Pair) -> list[str]:
    faults: list[str] = []

    def later(pk: UUID) -> None:
        faults.extend(look(pk))

    with transaction.atomic():
        for tenant in pair.both:
            with inside(tenant):
                faults.extend(look(tenant.pk))
                transaction.on_commit(partial(later, tenant.pk))
    return faults


@probe(APP)
def a_connection_killed_in_the_middle(pair: Pair) -> list[str]:
    faults = []
    for around in (transaction.atomic, nullcontext):
        before = ask("SELECT pg_backend_pid()")
        try:
            with inside(pair.anna), around():
                faults += look(pair.anna.pk)
                ask("SELECT pg_terminate_backend(pg_backend_pid())")
            faults.append("it survived")
        except DatabaseError:
            close_old_connections()
        faults += look_in(pair.boris) + look_in(pair.anna)
        if ask("SELECT pg_backend_pid()") == before:
            faults.append("it is the same connection")
    return faults
