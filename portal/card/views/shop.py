"""The shop's own page, and where a scanned card leads."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from loyalty import finding
from loyalty.showcase import showcase
from portal.card import promises
from portal.card.holders import link_of
from portal.guards import person_at_till
from portal.pages import page, see_other

PRIZES = 5  # what one gets, on the shop's page


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Whose card this is, what it is worth, and how to get to one's own."""
    shown = showcase()
    context = {
        "has_card": bool(link_of(request)),
        "shown": shown,
        "promise": promises.promise(shown) if shown.is_live else "",
        "start": promises.start(shown),
        "prizes": [prize for prize in shown.prizes if prize.cost and prize.stock != 0][:PRIZES],
        "slug": request.tenant.slug,  # type: ignore[attr-defined]
    }
    return page(request, "card/shop.html", context)


@require_safe
def scanned(request: HttpRequest, code: str) -> HttpResponse:
    """What a card's code says: staff get the member at the till; anybody else the shop's page,
    whatever the code.
    """
    if person_at_till(request) and (member := finding.with_code(code)):
        return see_other(reverse("till:member", kwargs={"pk": member.pk}))
    return see_other(reverse("card:shop"))
