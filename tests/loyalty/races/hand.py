"""The hands of a race: `python -m tests.loyalty.races.hand <fd> …`, one process for each fd.

Over its pipe a hand gets a shop, a call and a drill (tenants.failpoints), says that it is ready,
and carries the call out when it is told to. Django is set up once and then forked, as a web server
does with its workers: before that there is no connection and no thread.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import django

DONE, REFUSED, FAILED = "done", "refused", "failed"
READY = "ready"
PLANTED = "PLANTED"  # the name of a bug that is to be caught
VERBS = (
    *("loyalty.books", "loyalty.birthdays", "loyalty.imports", "loyalty.merging"),
    *("loyalty.refunds", "loyalty.sweeping", "loyalty.vouchers"),
)


def main(pipes: list[int]) -> None:
    django.setup()
    for verbs in VERBS:  # before the fork, so that no hand has to
        importlib.import_module(verbs)
    if name := os.environ.get(PLANTED):
        plant(name)
    for pipe in pipes:
        if os.fork() == 0:
            for other in pipes:
                if other != pipe:
                    os.close(other)
            serve(Connection(pipe))
            os._exit(0)
    for pipe in pipes:
        os.close(pipe)
    for _ in pipes:
        os.wait()


def plant(name: str) -> None:
    import pytest

    from tests.loyalty.planted.planting import bugs

    bugs()[name].plant(pytest.MonkeyPatch())


def serve(pipe: Connection) -> None:
    """Call after call, until the other end is closed."""
    from django.db import connection

    from tenants import failpoints
    from tenants.context import inside

    while True:
        try:
            tenant, call, drill = pipe.recv()
        except EOFError:
            return
        failpoints._rules = failpoints.read(drill)
        crossings: list[str] = []
        with inside(tenant):
            connection.ensure_connection()
            pipe.send(READY)
            pipe.recv()
            with connection.execute_wrapper(partial(watch, crossings)):
                outcome = outcome_of(call)
        pipe.send((*outcome, crossings))


def outcome_of(call: Callable[[], Any]) -> tuple[str, Any]:
    """What a call returned, the code of its refusal, or what else went wrong, as text."""
    from loyalty.refusals import Refusal

    try:
        return DONE, call()
    except Refusal as refusal:
        return REFUSED, refusal.code
    except Exception:  # noqa: BLE001 (told to the race, which fails)
        return FAILED, traceback.format_exc()


def watch(
    crossings: list[str], execute: Callable[..., Any], sql: Any, params: Any, *rest: Any
) -> Any:
    """Carry a statement out, and note where PostgreSQL had to end it because two waited for each
    other: a command that is begun anew bears that, but the customer has waited a second.
    """
    from django.db import OperationalError
    from psycopg.errors import DeadlockDetected

    try:
        return execute(sql, params, *rest)
    except OperationalError as error:
        if isinstance(error.__cause__, DeadlockDetected):
            stack = traceback.format_stack()
            ours = [line for line in stack if "/loyalty/" in line and "/tests/" not in line]
            crossings.append(f"{error}\n{''.join(ours)}")
        raise


if __name__ == "__main__":
    main([int(pipe) for pipe in sys.argv[1:]])
