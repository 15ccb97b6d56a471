"""When the database cannot serve: try again where that is safe, else say so in a page of our own.

A request is run again if its form carries an idempotency key, or if it had only read so far.
Between two runs it holds no connection. What is nobody's passing trouble but a fault of ours stays
a 500.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from enum import Enum
from typing import Any

import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.datastructures import MultiValueDict
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from portal.language import choose
from portal.pages import SAFE, wants_piece
from portal.problems import is_asked, problem
from tenants.breaker import Breaker
from tenants.logs import place

log = logging.getLogger("portal.unavailable")
Answer = Callable[[HttpRequest], HttpResponse]

WAITS = (0.1, 0.2, 0.4, 0.8, 1.2, 1.2)  # seconds before each further run
PATIENCE = 4.0  # seconds after which no further run begins
INSIDE = ("/till/", "/manage/", "/accounts/")  # what is not below these is for customers


class Trouble(Enum):
    """What passes by itself, or by somebody who looks after the machine."""

    AWAY = "away"  # PostgreSQL is stopped, starting, or hung up on us
    AGAIN = "again"  # two transactions stood in each other's way
    BUSY = "busy"  # every connection of the pool is in use
    SLOW = "slow"  # a statement or a lock took longer than a request may
    FULL = "full"  # the disk of PostgreSQL is full


RETRY_AFTER = {  # seconds
    Trouble.AWAY: 2,
    Trouble.AGAIN: 1,
    Trouble.BUSY: 2,
    Trouble.SLOW: 5,
    Trouble.FULL: 30,
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html
STATES = {
    "57P01": Trouble.AWAY,  # admin_shutdown
    "57P02": Trouble.AWAY,  # crash_shutdown
    "57P03": Trouble.AWAY,  # cannot_connect_now
    "57P05": Trouble.AWAY,  # idle_session_timeout
    "25006": Trouble.AWAY,  # read_only_sql_transaction: a standby that is about to lead
    "25P03": Trouble.SLOW,  # idle_in_transaction_session_timeout
    "53300": Trouble.BUSY,  # too_many_connections
    "40001": Trouble.AGAIN,  # serialization_failure
    "40P01": Trouble.AGAIN,  # deadlock_detected
    "57014": Trouble.SLOW,  # query_canceled, by statement_timeout
    "55P03": Trouble.SLOW,  # lock_not_available, by lock_timeout
    "53100": Trouble.FULL,  # disk_full
}
_seen: dict[Trouble, float] = {}  # when each was met last, for /readyz
_breaker = Breaker(failures=3, open_for=1.0)  # failures: requests that waited for PATIENCE in vain


def trouble_of(error: BaseException | None) -> Trouble | None:
    """The passing trouble that an exception tells of, None for a fault of ours."""
    if not isinstance(error, DatabaseError | InterfaceError | psycopg.Error):
        return None
    cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
    if isinstance(cause, PoolTimeout | TooManyRequests | PoolClosed):
        return Trouble.BUSY if _pool_is_full() else Trouble.AWAY
    state = getattr(cause, "sqlstate", None)
    if state:
        return STATES.get(state) or (Trouble.AWAY if state.startswith("08") else None)
    # Without a state it was no answer of the server: it hung up, or nobody opened.
    lost = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
    return Trouble.AWAY if isinstance(cause, lost) else None


def _pool_is_full() -> bool:
    """Whether all connections are in use; a pool whose server is away has fewer than it may."""
    pool: Any = getattr(connection, "pool", None)
    return bool(pool) and pool.get_stats()["pool_size"] >= pool.max_size


def seen_within(trouble: Trouble, seconds: float) -> bool:
    """Whether this process met that trouble so lately."""
    met = _seen.get(trouble)
    return met is not None and time.monotonic() - met < seconds


class RetryMiddleware:
    """Runs a request again that met a passing trouble: outside sessions, inside the log."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _breaker.allows():
            return unavailable(request, Trouble.AWAY)
        run = Run(request, self.get_response)
        response = run.once()
        for wait in WAITS:
            if not run.may_go_on(wait):
                break
            time.sleep(wait)
            response = run.once()
        run.end()
        return response


class Run:
    """One request, run as often as it takes."""

    def __init__(self, request: HttpRequest, get_response: Answer) -> None:
        self.request, self.get_response = request, get_response
        self.came_as = dict(request.__dict__), dict(request.META)
        self.began = time.monotonic()
        self.runs = 0
        self.asked = self.wrote = False
        self.trouble: Trouble | None = None
        self.error: BaseException | None = None

    def once(self) -> HttpResponse:
        if self.runs:
            self._begin_anew()
        self.runs += 1
        self.asked = self.wrote = False
        with connection.execute_wrapper(self._heed):
            response = self.get_response(self.request)
        self.trouble = getattr(response, "trouble", None)
        if self.trouble:
            self.error = getattr(response, "error", None)
            _seen[self.trouble] = time.monotonic()
        return response

    def may_go_on(self, wait: float) -> bool:
        """Whether another run may help and can do no harm. Lets go of the connection, then."""
        if self.trouble not in (Trouble.AWAY, Trouble.AGAIN) or connection.in_atomic_block:
            return False
        if time.monotonic() + wait - self.began > PATIENCE or not self._is_repeatable():
            return False
        connection.close()
        return True

    def end(self) -> None:
        if self.runs > 1:
            self.request.runs = self.runs  # type: ignore[attr-defined]
        if self.trouble is None:
            if self.asked:
                _breaker.succeeded()
            return
        connection.close_if_unusable_or_obsolete()  # the next request finds a whole one
        if self.trouble is Trouble.AWAY and self.runs > 1:
            _breaker.failed()
        facts = {"trouble": self.trouble.value, "runs": self.runs}
        log.warning("unavailable", extra={"facts": facts}, exc_info=self.error)

    def _heed(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        self.asked = True
        self.wrote |= not str(sql).lstrip(" (\n").startswith("SELECT")
        return execute(sql, params, many, context)

    def _is_repeatable(self) -> bool:
        if self.request.method in SAFE or not self.wrote:
            return True
        return self.request.method == "POST" and has_key(self.request)

    def _begin_anew(self) -> None:
        """The request as it came: whatever a run hung onto it is gone, its body is still read."""
        own, meta = self.came_as
        self.request.__dict__.clear()
        self.request.__dict__.update(own)
        self.request.META.clear()
        self.request.META.update(meta)


def has_key(request: HttpRequest) -> bool:
    """Whether the form, or a program's command, is one that counts once, however often it is
    sent.
    """
    return bool(request.headers.get("Idempotency-Key") or request.POST.get("key"))


def unavailable(
    request: HttpRequest, trouble: Trouble, error: BaseException | None = None
) -> HttpResponse:
    """503, with a page that needs no database: for a person who works here, or for a customer."""
    response = _problem(request) if is_asked(request) else _page(request, trouble)
    response.headers["Retry-After"] = str(RETRY_AFTER[trouble])
    response.headers["Cache-Control"] = "no-store"
    response.trouble = trouble  # type: ignore[attr-defined]
    response.error = error  # type: ignore[attr-defined]
    response._has_been_logged = True  # type: ignore[attr-defined]  # by us, once for all its runs
    return response


def _problem(request: HttpRequest) -> HttpResponse:
    again = "Not now. Send it again, with the same key if it has one."
    return problem(request, 503, "unavailable", again)


def _page(request: HttpRequest, trouble: Trouble) -> HttpResponse:
    template = "errors/503.html" + ("#piece" if wants_piece(request) else "")
    with translation.override(_language(request)):
        body = render_to_string(
            template,
            {
                "is_full": trouble is Trouble.FULL,
                "is_known": trouble is not Trouble.AWAY,  # that nothing was saved
                "is_public": not request.path.startswith(INSIDE),
                "is_safe": request.method in SAFE,
                "again": _sent(request),
                "at": timezone.now(),
                "number": place().request_id,
            },
        )
    return HttpResponse(body, status=503)


def _language(request: HttpRequest) -> str:
    """The language of the page that failed, or what the browser prefers: shops are not asked."""
    if chosen := getattr(request, "LANGUAGE_CODE", None):
        return str(chosen)
    return choose(request, [code for code, _ in settings.LANGUAGES], settings.LANGUAGE_CODE)


def _sent(request: HttpRequest) -> list[tuple[str, str]]:
    """What a form carried that may be sent again, for a button that does. It keeps its key."""
    if request.method != "POST" or not request.POST.get("key") or request.FILES:
        return []
    fields: MultiValueDict[str, str] = request.POST
    return [(name, value) for name, values in fields.lists() for value in values]
