"""Letters to people: written where their cause is, sent by the worker (portal/delivery.py).

    letters.write("sign_in_code", user.email, {"code": code}, language="ar", at=now)

A kind is a template: `emails/<kind>.txt`, whose first line is the subject, and
`emails/<kind>.html`. Inside a shop it is that shop's letter; on the apex one of the house.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation

from portal.tasks import send_letter
from tenants import hosts, jobs, shops
from tenants.context import current
from tenants.models import Letter, SiteLetter, Tenant
from tenants.models.letter import Written

Channel = Written.Channel


def write(
    kind: str,
    to: str,
    context: Mapping[str, object],
    *,
    at: dt.datetime,
    language: str = "",
    channel: str = Channel.MAIL,
) -> None:
    """Write a letter in `language` (the page's by default) and have it sent after the commit.

    `to` is an address for MAIL, a phone in E.164 for TEXT, which has no html. Every template also
    knows `shop` (None on the apex), `home` (the URL of the host), `language` and `direction`.
    """
    spoken = language or translation.get_language() or settings.LANGUAGE_CODE
    with translation.override(spoken), transaction.atomic():
        told = {**_house(), **context, "language": spoken}
        told["direction"] = "rtl" if translation.get_language_bidi() else "ltr"
        subject, _, text = render_to_string(f"emails/{kind}.txt", told).strip().partition("\n")
        is_mail = channel == Channel.MAIL
        html = render_to_string(f"emails/{kind}.html", told) if is_mail else ""
        of = Letter if current() else SiteLetter
        row = of.objects.create(
            channel=channel,
            kind=kind,
            to=to,
            subject=subject.strip() if is_mail else "",
            text=text.strip() if is_mail else f"{subject}\n{text}".strip(),
            html=html,
            made_at=at,
        )
        put_in = jobs.enqueue if current() else jobs.enqueue_for_the_house
        put_in(send_letter, letter=str(row.pk))


def can_text() -> bool:
    """Whether texts to phones reach anybody here: then pages offer a code by text."""
    return bool(settings.TEXT_BACKEND) or settings.OUTBOX


def _house() -> dict[str, object]:
    scope = current()
    if scope is None or scope.tenant_id is None:
        return {"shop": None, "home": hosts.url_of(None)}
    tenant = Tenant.objects.get(pk=scope.tenant_id)
    return {"shop": shops.front(), "home": hosts.url_of(tenant)}
