"""Who holds the card, and one of them with everything that ever happened to her points."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from loyalty import finding, insights, ledger
from loyalty.models import Member
from portal.charts import DAYS, rhythm, usual_gap
from portal.guards import StaffRequest, manager
from portal.manage.forms import Before, Listing
from portal.manage.portrait import by_day, rhythm_sentence, rows
from portal.pages import page

ENTRIES = 40  # of a timeline at once


@require_safe
@manager
def members(request: StaffRequest) -> HttpResponse:
    form = Listing(request.GET)
    form.is_valid()
    q, sort = form.cleaned_data.get("q", ""), form.cleaned_data.get("sort", "last")
    found = insights.members_page(
        finding.search(q), sort=sort, number=form.cleaned_data.get("page", 1)
    )
    context = {
        "section": "members",
        "staff": request.staff,
        "q": q,
        "sort": sort,
        "found": found,
        "pages": found.paginator.get_elided_page_range(found.number, on_each_side=2, on_ends=1),
        "rows": rows(list(found.object_list), timezone.now()),
        "query": urlencode({"q": q}) if q else "",
    }
    return page(request, "manage/members.html", context, fragment="people")


@require_safe
@manager
def member(request: StaffRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Member, pk=pk)
    account = ledger.account_of(found)
    form = Before(request.GET)
    before = form.cleaned_data["before"] if form.is_valid() else None
    entries = insights.timeline(found, limit=ENTRIES + 1, before=before)
    standing = insights.standing_before(account, before) if account else 0
    now, visits = timezone.now(), insights.visits_of(found)
    context = {
        "section": "members",
        "staff": request.staff,
        "member": found,
        "account": account,
        "phone": finding.phone_of(found),
        "totals": insights.totals(account),
        "days": by_day(entries[:ENTRIES], standing),
        "older": entries[ENTRIES - 1].occurred_at.isoformat() if len(entries) > ENTRIES else "",
        "before": before,
        "now": now,
        "since": now - dt.timedelta(days=DAYS),
        "usual": usual_gap(visits),
        "last_visit": visits[0] if visits else None,
        "pulse": rhythm(visits, now, rhythm_sentence(visits)),
    }
    return page(request, "manage/member.html", context, fragment="account")
