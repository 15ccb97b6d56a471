"""The live sheet: a reward that is about to be given, and the digits that prove whose phone it
is.
"""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from loyalty import glances, proofs
from loyalty.showcase import showcase
from portal.card.holders import HolderRequest, holder
from portal.pages import page, see_other
from tenants import hosts


@require_safe
@holder
def use(request: HolderRequest, reward: UUID) -> HttpResponse:
    """What she shows the staff. Nothing is taken before they give it to her.

    The digits change by themselves, and so does the page: it asks to be loaded again when they do.
    """
    at, shown = timezone.now(), showcase()
    account = glances.by_link(request.link, shown)
    if account is None or not request.member.is_open:
        return see_other(reverse("card:card"))
    if all(prize.id != reward for prize in shown.prizes):
        raise Http404
    seen = glances.glance(account, shown, at=at)
    ready = next((each for each in seen.ready if each.prize.id == reward), None)
    if ready is None:
        return see_other(reverse("card:card"))
    seconds = proofs.seconds_left(at)
    context = {
        "ready": ready,
        "member": request.member,
        "program": account.program,
        "code": proofs.code(request.member, at=at) if ready.needs_proof else "",
        "seconds": seconds,
        "share": round(100 * seconds / proofs.STEP),
        "code_url": hosts.url_of(request.tenant, f"/m/{request.member.code}"),
        "slug": request.tenant.slug,
    }
    response = page(request, "card/use.html", context)
    if ready.needs_proof:
        response.headers["Refresh"] = str(seconds)
    return response
