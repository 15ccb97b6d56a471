"""Browsers on other sites (the Fetch standard's CORS): what they may ask, and that their scripts
may read when it is "not now".

Whose site may read an answer the API says itself (portal.api.origins), by the shop's keys. A
refusal is made before anybody is asked, and tells nothing of the shop: every site may read it, or
its script would know neither that it has to wait nor how long.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

OPEN = ("me", "program", "rewards")  # of the API's operations
PATHS = frozenset(f"/api/v1/{name}" for name in OPEN)
MAY_SEND = "Authorization, If-None-Match, Accept-Language"
MAY_SEE = "ETag, X-Request-ID, Retry-After, RateLimit, RateLimit-Policy"
NOT_NOW = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class CorsMiddleware:
    """Around everything that says "not now"."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_refused = response.status_code in NOT_NOW and request.path_info in PATHS
        return _readable(request, response) if is_refused else response


def may_ask(response: HttpResponse) -> HttpResponse:
    """Tells a browser that it may send the request that it asked about."""
    response.headers["Access-Control-Allow-Methods"] = "GET"
    response.headers["Access-Control-Allow-Headers"] = MAY_SEND
    return response


def _readable(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The refusal for every site. What a browser asks before is let through to it: where that is
    refused, a script hears nothing at all.
    """
    if request.method == "OPTIONS":
        headers = {"Cache-Control": "no-store"}
        response = may_ask(HttpResponse(status=HTTPStatus.NO_CONTENT, headers=headers))
    patch_vary_headers(response, ["Origin"])
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = MAY_SEE
    return response
