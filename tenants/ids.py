"""UUIDv7 keys (RFC 9562): they sort by the time they were made, and say when that was."""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
import uuid

_TICKS = (
    1 << 12
)  # the 12 bits after the milliseconds count fractions of one, RFC 9562 section 6.2, method 3
_lock = threading.Lock()
_last = 0


def uuid7() -> uuid.UUID:
    """A new key, greater than every key this process made before, so that rows sort in the order
    they were written.
    """
    global _last  # noqa: PLW0603 (the process's last key)
    with _lock:
        _last = max(_last + 1, time.time_ns() * _TICKS // 1_000_000)
        milliseconds, fraction = divmod(_last, _TICKS)
    value = (milliseconds << 80) | (fraction << 64) | int.from_bytes(os.urandom(8))
    value = value & ~(0xF << 76) & ~(0x3 << 62) | (0x7 << 76) | (0x2 << 62)
    return uuid.UUID(int=value)


def made_at(key: uuid.UUID) -> dt.datetime:
    """When the key was made, to the millisecond: the time a row was recorded, without a column for
    it.
    """
    return dt.datetime.fromtimestamp((key.int >> 80) / 1000, dt.UTC)


def first_of(at: dt.datetime) -> uuid.UUID:
    """The smallest key that can be made at this time: rows with smaller ones were made before."""
    milliseconds = at.timestamp() * 1000
    return uuid.UUID(int=int(milliseconds) << 80)
