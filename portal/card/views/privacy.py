"""What the shop keeps of a customer, for how long, and who sees it: to read, change and take
along.
"""

from __future__ import annotations

import json

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from loyalty import consents, dossiers
from loyalty.models import Claim, Consent, Identifier
from portal.card.holders import HolderRequest, holder
from portal.card.views.join import NEWS_WORDS
from portal.pages import answer, page, see_other
from tenants import shops

Known = list[dict[str, object]]


@require_safe
@holder
def privacy(request: HolderRequest) -> HttpResponse:
    member, known = request.member, _known(request)
    context = {
        "member": member,
        "known": known,
        "has_email": any(row["kind"] == Identifier.Kind.EMAIL for row in known),
        "news": consents.latest(member, Consent.Purpose.MARKETING),
        "words": shops.front().privacy,
        "front": shops.front(),
        "slug": request.tenant.slug,
    }
    return page(request, "card/privacy.html", context)


@require_POST
@holder
def consent(request: HolderRequest) -> HttpResponse:
    """Agree to be written to, or no longer."""
    say = consents.give if "give" in request.POST else consents.withdraw
    say(
        request.member,
        Consent.Purpose.MARKETING,
        at=timezone.now(),
        by=request.by,
        source="card",
        text_version=NEWS_WORDS,
    )
    return see_other(reverse("card:privacy"))


@require_safe
@holder
def as_json(request: HolderRequest) -> HttpResponse:
    told = dossiers.dossier(request.member, at=timezone.now()) | {"known_by": _known(request)}
    text = json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    return _file(text, "application/json", "my-card.json")


@require_safe
@holder
def as_csv(request: HolderRequest) -> HttpResponse:
    # With a byte order mark, by which spreadsheets see that it is UTF-8.
    text = f"\ufeff{dossiers.entries_as_csv(request.member)}"
    return _file(text, "text/csv; charset=utf-8", "my-card.csv")


def _known(request: HolderRequest) -> Known:
    """By what she is known, and what she claims. What is not proved is a claim here whether or not
    the shop knows somebody by it: else this page would tell.
    """
    claims = list(Claim.objects.filter(member=request.member.pk).order_by("at"))
    typed = {(claim.kind, claim.value) for claim in claims}
    rows = Identifier.objects.filter(member=request.member.pk).exclude(kind="link").order_by("id")
    known: Known = [
        {"kind": row.kind, "value": row.value, "verified_at": row.verified_at}
        for row in rows
        if row.verified_at or (row.kind, row.value) not in typed
    ]
    return known + [
        {"kind": claim.kind, "value": claim.value, "verified_at": None, "claimed_at": claim.at}
        for claim in claims
    ]


def _file(text: str, kind: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return answer(HttpResponse(text, content_type=kind, headers=headers))
