"""Where letters are read that nobody sends: in development, on the host they are about."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from portal.pages import page
from tenants.models import Letter, SiteLetter

SHOWN = 50


@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    """The last letters of this shop, or of the house on the apex; 404 where they are sent."""
    if not settings.OUTBOX:
        raise Http404
    is_house = request.tenant is None  # type: ignore[attr-defined]
    letters = (SiteLetter if is_house else Letter).objects.exclude(to="")  # those go to nobody
    return page(request, "site/outbox.html", {"letters": letters.order_by("-made_at")[:SHOWN]})
