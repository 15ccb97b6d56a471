"""The shop is open: the way to it."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.pages import page
from portal.site import opening, road
from portal.site.road import StartRequest
from tenants import hosts, signups
from tenants.models import Tenant


@require_safe
@never_cache
@road.step("start_open")
def opened(request: StartRequest) -> HttpResponse:
    """A plain link, because a form may not lead to another host. Each look at the page makes a new
    one; after two hours one signs in.
    """
    signup, now = request.signup, timezone.now()
    tenant = Tenant.objects.get(pk=str(signup.opened))
    confirmed, link = signup.confirmed_at, ""
    if confirmed and now - confirmed < road.HANDED_OVER_FOR and request.method == "GET":
        link = opening.way_in(tenant, signup, at=now)
    found = signups.logo_of(signup)
    told = road.at_step(
        "start_open",
        signup=signup,
        slug=tenant.slug,
        host=hosts.url_of(tenant, "").partition("://")[2],
        link=link,
        door=hosts.url_of(tenant, "/accounts/login/"),
        colour=signup.colour,
        look=road.look_of(signup.name, signup.icon, found[2] if found else ""),
        logo_url=reverse("start_logo", args=[found[2]]) if found else "",
        theme_url=reverse("start_theme", args=[signup.colour[1:]]),
    )
    return page(request, "site/open.html", told)
