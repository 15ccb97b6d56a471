"""From a link of the owner to a till."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal import links
from portal.guards import DEVICE_COOKIE, TenantRequest, keep_cookie
from portal.pages import page, see_other
from tenants import devices, secrets
from tenants.models import Location

# What a browser says of itself → what the owner reads in the list of tills.
NAMES = {
    "iPad": "iPad",
    "iPhone": "iPhone",
    "Android": "Android",
    "Macintosh": "Mac",
    "Windows": "Windows",
}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def pair(request: TenantRequest, secret: str) -> HttpResponse:
    """Opening the link shows what it does; only pressing the button uses it up and pairs this
    browser.
    """
    now = timezone.now()
    subject = links.opened(request, secrets.PAIR, secret, at=now)
    location = Location.objects.filter(pk=subject).first() if subject else None
    if location is None:
        return page(request, "till/pair_gone.html", status=410)
    if request.method != "POST":
        return page(request, "till/pair.html", {"location": location})
    _, token = devices.pair(_name(request), location, at=now)
    response = see_other(reverse("till:till"))
    keep_cookie(response, DEVICE_COOKIE, token)
    return response


def _name(request: TenantRequest) -> str:
    agent = request.headers.get("User-Agent", "")
    return next((name for mark, name in NAMES.items() if mark in agent), "Browser")
