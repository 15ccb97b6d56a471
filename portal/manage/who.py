"""Names of those who did something, as the audit trail and drafts keep them."""

from __future__ import annotations

from django.utils.translation import gettext

from portal.forms import uuid_of
from tenants.models import Staff


def name_of(who: str) -> str:
    """The person's name for an Actor's `who`; "" for nobody, "the portal" for a command."""
    kind, _between, rest = who.partition(":")
    if kind == "staff" and (pk := uuid_of(rest)):
        person = Staff.everyone.filter(pk=pk).values_list("name", flat=True).first()
        return person or gettext("a colleague who left")
    return gettext("the portal") if kind == "command" else ""
