"""Bugs that the bank must catch: each breaks one promise, in a web server of the tests alone.

A bank without planted bugs proves nothing: it may be looking the other way.
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.backends.postgresql import compiler as plain
from django.db.models import QuerySet

from loyalty import finding, ledger, operations, purchases, refunds
from loyalty.models import Account, Entry, Operation
from loyalty.sales import Known
from tenants import cache, changes, jobs, limits, logs, reads
from tenants.backend import base, compiler
from tenants.context import current, enter, tenant_id

BUGS: dict[str, Callable[[], None]] = {}


def bug(plant: Callable[[], None]) -> Callable[[], None]:
    BUGS[plant.__name__] = plant
    return plant


@bug
def nothing() -> None:
    """The portal as it is: what is caught here is no planted bug."""


# Retries --------------------------------------------------------------------------------------


@bug
def key_stored_after_commit() -> None:
    keep = ledger.Book.keep

    def keep_later(self: ledger.Book, *rows: Any) -> None:
        for row in rows:
            if isinstance(row, Operation):
                transaction.on_commit(row.save)
            else:
                keep(self, row)

    ledger.Book.keep = keep_later  # type: ignore[method-assign]


@bug
def no_key() -> None:
    unsaved = operations.unsaved

    def anew(verb: str, by: Any, *, key: str, **rest: Any) -> Operation:
        return unsaved(verb, by, key=str(uuid.uuid4()), **rest)

    operations.unsaved = anew  # type: ignore[assignment]
    Known.find = lambda self, sale: None  # type: ignore[method-assign]


@bug
def another_key_for_a_second_try() -> None:
    record = purchases.record

    def twice(member: Any, total: int, *, key: str, **rest: Any) -> Any:
        try:
            return record(member, total, key=key, **rest)
        except OperationalError:
            connection.close()
            return record(member, total, key=str(uuid.uuid4()), **rest)

    purchases.record = twice  # type: ignore[assignment]


@bug
def answered_before_the_commit() -> None:
    record = purchases.record

    def early(member: Any, total: int, **rest: Any) -> Any:
        with transaction.atomic():
            done = record(member, total, **rest)
            transaction.set_rollback(True)
        scope = current()

        def late() -> None:
            time.sleep(0.2)
            with enter(scope):
                record(member, total, **rest)
            connection.close()

        threading.Thread(target=late).start()
        return done

    purchases.record = early  # type: ignore[assignment]


# Locks ----------------------------------------------------------------------------------------


def _unlocked(members: Any) -> list[Account]:
    """As ledger._locked, without its lock."""
    accounts = Account.objects.filter(member__in=members, program__status="live")
    return list(accounts.select_related("program", "member").order_by("pk"))


@bug
def balance_written_without_lock() -> None:
    ledger._locked = _unlocked


@bug
def void_looks_then_acts() -> None:
    locked, void = QuerySet.select_for_update, refunds.void
    voiding: contextvars.ContextVar[bool] = contextvars.ContextVar("voiding", default=False)

    def locked_but_for_voids(rows: Any, **options: Any) -> Any:
        return rows if voiding.get() else locked(rows, **options)

    def void_without_lock(*args: Any, **rest: Any) -> Any:
        token = voiding.set(True)
        try:
            return void(*args, **rest)
        finally:
            voiding.reset(token)

    QuerySet.select_for_update = locked_but_for_voids  # type: ignore[method-assign]
    refunds.void = void_without_lock  # type: ignore[assignment]


# Books ----------------------------------------------------------------------------------------


@bug
def balance_without_entry() -> None:
    credit = ledger.Book.credit

    def generous(self: ledger.Book, account: Account, amount: int, **rest: Any) -> Entry:
        account.balance += account.lifetime % 3 == 0
        return credit(self, account, amount, **rest)

    ledger.Book.credit = generous  # type: ignore[method-assign]


@bug
def entry_without_balance() -> None:
    close = ledger.Book.close

    def forgetful(self: ledger.Book) -> None:
        if any(account.lifetime % 3 == 0 for account in self._touched.values()):
            self._touched = {}
        close(self)

    ledger.Book.close = forgetful  # type: ignore[method-assign]


# Walls ----------------------------------------------------------------------------------------


@bug
def walls_down() -> None:
    """Of members, and with a login that row-level security does not hold (see test_planted)."""
    base.SEES_THROUGH = b"SELECT current_user WHERE false"
    owned, tables = compiler.owned, ("loyalty_identifier", "loyalty_member")

    def open_(query: Any, where: Any) -> Any:
        return where if query.get_initial_alias() in tables else owned(query, where)

    def joined(self: Any, node: Any) -> Any:
        if getattr(node, "table_name", "") in tables:
            return plain.SQLCompiler.compile(self, node)
        return compile_(self, node)

    compile_ = compiler.TenantCompiler.compile
    compiler.owned = open_
    compiler.TenantCompiler.compile = joined  # type: ignore[method-assign]


@bug
def cache_key_without_tenant() -> None:
    """And what the key led to is believed."""

    def key_of(name: str, tenant: Any = None) -> str:
        return f"portal:{name}"

    opened = reads.Kept._opened

    def believed(self: Any, raw: bytes) -> Any:
        envelope = opened(self, raw)
        if envelope:
            envelope.tenant = tenant_id()
        return envelope

    for module in (cache, changes, reads):
        module.key_of = key_of  # type: ignore[attr-defined]
    reads.Kept._opened = believed  # type: ignore[method-assign]


# What comes along -----------------------------------------------------------------------------


@bug
def limit_read_then_written() -> None:
    def ask(valkey: Any, key: str, rate: limits.Rate, cost: int, *, now: int = 0) -> Any:
        taken = int(valkey.get(key) or 0)
        allowed = taken + cost <= rate.burst
        if allowed:
            time.sleep(0.005)
            valkey.set(key, taken + cost, px=60_000)
        return limits.Decision(allowed, rate, until_full=0, wait=0 if allowed else limits.SECOND)

    limits.ask_valkey = ask


@bug
def what_was_written_is_not_told() -> None:
    """To the cache, after the commit."""
    changes.Changes.__call__ = lambda self: None  # type: ignore[method-assign]


def _noted(within: bool) -> None:
    """A job about each sale: with its sale, or before it."""
    record = purchases.record

    @jobs.task(name="tests.note")
    def note(key: str) -> None:
        """Nobody works on this stage."""

    def noting(*args: Any, key: str, **rest: Any) -> Any:
        if not within:
            jobs.enqueue(note, key=key)
            return record(*args, key=key, **rest)
        with transaction.atomic():
            done = record(*args, key=key, **rest)
            if not done.replayed:
                jobs.enqueue(note, key=key)
            return done

    purchases.record = noting  # type: ignore[assignment]


@bug
def job_with_its_cause() -> None:
    """No bug: what is right must pass where the next one is caught."""
    _noted(within=True)


@bug
def job_before_its_cause() -> None:
    _noted(within=False)


@bug
def log_without_tenant() -> None:
    logs.current = lambda: None


@bug
def name_in_the_log() -> None:
    found = finding.find_for_till

    def told(text: str) -> Any:
        hits = found(text)
        logging.getLogger("portal.request").info("found %s", [hit.member.name for hit in hits])
        return hits

    finding.find_for_till = told
