"""The road from a name to an open shop: which sign-up is this browser's, and its next step.

The row is found by its id in the session of the apex, so a step survives reload and Back; whoever
comes to a step too early is sent to the first that is missing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.forms import uuid_of
from portal.pages import go
from tenants import signups
from tenants.models import Country, Currency, SignUp

KEPT_AS = "signup"  # in the session
STEPS = ("start", "start_address", "start_program", "start_brand", "start_open")
NAMES = (_("Your shop"), _("Address"), _("Program"), _("Colour"), _("Counter"))
# The hand-over to the shop is for who has just been there: later one signs in.
HANDED_OVER_FOR = dt.timedelta(hours=2)


class StartRequest(HttpRequest):
    signup: SignUp


Step = Callable[[StartRequest], HttpResponse]


def of(request: HttpRequest) -> SignUp | None:
    """This browser's sign-up."""
    pk = uuid_of(str(request.session.get(KEPT_AS, "")))
    return signups.with_id(pk, at=timezone.now()) if pk else None


def take(request: HttpRequest, signup: SignUp) -> None:
    request.session[KEPT_AS] = str(signup.pk)


def first_missing(signup: SignUp | None) -> str:
    """The name of the first step that is not done."""
    if signup is None:
        return "start"
    if signup.confirmed_at is None:
        return "start_code"
    if signup.opened:
        return "start_open"
    for step, done in (
        ("start_address", signup.slug),
        ("start_program", signup.preset),
        ("start_brand", signup.colour),
    ):
        if not done:
            return step
    return "start_brand"


def step(name: str) -> Callable[[Step], Callable[[HttpRequest], HttpResponse]]:
    """A view that is the step `name`: with the sign-up on its request, or elsewhere instead."""

    def decorate(view: Step) -> Callable[[HttpRequest], HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest) -> HttpResponse:
            signup = of(request)
            missing = first_missing(signup)
            if signup is None or _is_before(missing, name):
                return go(request, reverse(missing))
            if signup.opened and name != "start_open":
                return go(request, reverse("start_open"))
            request.signup = signup  # type: ignore[attr-defined]
            return view(request)  # type: ignore[arg-type]

        return guarded

    return decorate


def at_step(name: str, *, called: str = "", **more: Any) -> dict[str, Any]:
    """What the page of a step tells about the road. `called`: the shop on the card that it shows,
    before it has a sign of its own.
    """
    more.setdefault("look", look_of(called or gettext("Your shop"), "store"))
    at = STEPS.index(name) + 1
    marks = [number <= at for number in range(1, len(STEPS) + 1)]
    road = {"road": marks, "step": at, "steps": len(STEPS), "step_name": NAMES[at - 1]}
    return {**road, "outbox": settings.OUTBOX, **more}


def look_of(name: str, icon: str, logo: str = "") -> dict[str, str]:
    """What components/mark.html knows a shop by."""
    return {"name": name, "icon": icon, "logo": logo}


def currency_of(signup: SignUp) -> Currency:
    country = Country.objects.select_related("currency").get(pk=signup.country)
    return country.currency


def _is_before(one: str, other: str) -> bool:
    order = ("start", "start_code", *STEPS[1:])
    return order.index(one) < order.index(other)
