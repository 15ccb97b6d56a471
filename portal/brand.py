"""The shop's colour: as a style sheet of its own, which a browser keeps for ever, and in words."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from portal import theme
from portal.figures import decimal, native, number
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


def said_of(colour: str) -> str:
    """How well the colour can be read, and by how much it was changed so that it can."""
    tokens = theme.tokens(colour)
    fill, text = tokens["--brand"], tokens["--on-brand"]
    if fill != colour:
        by = theme.oklch(fill).lightness - theme.oklch(colour).lightness
        percent = number(max(1, round(abs(by) * 100)))
        if by < 0:
            return gettext("Darkened %(n)s %% so text stays readable.") % {"n": percent}
        return gettext("Lightened %(n)s %% so text stays readable.") % {"n": percent}
    ratio = decimal(theme.contrast(fill, text))
    said = (
        gettext("White text on it is easy to read: %(ratio)s to 1.")
        if text == "#ffffff"
        else gettext("Dark text on it is easy to read: %(ratio)s to 1.")
    )
    return native(said % {"ratio": ratio})
