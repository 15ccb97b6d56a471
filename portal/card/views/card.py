"""The customer's card. It works without JavaScript and costs at most four statements."""

from __future__ import annotations

import datetime as dt
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

from loyalty import enrolment, finding, glances
from loyalty.glances import Glance
from loyalty.models import Account, Member
from loyalty.showcase import Showcase, showcase
from portal import links
from portal.arithmetic import told
from portal.card.holders import LOOK, drop_card, keep_card, keep_language, link_of
from portal.card.stamping import stamps_of
from portal.pages import answer, page, see_other
from tenants import hosts, secrets, shops
from tenants.cache import mine

KEPT_FOR = 60  # seconds
BIG = 3  # vouchers, and rewards that are ready, above the card; the others are folded


@require_safe
def card(request: HttpRequest) -> HttpResponse:
    secret = link_of(request)
    if not secret:
        return see_other(reverse("card:back"))
    at, shown = timezone.now(), showcase()
    account = glances.by_link(secret, shown)
    if account is None:
        return _without_account(request, secret)
    # What time has done is computed, and not written yet; and a form is for one browser alone.
    if glances.is_due(account, at) or account.member.erase_at:
        return answer(HttpResponse(_drawn(request, account.member, account, shown, at)))
    name = _name_of(account, shown, request.COOKIES.get(LOOK, ""))
    kept, whose = mine().get(name), str(account.tenant_id)
    if isinstance(kept, dict) and kept.get("tenant") == whose and isinstance(kept["page"], str):
        return answer(HttpResponse(kept["page"]))
    body = _drawn(request, account.member, account, shown, at)
    mine().set(name, {"tenant": whose, "page": body}, KEPT_FOR)
    return answer(HttpResponse(body))


def _name_of(account: Account, shown: Showcase, look: str) -> str:
    """A name for the page that says everything it is made of.

    Every entry changes its account's row, so a page by this name is never out of date: nothing has
    to be dropped when something is written. What the hour changes shows within KEPT_FOR.
    """
    member, program, tier = account.member, account.program, account.tier
    made_of = [
        *(account.pk, account.balance, account.pending, account.debt, account.lifetime),
        *(account.last_activity, account.next_change_at, tier.name if tier else ""),
        *(member.name, member.code, member.enrolled_at, member.status, member.unbound_until),
        *(program.unit, program.unit_words, program.policy),
        *(account.waiting, getattr(account, "had", ())),  # type: ignore[attr-defined]
        *(asdict(shown), asdict(shops.front()), get_language(), timezone.localdate(), look),
        static("css/card.css"),
    ]
    told = json.dumps(made_of, default=str, sort_keys=True).encode()
    return f"card:{hashlib.sha256(told).hexdigest()}"


def _without_account(request: HttpRequest, secret: str) -> HttpResponse:
    """No program is live: the card says so. Or the link is nothing: the shop's page, without it."""
    member = finding.member_by_link(secret)
    if member:
        at = timezone.now()
        return answer(HttpResponse(_drawn(request, member, None, Showcase(), at)))
    return drop_card(see_other(reverse("card:shop")))


def _drawn(
    request: HttpRequest,
    member: Member,
    account: Account | None,
    shown: Showcase,
    at: dt.datetime,
) -> str:
    tenant = request.tenant  # type: ignore[attr-defined]
    context: dict[str, object] = {
        "member": member,
        "account": account,
        "paused": account is None,
        "blocked": member.status == Member.Status.BLOCKED,
        "shut": not member.is_open,
        "unbound_through": _last_day(member.unbound_until),
        "code_url": hosts.url_of(tenant, f"/m/{member.code}"),
        "slug": tenant.slug,
    }
    if account is None and (rest := finding.last_account(member)):
        context |= {"program": rest.program, "balance": rest.balance}
    if account:
        seen = glances.glance(account, shown, at=at)
        context |= {
            "seen": seen,
            "first": {"vouchers": seen.vouchers[:BIG], "ready": seen.ready[:BIG]},
            "folded": _folded(seen),
            "program": account.program,
            "balance": seen.state.balance,
            "entries": [told(entry) for entry in seen.entries],
            "stamps": stamps_of(seen.stamps),
            "is_new": not account.lifetime or account.lifetime == shown.bonus,
            "bonus": shown.bonus,
        }
    return render_to_string("card/card.html", context, request)


def _folded(seen: Glance) -> dict[str, object]:
    """What does not fit above the card, however much is hers."""
    vouchers, ready = seen.vouchers[BIG:], seen.ready[BIG:]
    return {"vouchers": vouchers, "ready": ready, "count": len(vouchers) + len(ready)}


def _last_day(until: dt.datetime | None) -> dt.date | None:
    """The last local day before an instant."""
    if until is None:
        return None
    return timezone.localdate(until - dt.timedelta(microseconds=1))


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
    response = keep_card(see_other(reverse("card:card")), enrolment.new_link(member))
    return keep_language(request, response, member.language)
