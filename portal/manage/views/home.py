"""The day-book: today's figures, each with what it means and the list behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh, ptag

from loyalty import insights, programs, segments
from loyalty.models import Member
from loyalty.overview import Overview, overview, owed
from portal.guards import StaffRequest, manager
from portal.manage import live
from portal.manage.daybook import (
    drawings,
    event_of,
    events,
    first_day,
    needs,
    unless_it_fails,
)
from portal.manage.forms import Counter, place_after
from portal.manage.portrait import rows
from portal.pages import page, wants_piece

LATELY = dt.timedelta(hours=36)  # a check of last night, whatever the shop's zone
SHOWN, LATE_SHOWN, AT_ONCE = 10, 4, 50


@require_safe
@manager
@ptag(live.of_the_day)
def home(request: StaffRequest) -> HttpResponse:
    """The day-book, or until the first member came the way there."""
    now = timezone.now()
    context: dict[str, object] = {"section": "home", "now": now}
    figures = unless_it_fails(lambda: overview(now))
    if figures and not figures.standing.members:
        context |= {"first_day": first_day()}
        return page(request, "manage/first_day.html", context, fragment="now")
    if "waiting" in request.GET and wants_piece(request):  # she has just come
        return HttpResponseClientRefresh()
    context |= {"events": events(SHOWN), **_figures(figures, now)}
    if wants_piece(request):
        return page(request, "manage/home.html", context, fragment="now", also=("counter",))
    return page(request, "manage/home.html", context | {"needs": needs(now)})


@require_safe
@manager
def counter(request: StaffRequest) -> HttpResponse:
    """All that happened at the counter, newest first, or of one kind."""
    form = Counter(request.GET)
    form.is_valid()
    kind, before = form.cleaned_data.get("kind", ""), form.cleaned_data.get("before")
    kinds = [kind] if kind else []
    found = insights.at_the_counter(AT_ONCE + 1, kinds=kinds, before=before)
    context = {
        "section": "home",
        "kind": kind,
        "kinds": Counter.KINDS,
        "events": [event_of(entry) for entry in found[:AT_ONCE]],
        "older": place_after(found, AT_ONCE),
        "before": before,
    }
    return page(request, "manage/counter.html", context, fragment="events")


def _place(ids: list[UUID]) -> Callable[[Member], int]:
    return lambda member: ids.index(member.pk)


def _figures(figures: Overview | None, now: dt.datetime) -> dict[str, object]:
    """What the day-book shows; None is a figure that could not be had."""
    late = unless_it_fails(lambda: segments.late(now))
    first = (late or [])[:LATE_SHOWN]
    told: dict[str, object] = {
        "figures": figures,
        "late": late,
        "slipping": rows(sorted(Member.objects.filter(pk__in=first), key=_place(first)), now),
        "owed": unless_it_fails(lambda: owed(now)),
        "program": programs.current(),
    }
    if figures is None:
        return told
    today, standing, checked = figures.today, figures.standing, figures.checked
    return told | {
        "today": today,
        "difference": today.visits - today.visits_before,
        "distance": abs(today.visits - today.visits_before),
        "returning": figures.returning,
        "standing": standing,
        "used": 100 * standing.used / standing.given if standing.given > 0 else None,
        "checked": checked,
        "checked_lately": checked and now - checked.at < LATELY,
        "month": figures.month,
        "month_visits": sum(day.visits for day in figures.month),
        **drawings(figures),
    }
