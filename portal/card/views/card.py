"""The customer's card. It works without JavaScript and costs at most four statements."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from loyalty import enrolment, insights
from loyalty.models import Member
from portal.arithmetic import told
from portal.guards import CARD_COOKIE, cookie_name, keep_cookie
from portal.pages import page, see_other
from tenants import hosts, secrets


@require_safe
def card(request: HttpRequest) -> HttpResponse:
    secret = request.COOKIES.get(cookie_name(CARD_COOKIE), "")
    member = enrolment.member_by_link(secret) if secret else None
    if member is None:
        response = see_other(reverse("card:shop"))
        response.delete_cookie(cookie_name(CARD_COOKIE), path="/", samesite="Lax")
        return response
    tenant = request.tenant  # type: ignore[attr-defined]
    shown = insights.card(member)
    context = {
        "member": member,
        "account": shown.account,
        "entries": [told(entry) for entry in shown.entries],
        "paused": shown.account is None,
        "code_url": hosts.url_of(tenant, f"/m/{member.code}"),
        "slug": tenant.slug,
    }
    return page(request, "card/card.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def link(request: HttpRequest, secret: str) -> HttpResponse:
    """A customer's one-time link. Opening it shows a button; pressing it brings the card onto this
    phone.
    """
    take = secrets.use if request.method == "POST" else secrets.peek
    subject = take(secrets.CARD, secret, at=timezone.now())
    member = Member.objects.filter(pk=subject).first() if subject else None
    slug = request.tenant.slug  # type: ignore[attr-defined]
    if member is None:
        return page(request, "card/link_gone.html", {"slug": slug}, status=410)
    if request.method != "POST":
        return page(request, "card/link.html", {"member": member, "slug": slug})
    response = see_other(reverse("card:card"))
    keep_cookie(response, CARD_COOKIE, enrolment.new_link(member))
    return response
