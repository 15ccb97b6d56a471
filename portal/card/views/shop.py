"""The shop's own page, and where a scanned card leads."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from loyalty import finding
from portal.guards import CARD_COOKIE, cookie_name, person_at_till
from portal.pages import page, see_other


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Whose card this is, and how to get to one's own."""
    has_card = cookie_name(CARD_COOKIE) in request.COOKIES
    return page(
        request,
        "card/shop.html",
        {"has_card": has_card, "slug": request.tenant.slug},  # type: ignore[attr-defined]
    )


@require_safe
def scanned(request: HttpRequest, code: str) -> HttpResponse:
    """What a card's code says: staff get the member at the till; anybody else the shop's page,
    whatever the code.
    """
    if person_at_till(request) and (member := finding.with_code(code)):
        return see_other(reverse("till:member", kwargs={"pk": member.pk}))
    return see_other(reverse("card:shop"))
