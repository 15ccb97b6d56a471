"""The day-book: today's figures, each with what it means."""

from __future__ import annotations

import datetime as dt

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_safe

from loyalty import insights, programs
from loyalty.overview import overview
from portal import charts
from portal.arithmetic import told
from portal.guards import StaffRequest, manager
from portal.pages import page

LATELY = dt.timedelta(hours=36)  # a check of last night, whatever the shop's zone


@require_safe
@manager
def home(request: StaffRequest) -> HttpResponse:
    now = timezone.now()
    figures = overview(now)
    today, month = figures.today, figures.month
    visits = sum(day.visits for day in month)
    context = {
        "section": "home",
        "staff": request.staff,
        "now": now,
        "today": today,
        "difference": today.visits - today.visits_before,
        "distance": abs(today.visits - today.visits_before),
        "returning": figures.returning,
        "standing": figures.standing,
        "program": programs.live(),
        "checked": figures.checked,
        "checked_lately": figures.checked and now - figures.checked.at < LATELY,
        "month": month,
        "month_visits": visits,
        "by_hour": charts.hours(
            today.by_hour,
            today.by_hour_before,
            gettext("Visits by hour, today before the same day last week"),
        ),
        "given": charts.line([day.points for day in month], gettext("Points given, day by day")),
        "chart": charts.days(
            month,
            ngettext(
                "%(n)s visit by members in the last 30 days",
                "%(n)s visits by members in the last 30 days",
                visits,
            )
            % {"n": visits},
        ),
        "events": [told(entry) for entry in insights.at_the_counter(8)],
    }
    return page(request, "manage/home.html", context)
