"""The style guide, in development only: every component in every state, by day and by night beside
each other, in the colour of the shop on whose host it is opened.

A component is a file in static/css/components/; its section is the template of the same name, shown
once on day's paper and once on night's. What a component is for is told by the head of its file.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_safe

from loyalty.insights import Day
from loyalty.models import Program
from portal import charts, theme
from portal.arithmetic import Line, Sum
from portal.forms import MoneyField
from portal.pages import page
from tenants import shops

LOOKS = ("by-day", "by-night")
_HEAD = re.compile(r"\A\s*/\*\s*(.*?)\*/", re.DOTALL)


class Component(NamedTuple):
    name: str
    about: str  # the head of its style sheet
    section: str  # the template that shows it


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """Every component, twice."""
    _only_in_development()
    values = {"components": components(), "looks": LOOKS, **_samples()}
    return page(request, "styleguide/guide.html", values)


@require_safe
def papers(request: HttpRequest) -> HttpResponse:
    """The tokens of day and night for a part of a page, made of the same sheets that pages link.

    A token that is computed from others is computed where it is declared, so both papers declare
    all of them.
    """
    _only_in_development()
    both = ":is(.by-day, .by-night)"
    sheets = (
        _sheet("tokens.css").replace(":root", both),
        theme.css(shops.front().colour).replace(":root", both),
        _sheet("dark.css").replace(":root", ".by-night"),
    )
    return HttpResponse("\n".join(sheets), content_type="text/css")


def components() -> list[Component]:
    """Every component there is, by the name of its style sheet."""
    return [
        Component(file.stem, _about(file), f"styleguide/sections/{file.stem}.html")
        for file in sorted((_css() / "components").glob("*.css"))
    ]


def _only_in_development() -> None:
    if not settings.OUTBOX:
        raise Http404


def _css() -> Path:
    return Path(settings.ROOT) / "static" / "css"


@lru_cache(maxsize=8)
def _sheet(name: str) -> str:
    return (_css() / name).read_text()


def _about(file: Path) -> str:
    head = _HEAD.match(file.read_text())
    return " ".join(head[1].split()) if head else ""


class _Form(forms.Form):
    """Fields as a page has them: filled, with a hint, optional, and wrong."""

    name = forms.CharField(label="Name", help_text="As it stands on the card.")
    note = forms.CharField(label="A word to remember", required=False)
    total = MoneyField(label="Amount", decimals=2)
    tier = forms.ChoiceField(label="Tier", choices=[("silver", "Silver"), ("gold", "Gold")])


def _samples() -> dict[str, object]:
    """What the components show that are drawn or computed elsewhere."""
    now = timezone.now()
    visits = [9, 14, 11, 0, 7, 18, 21, 12, 16, 13, 4, 9, 22, 25, 17]
    series = [
        Day(now.date() - dt.timedelta(days=len(visits) - 1 - n), count, 24 * count, 2400 * count)
        for n, count in enumerate(visits)
    ]
    week = dt.timedelta(days=7)
    come = [now - n * week for n in range(1, 7)]
    forms_ = {
        look: _Form({"name": "Amina", "total": "1,2,3", "tier": "gold"}, auto_id=f"{look}-%s")
        for look in LOOKS
    }
    return {
        "form": forms_,
        "sum": Sum(
            (
                Line("24 \u00d7 AED 1.00", "1 point each", "24"),
                Line("1.5 times the points", "Tuesday: what that adds", "12"),
            ),
            36,
            Program(unit=Program.Unit.POINT),
            "36.75, rounded down",
        ),
        "chart": charts.days(series, "Visits of fifteen days"),
        "curve": charts.line(visits, "Points of fifteen days"),
        "by_hour": charts.hours(visits + [0] * 9, [6] * 24, "Visits by the hour"),
        "rhythm": charts.rhythm(come, now, "Comes every week"),
        "late": charts.rhythm([at - 4 * week for at in come], now, "Has not come for a month"),
        "now": now,
    }


urlpatterns = [
    path("", guide, name="styleguide"),
    path("papers.css", papers, name="styleguide_papers"),
]
