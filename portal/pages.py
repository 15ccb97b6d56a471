"""Whole pages and pieces of them: one view answers both.

A piece is a `{% partialdef %}` whose name is the id of its element, the `hx-target` that asks for
it and the `fragment` of the view.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect

SAFE = ("GET", "HEAD", "OPTIONS")  # methods that only ask


def wants_piece(request: HttpRequest) -> bool:
    """Whether htmx asks for a piece. On Back it asks for the whole page, and this header says
    so.
    """
    return request.headers.get("HX-Request-Type") == "partial"


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, object] | None = None,
    *,
    fragment: str = "",
    also: tuple[str, ...] = (),
    status: int = 200,
) -> HttpResponse:
    """Answer with `template`, or with its `fragment` alone where htmx wants one.

    `also` names further fragments of the same template that change with it; each goes to the
    element of its name.
    """
    values: dict[str, object] = dict(context or {})
    body: str
    if fragment and wants_piece(request):
        body = render_to_string(f"{template}#{fragment}", values, request)
        for name in also:
            piece = render_to_string(f"{template}#{name}", values, request)
            body += f'<hx-partial hx-target="#{name}">{piece}</hx-partial>'
    else:
        body = render_to_string(template, values, request)
    return answer(HttpResponse(body, status=status))


def answer(response: HttpResponse) -> HttpResponse:
    """What is said of every page: for whom it is, and that nobody else keeps it."""
    patch_vary_headers(response, ["HX-Request-Type", "Cookie"])
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response


def go(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser to `url`: 303, or htmx's own way, because a script cannot see a redirect."""
    if wants_piece(request):
        return HttpResponseClientRedirect(url)
    return see_other(url)


def see_other(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
