"""Idempotency: a command is written down in the transaction of its effect, so a key has one.

Looking first and the unique key behind it are enough: whoever loses a race is told so by the key,
asks again, and finds what the other wrote.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import IntegrityError, OperationalError, transaction
from psycopg.errors import DeadlockDetected

from loyalty.models import Operation
from loyalty.refusals import IdempotencyConflict, Refusal, again
from tenants.actors import Actor
from tenants.ids import first_of, uuid7

T = TypeVar("T")
KEPT = dt.timedelta(days=35)
TRIES = 5  # of a command that others cross


def fingerprint(verb: str, *arguments: object) -> str:
    """128 bits that tell one command from another.

    The time is never among the arguments: a repetition has a later one.
    """
    told = json.dumps([verb, *map(str, arguments)])
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def unsaved(
    verb: str, by: Actor, *, key: str, print_: str, at: dt.datetime, result: dict[str, Any]
) -> Operation:
    """The row that says `verb` was carried out: to be saved with its effect."""
    return Operation(
        id=uuid7(),
        source=by.source,
        key=key,
        verb=verb,
        fingerprint=print_,
        who=by.who,
        at=at,
        result=result,
    )


def find(by: Actor, key: str, print_: str) -> Operation | None:
    """What was done under this key.

    Raises IdempotencyConflict if it was something else, and the refusal of that day if it was
    refused. A refused command changed nothing, so another one may have its key.
    """
    found = Operation.objects.filter(source=by.source, key=key).first()
    return heeded(found, print_) if found else None


def was_done(by: Actor, key: str) -> bool:
    """Has a command of this actor been carried out under this key? Then whatever is sent under it
    again changes nothing. One statement.
    """
    found = Operation.objects.filter(source=by.source, key=key)
    return found.exclude(result__has_key="refused").exists()


def heeded(found: Operation, print_: str) -> Operation | None:
    """The same of an operation that was read already."""
    refused = found.result.get("refused")
    if found.fingerprint != print_:
        if refused is None:
            raise IdempotencyConflict
        found.delete()
        return None
    if refused is not None:
        raise again(refused, found.result["figures"])
    return found


def once(
    verb: str,
    by: Actor,
    *,
    key: str,
    print_: str,
    at: dt.datetime,
    act: Callable[[], T],
    replay: Callable[[Operation], T],
) -> T:
    """Carry out a command, or tell again what it did or why it was refused the first time.

    `act` keeps its Operation in the transaction of its effect. What it refuses is undone whole, and
    the refusal kept under the key.
    """

    def attempt() -> T:
        earlier = find(by, key, print_)
        return replay(earlier) if earlier else act()

    try:
        return again_if_raced(attempt)
    except Refusal as refusal:
        if earlier := find(by, key, print_):  # a twin has just done it, which is why
            return replay(earlier)
        remember(refusal, verb, by, key=key, print_=print_, at=at)
        raise


def remember(
    refusal: Refusal, verb: str, by: Actor, *, key: str, print_: str, at: dt.datetime
) -> None:
    """Keep a refusal under its key; a twin that was quicker has done so already."""
    if not refusal.is_final:
        return
    told = {"refused": refusal.code, "figures": refusal.figures}
    row = unsaved(verb, by, key=key, print_=print_, at=at, result=told)
    Operation.objects.bulk_create([row], ignore_conflicts=True)


class TryAgain(Exception):
    """A command has found out in the middle that it should have begun otherwise."""


def again_if_raced(act: Callable[[], T]) -> T:
    """Run a command; if a twin was quicker, the unique key says so, and asking again finds it. So
    does a command that asks for it, and one that PostgreSQL ended because two waited for each
    other. After TRIES the last error is the caller's.
    """
    for _ in range(TRIES - 1):
        try:
            with transaction.atomic():
                return act()
        except (IntegrityError, TryAgain):
            continue
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
    with transaction.atomic():
        return act()


def forget_old(at: dt.datetime) -> int:
    """Delete what was carried out more than KEPT before `at`; returns how many.

    A key sent again after that is a new command. The age is that of the row, which its id tells:
    an import's `at` is when its sale was made.
    """
    gone, _ = Operation.objects.filter(pk__lt=first_of(at - KEPT)).delete()
    return gone
