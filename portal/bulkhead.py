"""One shop's slow pages fill their few places in a process, and nobody else's.

The portal's pages, which are the dear ones, have places of their own beside those of till and
customers, so that a shop does not stand in its own way either. Requests beyond the places wait in a
short line, first come first served; whoever finds the line full, or waits too long, gets 503 and
may come again in a second.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse

from portal.limits import policy_of
from portal.unavailable import Trouble, unavailable

WAITING, PATIENCE = 16, 2.0  # requests in line, seconds
Answer = Callable[[HttpRequest], HttpResponse]


class Full(Exception):
    """No place became free in time."""


class Line:
    """The places of one tenant: how many are taken, and who waits for one."""

    __slots__ = ("taken", "waiting")

    def __init__(self) -> None:
        self.taken = 0
        self.waiting: deque[threading.Event] = deque()


class Bulkhead:
    """Gives `places` to each tenant. Who leaves hands the place to the first in line, so nobody
    can push in; with nobody in line the tenant is forgotten.
    """

    def __init__(self, places: int, *, waiting: int = WAITING, patience: float = PATIENCE) -> None:
        self._places, self._waiting, self._patience = places, waiting, patience
        self._lines: dict[UUID, Line] = {}
        self._lock = threading.Lock()

    @contextmanager
    def place(self, tenant: UUID) -> Iterator[None]:
        """Hold a place meanwhile, or raise Full."""
        self._enter(tenant)
        try:
            yield
        finally:
            self._leave(tenant)

    def taken(self, tenant: UUID) -> int:
        line = self._lines.get(tenant)
        return line.taken if line else 0

    def waiting(self, tenant: UUID) -> int:
        line = self._lines.get(tenant)
        return len(line.waiting) if line else 0

    def _enter(self, tenant: UUID) -> None:
        with self._lock:
            line = self._lines.setdefault(tenant, Line())
            if line.taken < self._places:
                line.taken += 1
                return
            if len(line.waiting) >= self._waiting:
                raise Full
            called = threading.Event()
            line.waiting.append(called)
        if called.wait(self._patience):
            return
        with self._lock:
            if called.is_set():  # in the very last moment: the place is ours
                return
            line.waiting.remove(called)
        raise Full

    def _leave(self, tenant: UUID) -> None:
        with self._lock:
            line = self._lines[tenant]
            if line.waiting:
                line.waiting.popleft().set()
                return
            line.taken -= 1
            if not line.taken:
                del self._lines[tenant]


class BulkheadMiddleware:
    """Below LimitsMiddleware: what is refused needs no place. A streamed body holds none either,
    because a slow reader of it would lock out the shop's own till.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        pool = settings.DATABASES["default"]["OPTIONS"].get("pool") or {}
        places = max(2, pool.get("max_size", 0) // 4)
        self.pages, self.others = Bulkhead(places // 2), Bulkhead(places)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        tenant = request.tenant  # type: ignore[attr-defined]
        if tenant is None:
            return self.get_response(request)
        let_go()
        bulkhead = self.pages if policy_of(request.path_info) == "pages" else self.others
        try:
            with bulkhead.place(tenant.pk):
                return self.get_response(request)
        except Full:
            response = unavailable(request, Trouble.BUSY)
            response.headers["Retry-After"] = "1"
            response.trouble = None  # type: ignore[attr-defined]  # of this shop, not of the server
            return response


def let_go() -> None:
    """What came before may have taken a connection of the pool: nobody waits in line with one."""
    pooled = getattr(connection, "pool", None) and connection.connection
    if pooled and not connection.in_atomic_block:
        connection.close()
