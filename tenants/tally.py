"""What a piece of work asked of the database: statements, rows, seconds. And who was slow.

A request or a job counts its own; the sums go to the usage of its tenant.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

log = logging.getLogger("portal.sql")
slow_after = 0.2  # seconds; portal.apps sets it from SLOW_QUERY_MS
LONGEST = 2000  # characters of a statement that the log keeps
# Names, which are kept; then what is a value or may hide one: comments, quoted text in PostgreSQL's
# three spellings, numbers. An end that is missing is the end of the text.
VALUES = re.compile(
    r"""(?P<name>"(?:""|[^"])*")
        | --[^\n]* | /\*.*?(?:\*/|$)
        | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|$)
        | [eE]'(?:\\.|''|[^'\\])*(?:'|$) | '(?:''|[^'])*(?:'|$)
        | (?<![\w$."])\d[\d.]*(?:[eE][+-]?\d+)?""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(slots=True)
class Tally:
    statements: int = 0
    rows: int = 0
    seconds: float = 0.0


_tally: ContextVar[Tally | None] = ContextVar("tenants.tally", default=None)


@contextmanager
def tallied() -> Iterator[Tally]:
    """Count what is asked meanwhile."""
    tally = Tally()
    token = _tally.set(tally)
    try:
        yield tally
    finally:
        _tally.reset(token)


def add(query: object, rows: int, seconds: float) -> None:
    """Told by the cursor after each statement, done or failed; `rows` below zero is none.

    `query` is its text before parameters are put in; the log leaves out what is written in it as a
    value, too.
    """
    tally = _tally.get()
    if tally is not None:
        tally.statements += 1
        tally.seconds += seconds
        if rows > 0:
            tally.rows += rows
    if seconds >= slow_after:
        told = {"ms": round(seconds * 1000), "rows": max(rows, 0), "sql": valueless(query)}
        log.warning("slow statement", extra={"facts": told})


def add_rows(rows: int) -> None:
    """Rows of a statement that was counted before: what a server-side cursor hands out later."""
    if (tally := _tally.get()) is not None:
        tally.rows += rows


def valueless(query: object) -> str:
    """The text of a statement, with "?" for each value that was written into it."""
    text = query.decode("utf-8", "replace") if isinstance(query, bytes) else str(query)
    return VALUES.sub(lambda found: found["name"] or "?", text)[:LONGEST]
