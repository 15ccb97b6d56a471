"""`/livez` and `/readyz`: answered on any host and before anything else, so that they tell the
truth.

livez: this process answers. readyz: it can serve this minute, because PostgreSQL answers within a
second, has all migrations and room on its disk; without Valkey it still serves, slower.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, InterfaceError, ProgrammingError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from portal.unavailable import Trouble, seen_within

DEADLINE = 1.0  # seconds in which a server has to answer
GIVE_UP = 5.0  # seconds after which a check that hangs is cut off, and another begins
FULL_FOR, BUSY_FOR = 10.0, 2.0  # seconds for which a request that met such trouble is believed


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/livez":
            return HttpResponse("ok\n", content_type="text/plain")
        if request.path == "/readyz":
            return readiness()
        return self.get_response(request)


def readiness() -> JsonResponse:
    """200 {"ready": true, "database": "ok", "cache": "ok" | "away"}, or 503; `database` is then
    "away", "behind" (migrations are missing), "full" (its disk) or "busy" (all connections).
    """
    found = watch.look()
    database = found.database
    if database == "ok" and seen_within(Trouble.FULL, FULL_FOR):
        database = "full"
    elif database == "ok" and seen_within(Trouble.BUSY, BUSY_FOR):
        database = "busy"
    ready = database == "ok"
    told = {"ready": ready, "database": database, "cache": found.cache}
    answer = JsonResponse(told, status=200 if ready else 503, headers={"Cache-Control": "no-store"})
    answer._has_been_logged = True  # type: ignore[attr-defined]  # ten a second may ask
    return answer


@dataclass(frozen=True, slots=True)
class Found:
    database: str
    cache: str


class Watch:
    """Looks at both servers in a thread, because a frozen one answers nobody and refuses nobody.

    One look at a time, which everybody who asks meanwhile waits for; over a connection of its own,
    so that it can ask while the pool is used up.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._done.set()
        self._began = 0.0
        self._found = Found("away", "away")
        self._connection: Any = None
        self._is_migrated = False

    def look(self) -> Found:
        """What is found now; whoever does not answer by the deadline is away."""
        with self._lock:
            if not self._done.is_set() and time.monotonic() - self._began > GIVE_UP:
                self._cut_off()
            if self._done.is_set():
                self._done = threading.Event()
                self._began = time.monotonic()
                look = threading.Thread(target=self._look, args=(self._done,), daemon=True)
                look.start()
            done, left = self._done, self._began + DEADLINE - time.monotonic()
        return self._found if done.wait(max(left, 0)) else Found("away", self._found.cache)

    def _look(self, done: threading.Event) -> None:
        found = Found("away", self._found.cache)
        try:
            found = Found(self._ask_database(), self._ask_cache())
        finally:
            if done is self._done:  # and not cut off meanwhile
                self._found = found
            done.set()

    def _ask_database(self) -> str:
        own = self._connection = self._connection or _own_connection()
        try:
            with own.cursor() as cursor:
                cursor.execute("SELECT 1")
                if not self._is_migrated:
                    cursor.execute("SELECT app, name FROM django_migrations")
                    self._is_migrated = needed_migrations() <= set(cursor.fetchall())
        except ProgrammingError:  # there is no such table yet
            return "behind"
        except (DatabaseError, InterfaceError):
            with contextlib.suppress(DatabaseError, InterfaceError):
                own.close()
            return "away"
        return "ok" if self._is_migrated else "behind"

    @staticmethod
    def _ask_cache() -> str:
        try:
            get_redis_connection("default").ping()
        except (RedisError, OSError):
            return "away"
        return "ok"

    def _cut_off(self) -> None:
        """End a look that hangs, by ending what it hangs on; its server may have gone for good."""
        hanging, self._connection = self._connection, None
        raw = hanging and hanging.connection
        if raw and not raw.closed:
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(raw.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)
        self._done.set()


def needed_migrations() -> set[tuple[str, str]]:
    """App and name of each migration of this code."""
    found = MigrationLoader(None).disk_migrations
    return {key for key, migration in found.items() if not migration.replaces}


def _own_connection() -> Any:
    """One outside the pool, which threads hand on; it does not wait long for a server."""
    own: Any = connection.copy("readiness")
    own.inc_thread_sharing()
    own.settings_dict["OPTIONS"].pop("pool", None)
    own.settings_dict["OPTIONS"]["connect_timeout"] = 2  # libpq knows no less
    return own


watch = Watch()
