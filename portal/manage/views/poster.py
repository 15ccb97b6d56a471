"""The poster: one sheet for the counter, to print."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal import posters
from portal.guards import StaffRequest, manager
from portal.pages import page
from tenants import hosts, shops
from tenants.models import Shop


@require_safe
@manager
def poster(request: StaffRequest) -> HttpResponse:
    """In a size and in one or two languages; an unknown wish gets the first of them. That it was
    looked at is noted once, for the list of the first day.
    """
    front = shops.front()
    offered = dict(posters.choices(front))
    wish = request.GET.get("words", "")
    chosen = wish if wish in offered else front.language
    size = request.GET.get("size", "")
    size = size if size in posters.SIZES else posters.SIZES[0]
    host = hosts.url_of(request.tenant, "").partition("://")[2]
    told = {
        "size": size,
        "sizes": posters.SIZES,
        "choices": list(offered.items()),
        "chosen": chosen,
        "words": [posters.words(language, host) for language in chosen.split(",")],
        "join_url": posters.join_url(request.tenant),
        "slug": request.tenant.slug,
        "sheet": range(posters.ON_A_SHEET),
        "halves": range(2),
    }
    if request.method == "GET":
        Shop.objects.filter(poster_at=None).update(poster_at=timezone.now())
    return page(request, "poster/poster.html", told)


@require_safe
@manager
def code(request: StaffRequest) -> HttpResponse:
    """Only the code, as a drawing."""
    svg = posters.code_svg(posters.join_url(request.tenant))
    response = HttpResponse(svg, content_type="image/svg+xml")
    name = f"{request.tenant.slug}-join.svg"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
