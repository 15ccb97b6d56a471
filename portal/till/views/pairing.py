"""From the owner's code or link to a till."""

from __future__ import annotations

from http import HTTPStatus

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import agents, guards, links, waiting
from portal.forms import LineField, clean_text
from portal.guards import DEVICE_COOKIE, DeviceRequest, TenantRequest, keep_cookie, paired
from portal.pages import answer, page, see_other
from tenants import devices, secrets
from tenants.guesses import TooManyGuesses
from tenants.models import Location

LONGEST_CODE = 40  # characters; a code has eight, with spaces and dashes a few more


class Named(forms.Form):
    """What the tablet is called in the owner's list; left empty, by its kind."""

    name = LineField(
        label=_("What is this tablet called?"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"maxlength": 80, "autocomplete": "off"}),
    )


@require_POST
@never_cache
def code(request: TenantRequest) -> HttpResponse:
    """The code that somebody typed on a tablet; who tries codes is counted by her network."""
    typed = clean_text(request.POST.get("code"))[:LONGEST_CODE]
    secret = devices.read_code(typed)
    try:
        wrong = "" if secret else gettext("Type the eight characters the owner sees.")
        if secret:
            now = timezone.now()
            if links.opened(request, secrets.PAIR, secret, at=now, use=False):
                return see_other(reverse("till:pair", args=[secret]))
            wrong = gettext("That is no code of today. Look again, or ask the owner for a new one.")
    except TooManyGuesses as many:
        wrong = waiting.in_seconds(many.wait)
    return page(request, "till/unpaired.html", {"typed": typed, "wrong": wrong}, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def pair(request: TenantRequest, secret: str) -> HttpResponse:
    """Opening the link shows what it does; only pressing the button uses it up and pairs this
    browser, under a new session key and with nobody before it. What it was until now, it is no
    more.
    """
    now, secret = timezone.now(), devices.read_code(secret)
    posted, kind = request.POST if request.method == "POST" else None, agents.system_of(request)
    form = Named(posted, initial={"name": kind or gettext("Tablet")})
    subject = links.opened(request, secrets.PAIR, secret, at=now, use=form.is_valid())
    location = Location.objects.filter(pk=subject).first() if subject else None
    if location is None:
        return page(request, "till/pair_gone.html", status=410)
    if not form.is_valid():
        context = {"location": location, "form": form}
        return page(request, "till/pair.html", context, status=422 if form.is_bound else 200)
    name = form.cleaned_data["name"] or kind or gettext("Tablet")
    before = guards.device_of(request)
    _device, token = devices.pair_by(secret, name, location, at=now, before=before)
    guards.lock(request)
    if request.session.session_key:
        request.session.cycle_key()
    response = see_other(reverse("till:till"))
    keep_cookie(response, DEVICE_COOKIE, token)
    return response


@require_safe
@paired
def still(request: DeviceRequest) -> HttpResponse:
    """Asked every few seconds by a till that lies open (static/js/elements/still-paired.js):
    nothing, or the way to where it can be paired. No touch: it keeps nobody's till awake.
    """
    return answer(HttpResponse(status=HTTPStatus.NO_CONTENT))
