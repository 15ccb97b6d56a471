"""What each shop asks of the machine, by the hour: the noisy neighbour and the bill are found here.

A process counts in memory; a thread of its own adds that to the rows of `Usage` every
settings.USAGE_EVERY seconds and once more at the end, never inside a request. What could not be
written is kept for the next time. A process that is killed takes its last counts along: these are
figures to steer by, not books.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import threading
import time
from dataclasses import asdict, dataclass, fields
from multiprocessing import util
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error, IntegrityError, connection, transaction
from django.db.models import F, Sum

from tenants.context import inside
from tenants.failpoints import Failed, failpoint
from tenants.models import Usage
from tenants.tally import Tally

log = logging.getLogger("portal.usage")
HOUR = 3600  # seconds
REFUSED, LIMITED, FAILED = 400, 429, 500  # HTTP statuses; the first and the last mean from there on
MOST = 50_000  # shops and hours that wait to be written, while the database is away
KEPT = dt.timedelta(days=400)  # thirteen months: the same month of last year is there


@dataclass(slots=True)
class Counts:
    """The columns of a Usage, as they are named there."""

    requests: int = 0
    milliseconds: int = 0
    statements: int = 0
    rows: int = 0
    refused: int = 0
    limited: int = 0
    failed: int = 0

    def __iadd__(self, other: Counts) -> Counts:
        for name in COLUMNS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


COLUMNS = tuple(field.name for field in fields(Counts))
Key = tuple[UUID, int]  # a shop, and the hour as a number since 1970


class Waiting:
    """What this process has counted and not written yet."""

    def __init__(self) -> None:
        self.lock, self.writing = threading.Lock(), threading.Lock()
        self.counts: dict[Key, Counts] = {}
        self.thread: threading.Thread | None = None

    def take(self) -> dict[Key, Counts]:
        with self.lock:
            taken, self.counts = self.counts, {}
        return taken

    def give_back(self, counts: dict[Key, Counts]) -> int:
        """Count again what was not written; returns how many were dropped, the oldest first."""
        with self.lock:
            for key, more in counts.items():
                self.counts[key] = self.counts.get(key, Counts())
                self.counts[key] += more
            surplus = len(self.counts) - MOST
            for key in sorted(self.counts, key=lambda key: key[1])[: max(surplus, 0)]:
                del self.counts[key]
        return max(surplus, 0)


_waiting = Waiting()


def _begin_anew() -> None:
    """A child counts its own; what it inherited is its parent's, and a lock may be held there."""
    global _waiting  # noqa: PLW0603 (the process' counts)
    _waiting = Waiting()


os.register_at_fork(after_in_child=_begin_anew)


def count(tenant: UUID, *, milliseconds: int, tally: Tally, status: int | None = None) -> None:
    """Add what one request of `tenant` cost; without a status it was a job, which is no request."""
    key = (tenant, int(time.time()) // HOUR)
    with _waiting.lock:
        counts = _waiting.counts.get(key)
        if counts is None:
            counts = _waiting.counts[key] = Counts()
        counts.milliseconds += milliseconds
        counts.statements += tally.statements
        counts.rows += tally.rows
        if status is not None:
            counts.requests += 1
            counts.refused += REFUSED <= status < FAILED
            counts.limited += status == LIMITED
            counts.failed += status >= FAILED
    if _waiting.thread is None and settings.USAGE_EVERY:
        _start()


def counted(tenant: UUID) -> Counts:
    """What this process has counted for a tenant and not written yet."""
    total = Counts()
    with _waiting.lock:
        for (whose, _), counts in _waiting.counts.items():
            if whose == tenant:
                total += counts
    return total


def write() -> int:
    """Add the counts to the rows; returns how many rows. What cannot be written is kept."""
    written = 0
    with _waiting.writing:
        taken = _waiting.take()
        try:
            failpoint("before_usage")
            for key in list(taken):
                _add(key, taken[key])
                del taken[key]
                written += 1
        except (Error, Failed) as error:
            dropped = _waiting.give_back(taken)
            facts = {"written": written, "kept": len(taken) - dropped, "dropped": dropped}
            log.warning("usage not written", extra={"facts": facts}, exc_info=error)
    return written


def _add(key: Key, counts: Counts) -> None:
    tenant, number = key
    hour = dt.datetime.fromtimestamp(number * HOUR, dt.UTC)
    with inside(tenant):
        rows = Usage.objects.filter(hour=hour)
        more: dict[str, Any] = {name: F(name) + n for name, n in asdict(counts).items() if n}
        if rows.update(**more):
            return
        try:
            with transaction.atomic():
                Usage.objects.create(hour=hour, **asdict(counts))
        except IntegrityError:  # another process was quicker
            rows.update(**more)


def _start() -> None:
    with _waiting.lock:
        if _waiting.thread is None:
            _waiting.thread = threading.Thread(target=_write_on, name="usage", daemon=True)
            _waiting.thread.start()
            # Unlike atexit this also runs at the end of a process that multiprocessing started, as
            # the web's are.
            util.Finalize(None, _write_and_close, exitpriority=10)


def _write_on() -> None:
    while True:
        time.sleep(settings.USAGE_EVERY)
        _write_and_close()


def _write_and_close() -> None:
    try:
        write()
    except Exception:  # the thread goes on whatever happens
        log.exception("usage not written")
    finally:
        connection.close()  # back to the pool: requests need it


# How it is read -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Load:
    """What a shop asked, or all of them together (`shops`)."""

    tenant: UUID | None
    counts: Counts
    shops: int = 1


def busiest(since: dt.datetime, top: int) -> tuple[list[Load], Load]:
    """The shops that took the most time since an hour, the noisiest first, and all together.

    Works in `platform()`.
    """
    rows = Usage.objects.filter(hour__gte=since)
    sums = {f"all_{name}": Sum(name) for name in COLUMNS}
    each: Any = rows.values("tenant_id")
    # First by one column alone: adding up all of them for 10,000 shops takes twice as long.
    ranked = each.annotate(all_milliseconds=Sum("milliseconds"))
    noisy = [row["tenant_id"] for row in ranked.order_by("-all_milliseconds", "tenant_id")[:top]]
    found = {
        row["tenant_id"]: _summed(row) for row in each.filter(tenant__in=noisy).annotate(**sums)
    }
    loads = [Load(tenant, found[tenant]) for tenant in noisy if tenant in found]
    return loads, Load(None, _summed(rows.aggregate(**sums)), each.distinct().count())


def _summed(row: dict[str, Any]) -> Counts:
    return Counts(*(int(row[f"all_{name}"] or 0) for name in COLUMNS))


def forget_old(at: dt.datetime) -> int:
    """Delete the shop's rows that are older than KEPT; returns how many."""
    gone, _ = Usage.objects.filter(hour__lt=at - KEPT).delete()
    return gone
