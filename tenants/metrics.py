"""Counts per tenant, kept in each process and told to the log once a minute.

A line of the log a tenant and minute is enough to see which shop is busy or hurting, whatever the
number of processes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from uuid import UUID

from tenants.context import inside

log = logging.getLogger("portal.usage")
REFUSED, FAILED = 400, 500  # HTTP statuses from there on
TOLD_EVERY = 60.0  # seconds
_lock = threading.Lock()
_counts: dict[UUID, Counter[str]] = {}
_told = time.monotonic()


def count(tenant: UUID, *, milliseconds: int, status: int) -> None:
    """Add one request of `tenant`; tells all counts when a minute has passed."""
    due: dict[UUID, Counter[str]] = {}
    global _told, _counts
    with _lock:
        counts = _counts.setdefault(tenant, Counter())
        counts.update(requests=1, milliseconds=milliseconds)
        if status >= REFUSED:
            counts["failed" if status >= FAILED else "refused"] += 1
        if time.monotonic() - _told >= TOLD_EVERY:
            due, _counts, _told = _counts, {}, time.monotonic()
    for key, counts in due.items():
        with inside(key):
            log.info("usage", extra={"facts": dict(counts)})


def counted(tenant: UUID) -> Counter[str]:
    """What this process has counted for a tenant and not told yet."""
    with _lock:
        return Counter(_counts.get(tenant, {}))
