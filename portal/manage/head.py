"""What stands above every page of one member: who she is, what she has, what was just done."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loyalty import finding, history, ledger
from loyalty.models import Member
from portal.charts import DAYS, rhythm, usual_gap
from portal.guards import StaffRequest
from portal.manage.portrait import rhythm_sentence
from tenants.models import Staff

# What a page says after an act, by the word in its address.
DONE: dict[str, Promise] = {
    "enrolled": _("She is a member now."),
    "known": _("She was a member already."),
    "saved": _("Saved."),
    "points": _("The points are corrected."),
    "blocked": _("The card is blocked: it neither earns nor spends."),
    "unblocked": _("The card earns and spends again."),
    "sent": _("The link is on its way to her."),
    "withdrawn": _("She is not written to any more."),
    "voided": _("The sale is taken back."),
    "refunded": _("The money is noted as given back."),
    "reversed": _("The points are hers again."),
}


def member_or_404(pk: UUID) -> Member:
    """A living member of this shop; of a card that was joined with another, the kept one."""
    return finding.kept(get_object_or_404(Member.objects.select_related("merged_into"), pk=pk))


def head(request: StaffRequest, member: Member, tab: str) -> dict[str, Any]:
    """The context of a member's page. Four statements."""
    account = ledger.account_of(member)
    now, visits = timezone.now(), history.visits_of(member)
    return {
        "section": "members",
        "tab": tab,
        "done": DONE.get(request.GET.get("done", "")),
        "member": member,
        "account": account,
        "phone": finding.phone_of(member),
        "totals": history.totals(account),
        "now": now,
        "since": now - dt.timedelta(days=DAYS),
        "usual": usual_gap(visits),
        "last_visit": visits[0] if visits else None,
        "pulse": rhythm(visits, now, rhythm_sentence(visits)),
        "is_birthday": _is_birthday(member),
    }


def name_of(who: str) -> str:
    """The person of an Actor's `who`; "" for a command, or for the member herself."""
    kind, _colon, pk = who.partition(":")
    if kind != "staff":
        return ""
    found = Staff.everyone.filter(pk=pk).first()
    return found.name if found else ""


def _is_birthday(member: Member) -> bool:
    today = timezone.localdate()
    born = member.birth_date
    return bool(born and (born.month, born.day) == (today.month, today.day))
