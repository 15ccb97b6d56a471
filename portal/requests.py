"""What happens to every request, whatever it asks: its body is read, it gets a number, it is told
to the log.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from tenants import metrics
from tenants.context import enter, inside
from tenants.ids import uuid7
from tenants.logs import coming_from, route_of

log = logging.getLogger("portal.request")
Answer = Callable[[HttpRequest], HttpResponse]


class BodyMiddleware:
    """Reads the body before anything asks the database.

    A client that sends slowly then holds a thread, but no connection of the pool: 40 of them go
    unnoticed (seen), where otherwise everybody waits for the pool.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            try:
                _ = request.body
            except RequestDataTooBig:
                return HttpResponse("Too much at once.\n", status=413, content_type="text/plain")
            except UnreadablePostError:
                return HttpResponse(
                    "The request broke off.\n", status=400, content_type="text/plain"
                )
        return self.get_response(request)


class LogMiddleware:
    """Numbers the request (X-Request-ID), tells it to the log and counts it for its tenant."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        number = uuid7().hex
        with coming_from(number, request.META.get("REMOTE_ADDR", "")):
            response = self.get_response(request)
            milliseconds = int((time.perf_counter() - began) * 1000)
            self._tell(request, response, milliseconds)
        response.headers["X-Request-ID"] = number
        return response

    def _tell(self, request: HttpRequest, response: HttpResponse, milliseconds: int) -> None:
        facts = {"status": response.status_code, "ms": milliseconds}
        tenant = getattr(request, "tenant", None)
        with inside(tenant) if tenant else enter(None):
            log.info(route_of(request), extra={"facts": facts})
        if tenant:
            metrics.count(tenant.pk, milliseconds=milliseconds, status=response.status_code)
