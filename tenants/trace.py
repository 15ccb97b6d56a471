"""The audit trail is written here, in the transaction of what it tells about."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from tenants.actors import Actor
from tenants.logs import place
from tenants.models import AuditEntry


def entry(
    by: Actor | str,
    act: str,
    subject: UUID | None,
    *,
    at: dt.datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEntry:
    """An unsaved row: `by` did `act` ("purchase.recorded") to `subject`.

    `before` and `after` hold only what changed, and no personal data: this table outlives people.
    """
    here = place()
    return AuditEntry(
        at=at,
        who=by.who if isinstance(by, Actor) else by,
        device=by.device.pk if isinstance(by, Actor) and by.device else None,
        address=here.address,
        request_id=here.request_id,
        act=act,
        subject=subject,
        before=before or {},
        after=after or {},
    )


def write(by: Actor | str, act: str, subject: UUID | None, **details: Any) -> AuditEntry:
    """Save such a row."""
    row = entry(by, act, subject, **details)
    row.save(force_insert=True)
    return row
