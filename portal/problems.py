"""Errors as programs read them: RFC 9457, on every URL below /api/.

None of them repeats what was asked, and none tells whether a thing exists in another shop.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

from tenants import hosts
from tenants.logs import place

MEDIA_TYPE = "application/problem+json"
BELOW = ("/api/", "/.well-known/jwks.json")


def is_asked(request: HttpRequest) -> bool:
    """Whether who asks reads problems, and no pages."""
    return request.path_info.startswith(BELOW) and request.path_info != "/api/docs"


def body(
    request: HttpRequest,
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    **more: Any,
) -> dict[str, Any]:
    """The members of a problem; `code` is stable, `detail` a sentence that may be shown."""
    tenant = getattr(request, "tenant", None)
    where = hosts.url_of(tenant, f"/api/docs#{code}") if tenant else "about:blank"
    told: dict[str, Any] = {
        "type": where,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": f"urn:request:{place().request_id}",
        "code": code,
    }
    if errors:
        told["errors"] = [dict(each) for each in errors]
    return told | more


def problem(
    request: HttpRequest,
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> HttpResponse:
    """Such an answer. Nobody keeps it."""
    told = json.dumps(body(request, status, code, detail, errors=errors, **more))
    response = HttpResponse(told, status=status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response
