"""Letters on their way out, by the worker: mail by Django's backends, texts by TEXT_BACKEND."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils.module_loading import import_string

from tenants.context import current
from tenants.models import Letter, SiteLetter
from tenants.models.letter import Written


def deliver(letter: UUID, *, at: dt.datetime) -> None:
    """Send a letter that was not sent yet. A second call sends nothing.

    A worker that dies between sending and saying so sends it twice: better than never.
    """
    of = Letter if current() else SiteLetter
    with transaction.atomic():
        row = of.objects.select_for_update().filter(pk=letter, sent_at=None).first()
        if row is None:
            return
        _send(row)
        row.sent_at = at
        if not settings.OUTBOX:
            row.to = row.subject = row.text = row.html = ""
        row.save()


def _send(row: Written) -> None:
    if row.channel == Written.Channel.TEXT:
        if settings.TEXT_BACKEND:
            send: Callable[[str, str], object] = import_string(settings.TEXT_BACKEND)
            send(row.to, row.text)
        return
    mail = EmailMultiAlternatives(row.subject, row.text, settings.DEFAULT_FROM_EMAIL, [row.to])
    if row.html:
        mail.attach_alternative(row.html, "text/html")
    mail.send()
