"""What the API says of itself, for programs and for people; and the keys that check its tokens."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from portal.api.openapi import schema
from portal.api.reference import reference
from portal.pages import page
from tenants import hosts, tokens

FIVE_MINUTES = {"Cache-Control": "public, max-age=300"}
ANYBODY = {**FIVE_MINUTES, "Access-Control-Allow-Origin": "*"}


def key_set(request: HttpRequest) -> HttpResponse:
    """RFC 7517. Whoever got a token from us may check it without us."""
    return JsonResponse(tokens.key_set(), headers=ANYBODY)


def openapi(request: HttpRequest) -> HttpResponse:
    return JsonResponse(schema(), headers=ANYBODY)


@require_safe
def page_of_all(request: HttpRequest) -> HttpResponse:
    """Everything on one page, drawn here: no script of anybody's runs."""
    base = hosts.url_of(request.tenant, "/api/v1")  # type: ignore[attr-defined]
    return page(request, "api/docs.html", {"reference": reference(base), "base": base})
