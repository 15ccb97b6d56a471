"""What happens to every request, whatever it asks: it gets a number, its body is read, it is told
to the log.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from portal import uploads
from portal.metrics import observe
from portal.pages import SAFE
from portal.problems import is_asked, problem
from tenants import usage
from tenants.context import enter, inside
from tenants.failpoints import failpoint
from tenants.ids import uuid7
from tenants.logs import coming_from, route_of, routed
from tenants.tally import Tally, tallied

log = logging.getLogger("portal.request")
Answer = Callable[[HttpRequest], HttpResponse]
NUMBER = re.compile(r"[0-9a-f-]{16,64}", re.ASCII)


def number_of(request: HttpRequest) -> str:
    """The number that the proxy gave this request (X-Request-ID), or a new one. Anybody else's is
    not believed: it could carry whatever a client likes into our log.
    """
    given = request.META.get("HTTP_X_REQUEST_ID", "") if settings.BEHIND_PROXY else ""
    return given if NUMBER.fullmatch(given) else uuid7().hex


def address_of(request: HttpRequest) -> str:
    """The client's address: behind our proxy the last hop of X-Forwarded-For, which the proxy
    itself wrote; what stands before that is the client's own word.
    """
    told = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.BEHIND_PROXY else ""
    try:
        return str(ip_address(told.rpartition(",")[2].strip()))
    except ValueError:
        return str(request.META.get("REMOTE_ADDR", ""))


class LogMiddleware:
    """Numbers the request (X-Request-ID), tells it to the log and counts it for its tenant."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.began = time.perf_counter()  # type: ignore[attr-defined]
        number = number_of(request)
        # For whoever asks for it after us: nobody else reads X-Forwarded-For.
        request.META["REMOTE_ADDR"] = address_of(request)
        with coming_from(number, request.META["REMOTE_ADDR"]), tallied() as tally:
            response = self.get_response(request)
            seconds = time.perf_counter() - request.began  # type: ignore[attr-defined]
            self._tell(request, response, seconds, tally)
            failpoint("before_reply")
        response.headers["X-Request-ID"] = number
        return response

    def process_view(self, request: HttpRequest, *_: object) -> None:
        """From here on what is told, as of a slow statement, is told with the route."""
        routed(route_of(request))

    def _tell(
        self, request: HttpRequest, response: HttpResponse, seconds: float, tally: Tally
    ) -> None:
        status, milliseconds = response.status_code, int(seconds * 1000)
        facts = {"status": status, "ms": milliseconds}
        if (runs := getattr(request, "runs", 1)) > 1:
            facts["runs"] = runs
        tenant = getattr(request, "tenant", None)
        with inside(tenant) if tenant else enter(None):
            log.info(route_of(request), extra={"facts": facts})
        if tenant:
            usage.count(tenant.pk, milliseconds=milliseconds, tally=tally, status=status)
        match = request.resolver_match
        observe(match.route if match else "(none)", request.method or "", status, seconds)


class BodyMiddleware:
    """Reads the body before anything asks the database.

    A client that sends slowly then holds a thread, but no connection of the pool: 40 of them go
    unnoticed (seen), where otherwise everybody waits for the pool. Nor does a large one fill our
    memory: no more than DATA_UPLOAD_MAX_MEMORY_SIZE is kept of any, whatever it carries.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in SAFE:
            try:
                if uploads.has_logo(request):
                    uploads.read(request)
                else:
                    _ = request.body
            except RequestDataTooBig:
                return _unread(request, 413, "body_too_large", "Too much at once.")
            except UnreadablePostError:
                return _unread(request, 400, "broken_off", "The request broke off.")
            except (MultiPartParserError, SuspiciousOperation):
                return _unread(request, 400, "bad_request", "This request cannot be read.")
            request.began = time.perf_counter()  # type: ignore[attr-defined]  # not when it came
        return self.get_response(request)


def _unread(request: HttpRequest, status: int, code: str, why: str) -> HttpResponse:
    if is_asked(request):
        return problem(request, status, code, why)
    return HttpResponse(f"{why}\n", status=status, content_type="text/plain")
