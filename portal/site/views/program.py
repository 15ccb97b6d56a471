"""The third step: what coming back brings."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from loyalty import presets
from loyalty.presets import PRESETS
from portal.pages import page, see_other
from portal.site import previews, road
from portal.site.forms import Program, typed
from portal.site.road import StartRequest
from tenants import signups
from tenants.models import Currency, SignUp

FIRST = "points"
KINDS = (
    ("stamps", _("Stamps"), _("Ten coffees, the next is free. Everyone knows it.")),
    ("points", _("Points"), _("For what is spent. Fair to big and small bills.")),
    ("visits", _("Visits and tiers"), _("Every visit counts; regulars become Gold.")),
    ("cashback", _("Money back"), _("A part of the bill, as credit for next time.")),
)


@require_http_methods(["GET", "HEAD", "POST"])
@road.step("start_program")
def program(request: StartRequest) -> HttpResponse:
    """GET with answers only shows what they come to."""
    signup, currency = request.signup, road.currency_of(request.signup)
    if request.method == "POST":
        form = Program(_whole(request.POST, signup, currency), currency=currency)
        if form.is_valid():
            found = form.cleaned_data
            signups.choose_program(signup, found["preset"], found["choices"])
            return see_other(reverse(road.first_missing(signup)))
        return _asked(request, form, currency, status=422)
    form = Program(_whole(request.GET, signup, currency), currency=currency)
    form.is_valid()
    return _asked(request, form, currency)


def _whole(given: QueryDict, signup: SignUp, currency: Currency) -> QueryDict:
    """What was typed, and where nothing was, what she said before, or what one begins with."""
    found = QueryDict(mutable=True)
    for preset in PRESETS:
        is_hers = preset == signup.preset
        choices: dict[str, Any] = (
            signup.choices if is_hers else presets.first_choices(preset, currency)
        )
        for name, value in typed(choices, preset, currency).items():
            found[name] = value
    found["preset"] = signup.preset or FIRST
    for name, said in given.items():
        found[name] = str(said)
    return found


def _asked(
    request: StartRequest, form: Program, currency: Currency, *, status: int = 200
) -> HttpResponse:
    chosen = form.data.get("preset", "")
    preview = None
    if form.is_valid():
        preview = previews.of_program(chosen, form.cleaned_data["choices"], currency)
    told = road.at_step(
        "start_program",
        called=request.signup.name,
        form=form,
        signup=request.signup,
        currency=currency,
        per=previews.per(currency),
        preview=preview,
        kinds=KINDS,
        slug=request.signup.slug,
    )
    return page(
        request, "site/program.html", told, fragment="preview", also=("worth",), status=status
    )
