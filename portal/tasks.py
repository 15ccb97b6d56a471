"""What the worker does for the portal."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from portal import delivery
from tenants import jobs


@jobs.task(name="portal.send_letter")
def send_letter(letter: str) -> None:
    delivery.deliver(UUID(letter), at=timezone.now())
