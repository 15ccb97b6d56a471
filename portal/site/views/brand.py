"""The fourth step: colour, sign and logo; and with its key the shop opens."""

from __future__ import annotations

import re
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import logos, theme
from portal.brand import said_of
from portal.pages import page, see_other
from portal.site import opening, previews, road
from portal.site.forms import ICONS, SWATCHES, Brand
from portal.site.road import StartRequest
from tenants import signups
from tenants.onboarding import BadName, Picture
from tenants.signups import Unfinished

HEX = re.compile(r"[0-9a-f]{6}", re.ASCII)


@require_http_methods(["GET", "HEAD", "POST"])
@road.step("start_brand")
def brand(request: StartRequest) -> HttpResponse:
    """GET with a colour only shows it. POST opens the shop, once."""
    signup = request.signup
    if request.method != "POST":
        return _asked(request, Brand(_whole(request)))
    form = Brand(request.POST, request.FILES)
    if not form.is_valid():
        return _asked(request, form, status=422)
    _note(request, form)
    try:
        opening.open_shop(signup, at=timezone.now())
    except BadName:  # somebody was faster: the step of the address says so
        return see_other(reverse("start_address"))
    except Unfinished:  # the address or the country was changed at another tap
        return see_other(reverse(road.first_missing(road.of(request))))
    return see_other(reverse("start_open"))


@require_POST
@road.step("start_brand")
def logo(request: StartRequest) -> HttpResponse:
    """The picture by itself, as soon as it was chosen, so that the card shows it."""
    form = Brand(request.POST, request.FILES)
    if not form.is_valid() and "logo" in form.errors:
        return _asked(request, form, fragment="picture", also=(), status=422)
    if picture := form.cleaned_data.get("logo"):
        _keep(request, picture)
    return _asked(request, form, fragment="picture", also=("preview",))


@require_safe
def shown_logo(request: HttpRequest, digest: str) -> HttpResponse:
    """The picture of this browser's sign-up."""
    signup = road.of(request)
    found = signups.logo_of(signup) if signup else None
    if found is None or found[2] != digest:
        raise Http404
    return logos.told(found[0], found[1], kept="private, max-age=3600, immutable")


@require_safe
def theme_css(request: HttpRequest, colour: str) -> HttpResponse:
    """The tokens of any colour, so that a card is seen in it before it is anybody's."""
    if not HEX.fullmatch(colour):
        raise Http404
    response = HttpResponse(theme.css(f"#{colour}"), content_type="text/css")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _note(request: StartRequest, form: Brand) -> None:
    said = form.cleaned_data
    signups.say(
        request.signup,
        colour=form.chosen_colour,
        greeting=said["greeting"],
        icon=said["icon"] or ICONS[0][0],
    )
    if said["without"]:
        signups.say(request.signup, logo=None, logo_kind="")
    elif said["logo"]:
        _keep(request, said["logo"])


def _keep(request: StartRequest, picture: Picture) -> None:
    signups.say(request.signup, logo=picture.data, logo_kind=picture.kind)


def _whole(request: StartRequest) -> dict[str, Any]:
    """What is being typed, and for the rest what she said before."""
    signup, typed = request.signup, request.GET
    own = signup.colour if signup.colour not in dict(SWATCHES) else ""
    told = {
        "swatch": signup.colour if not own else "",
        "colour": own,
        "icon": signup.icon,
        "greeting": signup.greeting,
    }
    if not signup.colour:
        told["swatch"] = SWATCHES[0][0]
    if "colour" in typed or "swatch" in typed:
        told |= {"swatch": "", **{name: typed.get(name, "") for name in told if name in typed}}
    return told


def _asked(
    request: StartRequest,
    form: Brand,
    *,
    fragment: str = "preview",
    also: tuple[str, ...] = ("shade",),
    status: int = 200,
) -> HttpResponse:
    signup, currency = request.signup, road.currency_of(request.signup)
    form.is_valid()
    colour, found = form.chosen_colour, signups.logo_of(signup)
    icon = form.cleaned_data.get("icon") or ICONS[0][0]
    told = road.at_step(
        "start_brand",
        form=form,
        signup=signup,
        slug=signup.slug,
        swatches=SWATCHES,
        icons=ICONS,
        colour=colour,
        # Where the typed one is wrong, none of the others is meant either.
        swatch="" if form.data.get("colour") else colour,
        icon=icon,
        greeting=form.cleaned_data.get("greeting", ""),
        look=road.look_of(signup.name, icon, found[2] if found else ""),
        logo_url=reverse("start_logo", args=[found[2]]) if found else "",
        theme_url=reverse("start_theme", args=[colour[1:]]),
        colour_note=said_of(colour),
        preview=previews.of_program(signup.preset, signup.choices, currency),
    )
    return page(request, "site/brand.html", told, fragment=fragment, also=also, status=status)
