"""A breaker for a server that we can do without: after some failures nobody waits for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import (
    ClusterDownError,
    ConnectionError,  # noqa: A004
    RedisClusterException,
    ResponseError,
    SlotNotCoveredError,
    TimeoutError,  # noqa: A004
)

P = ParamSpec("P")
T = TypeVar("T")

FAILURES, OPEN_FOR = 5, 5.0  # in a row; seconds until one caller tries again
log = logging.getLogger("portal.valkey")


class Away(ConnectionInterrupted, ConnectionError):
    """Valkey cannot be reached, or is not even asked. django-redis takes it for a miss."""

    def __init__(self, why: str) -> None:
        ConnectionError.__init__(self, why)
        self.connection = None

    def __str__(self) -> str:
        return str(self.args[0])


class Breaker:
    """Closed: everybody calls. Open: `allows()` is False, so callers do without at once.

    After OPEN_FOR one caller may try; its success closes the breaker, its failure keeps it open
    for as long again.
    """

    def __init__(self, failures: int = FAILURES, open_for: float = OPEN_FOR) -> None:
        self._failures, self._open_for = failures, open_for
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._opened: float | None = None
        self._hooks: list[Callable[[], None]] = []

    @property
    def is_open(self) -> bool:
        return self._opened is not None

    def call(self, do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the server by `do`, a call of redis-py. Raises Away while open.

        A server that says no (out of memory, wrong type) is there. A cluster is not while it says
        that it is down, or while none of its nodes can be reached, which redis-py tells by an error
        outside its own family.
        """
        if not self.allows():
            raise Away("not asked: it did not answer a moment ago")
        try:
            answer = do(*args, **kwargs)
        except (ConnectionError, TimeoutError, ClusterDownError, OSError):
            self.failed()
            raise
        except ResponseError:
            self.succeeded()
            raise
        except RedisClusterException as error:
            if error.__cause__ is None and not isinstance(error, SlotNotCoveredError):
                raise  # a mistake of the caller, such as keys of two slots
            self.failed()
            raise Away(str(error)) from error
        self.succeeded()
        return answer

    def allows(self) -> bool:
        if not self.is_open:
            return True
        with self._lock:
            now = time.monotonic()
            if self._opened is None:
                return True
            if now - self._opened < self._open_for:
                return False
            self._opened = now  # the others wait for what this one finds
            return True

    def failed(self) -> None:
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row < self._failures:
                return
            opens, self._opened = self._opened is None, time.monotonic()
        if opens:
            log.warning("Valkey is away: pages do without")

    def succeeded(self) -> None:
        if not self._in_a_row:
            return
        with self._lock:
            failures, was_open = self._in_a_row, self._opened is not None
            self._in_a_row, self._opened = 0, None
        if was_open:
            log.warning("Valkey is back")
        if failures:
            for hook in self._hooks:
                hook()

    def when_back(self, hook: Callable[[], None]) -> None:
        """Run `hook` at each success that follows a failure, in the thread that had it."""
        self._hooks.append(hook)

    def forget(self) -> None:
        """Be closed, whatever was: between tests."""
        with self._lock:
            self._in_a_row, self._opened = 0, None


valkey = Breaker()
