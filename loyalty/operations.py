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

from django.db import IntegrityError, transaction

from loyalty.models import Operation
from loyalty.refusals import IdempotencyConflict
from tenants.actors import Actor
from tenants.ids import first_of, uuid7

T = TypeVar("T")
KEPT = dt.timedelta(days=35)


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
    """What was done under this key; IdempotencyConflict if it was something else."""
    found = Operation.objects.filter(source=by.source, key=key).first()
    if found and found.fingerprint != print_:
        raise IdempotencyConflict
    return found


def again_if_raced(act: Callable[[], T]) -> T:
    """Run a command; if a twin was quicker, the unique key says so, and asking again finds it."""
    try:
        with transaction.atomic():
            return act()
    except IntegrityError:
        return act()


def forget_old(at: dt.datetime) -> int:
    """Delete what was carried out more than KEPT before `at`; returns how many.

    A key sent again after that is a new command. The age is that of the row, which its id tells:
    an import's `at` is when its sale was made.
    """
    gone, _ = Operation.objects.filter(pk__lt=first_of(at - KEPT)).delete()
    return gone
