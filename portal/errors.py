"""When there is no page: not here, not yours, our fault, closed, stale form.

None of them tells whether a thing exists in another shop, and none repeats what was asked: the
neighbour's id and a random one get the same bytes.
"""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone, translation

from portal.language import choose, spoken_here
from portal.pages import page
from portal.problems import is_asked, problem
from portal.unavailable import trouble_of, unavailable
from tenants import hosts
from tenants.context import inside
from tenants.logs import place
from tenants.models import Staff


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if is_asked(request):
        return problem(request, 404, "not_found", "There is nothing here that you may see.")
    return page(request, "errors/404.html", status=404)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A colleague without the right: an owner's, where PermissionDenied was raised with that word;
    else a manager's.
    """
    if is_asked(request):
        return problem(request, 403, "forbidden", "You may not do this.")
    needs_owner = str(exception) == Staff.Role.OWNER
    return page(request, "errors/403.html", {"needs_owner": needs_owner}, status=403)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if is_asked(request):
        return problem(request, 400, "bad_request", "This request cannot be read.")
    return page(request, "errors/400.html", status=400)


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was made for another session: after signing in elsewhere, or without cookies."""
    return page(request, "errors/csrf.html", status=403)


def broken(request: HttpRequest) -> HttpResponse:
    """Our fault, unless the database cannot serve. Asks nothing of it, and shows only the
    request's number.
    """
    error = sys.exc_info()[1]  # Django calls this where it caught the error
    if trouble := trouble_of(error):
        return unavailable(request, trouble, error)
    if is_asked(request):
        return problem(request, 500, "broken", "Something broke here. Tell us the number.")
    body = render_to_string("errors/500.html", {"number": place().request_id, "at": timezone.now()})
    return HttpResponse(body, status=500, headers={"Cache-Control": "no-store"})


def unknown_host(request: HttpRequest) -> HttpResponse:
    """No shop answers to this name. Runs before any tenant is known."""
    if is_asked(request):
        return problem(request, 404, "no_shop", "No shop answers to this name.")
    offered, own, _ = spoken_here(request)
    with translation.override(choose(request, offered, own)):
        context = {"apex": hosts.url_of(None)}
        return page(request, "errors/unknown_host.html", context, status=404)


def suspended(request: HttpRequest) -> HttpResponse:
    """The shop is closed for now and says so to everybody alike."""
    if is_asked(request):
        wait = {"Retry-After": "3600"}
        return problem(request, 503, "suspended", "This shop is resting.", headers=wait)
    tenant = request.tenant  # type: ignore[attr-defined]
    with inside(tenant):
        offered, own, zone = spoken_here(request)
        with translation.override(choose(request, offered, own)), timezone.override(zone):
            response = page(request, "errors/suspended.html", status=503)
    response.headers["Retry-After"] = "3600"
    return response
