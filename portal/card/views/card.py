"""The customer's card. It works without JavaScript and costs at most four statements."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from loyalty import enrolment, finding, insights
from loyalty.models import Account, Member
from portal import links
from portal.arithmetic import told
from portal.guards import CARD_COOKIE, cookie_name, keep_cookie
from portal.pages import answer, page, see_other
from tenants import hosts, secrets, shops
from tenants.cache import mine

KEPT_FOR = 60  # seconds


@require_safe
def card(request: HttpRequest) -> HttpResponse:
    secret = request.COOKIES.get(cookie_name(CARD_COOKIE), "")
    account = finding.account_by_link(secret) if secret else None
    if account is None:
        return _without_account(request, secret)
    name = _name_of(account)
    kept, whose = mine().get(name), str(account.tenant_id)
    if isinstance(kept, dict) and kept.get("tenant") == whose and isinstance(kept["page"], str):
        return answer(HttpResponse(kept["page"]))
    body = _drawn(request, account.member, account)
    mine().set(name, {"tenant": whose, "page": body}, KEPT_FOR)
    return answer(HttpResponse(body))


def _name_of(account: Account) -> str:
    """A name for the page that says everything it is made of.

    Every entry changes its account's row, so a page by this name is never out of date: nothing has
    to be dropped when something is written.
    """
    member, program = account.member, account.program
    made_of = [
        *(account.pk, account.balance, account.lifetime, account.last_activity),
        *(member.name, member.code, member.enrolled_at, program.unit, program.unit_words),
        *(asdict(shops.front()), get_language(), timezone.localdate(), static("css/card.css")),
    ]
    told = json.dumps(made_of, default=str, sort_keys=True).encode()
    return f"card:{hashlib.sha256(told).hexdigest()}"


def _without_account(request: HttpRequest, secret: str) -> HttpResponse:
    """No program is live: the card says so. Or the link is nothing: the shop's page, without it."""
    member = finding.member_by_link(secret) if secret else None
    if member:
        return answer(HttpResponse(_drawn(request, member, None)))
    response = see_other(reverse("card:shop"))
    response.delete_cookie(cookie_name(CARD_COOKIE), path="/", samesite="Lax")
    return response


def _drawn(request: HttpRequest, member: Member, account: Account | None) -> str:
    tenant = request.tenant  # type: ignore[attr-defined]
    context = {
        "member": member,
        "account": account,
        "entries": [told(entry) for entry in insights.last_entries(account)] if account else [],
        "paused": account is None,
        "code_url": hosts.url_of(tenant, f"/m/{member.code}"),
        "slug": tenant.slug,
    }
    return render_to_string("card/card.html", context, request)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def link(request: HttpRequest, secret: str) -> HttpResponse:
    """A customer's one-time link. Opening it shows a button; pressing it brings the card onto this
    phone.
    """
    subject = links.opened(request, secrets.CARD, secret, at=timezone.now())
    member = Member.objects.filter(pk=subject).first() if subject else None
    slug = request.tenant.slug  # type: ignore[attr-defined]
    if member is None:
        return page(request, "card/link_gone.html", {"slug": slug}, status=410)
    if request.method != "POST":
        return page(request, "card/link.html", {"member": member, "slug": slug})
    response = see_other(reverse("card:card"))
    keep_cookie(response, CARD_COOKIE, enrolment.new_link(member))
    return response
