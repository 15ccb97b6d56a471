"""The shop's colour as a style sheet of its own, which a browser keeps for ever."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portal import theme
from tenants import shops


@require_safe
def theme_css(request: HttpRequest, version: str) -> HttpResponse:
    """The tokens of the shop's colour. An old page's version gets the present ones, unkept."""
    colour = shops.front().colour
    response = HttpResponse(theme.css(colour), content_type="text/css")
    fresh = version == theme.version(colour)
    response.headers["Cache-Control"] = (
        "public, max-age=31536000, immutable" if fresh else "no-store"
    )
    return response
