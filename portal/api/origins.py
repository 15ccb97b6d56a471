"""Which sites' browsers may ask, and what they are told about it (the Fetch standard's CORS).

No cookie is ever sent along: a site brings a member's token, or it brings nothing.
"""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from pydantic import StringConstraints

from portal.cors import MAY_SEE, may_ask
from tenants import keys

KEPT_FOR = 7200  # seconds

Origin = Annotated[str, StringConstraints(max_length=keys.LONGEST_ORIGIN)]


def open_to(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Let the asking site's script read this answer, if a key of the shop names the site."""
    patch_vary_headers(response, ["Origin"])
    origin = request.headers.get("Origin", "")
    if origin and "\0" not in origin and keys.serves(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = MAY_SEE
    return response


def preflight(request: HttpRequest, methods: str) -> HttpResponse:
    """What a browser asks before it sends a token."""
    response = open_to(request, HttpResponse(status=204, headers={"Allow": methods}))
    if "Access-Control-Allow-Origin" in response.headers:
        may_ask(response)
        response.headers["Access-Control-Max-Age"] = str(KEPT_FOR)
    return response
