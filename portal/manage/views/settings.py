"""Settings, a page for each part: brand, words, languages, contact, till, place.

A manager may change all but the limits of the till and the place, which are the owner's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from loyalty import currencies, programs, tasks
from loyalty.refusals import BadSetting, Overtaken
from portal import brand, logos, theme
from portal.guards import StaffRequest, is_fresh, manager
from portal.manage.forms_settings import (
    HEX,
    BrandForm,
    ContactForm,
    LanguagesForm,
    Part,
    PlaceForm,
    TillForm,
    WordsForm,
)
from portal.pages import go, page, see_other, wants_piece
from tenants import jobs, relocating, shops
from tenants.models import Shop, Staff, Tenant

PARTS = {
    "brand": _("Brand"),
    "words": _("Words"),
    "languages": _("Languages"),
    "contact": _("Contact and privacy"),
    "till": _("Till"),
    "place": _("Currency and time"),
}
CODE = re.compile(r"[A-Z]{3}")
CHOSEN = "chosen_"  # begins what a place was chosen as, before she was asked who she is
OF_OWNERS = frozenset(("place",))


@require_http_methods(["GET", "HEAD", "POST"])
@manager
def settings(request: StaffRequest, part: str = "brand") -> HttpResponse:
    """One part of the settings."""
    if part not in PARTS:
        raise Http404
    if part in OF_OWNERS and request.staff.role != Staff.Role.OWNER:
        raise PermissionDenied(Staff.Role.OWNER.value)
    return _VIEWS[part](request, part)


@require_safe
def colours(request: Any, colour: str) -> HttpResponse:
    """The tokens of any colour, so that the shop is seen in it before it is the shop's."""
    if not HEX.fullmatch(f"#{colour}"):
        raise Http404
    response = HttpResponse(theme.css(f"#{colour}"), content_type="text/css")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@require_POST
@manager
def preview(request: StaffRequest) -> HttpResponse:
    """The page in the colour that is being chosen. Nothing is kept; without htmx there is nothing
    to show.
    """
    if not wants_piece(request):
        return see_other(reverse("manage:settings"))
    shop, front = Shop.objects.get(), shops.front()
    form = BrandForm(shop, front, request.POST)
    form.is_valid()
    return page(request, "manage/settings.html", _look(form, shop), fragment="look")


def _of_shop(request: StaffRequest, part: str) -> HttpResponse:
    """A part that is fields of the shop's own row."""
    shop, front = Shop.objects.get(), shops.front()
    made: Callable[..., Part] = _FORMS[part]
    options: dict[str, Any] = {}
    if part == "till":
        program = programs.live()
        options = {
            "is_owner": request.staff.role == Staff.Role.OWNER,
            "is_money": bool(program and program.unit == "money"),
        }
    names = sorted(made.NAMES)  # type: ignore[attr-defined]
    if request.method != "POST":
        form = made(shop, front, **options)
        return _shown(request, part, form, seen=_seen(shop, form, names))
    form = made(shop, front, request.POST, request.FILES, **options)
    if not form.is_valid():
        return _shown(request, part, form, seen=request.POST.get("seen", ""), status=422)
    try:
        _keep(request, form)
    except shops.Overtaken:
        shop.refresh_from_db()
        return _shown(request, part, form, seen=_seen(shop, form, names), status=409)
    except ValidationError as refused:
        for name, errors in refused.message_dict.items():
            form.add_error(name if name in form.fields else None, errors)
        return _shown(request, part, form, seen=request.POST.get("seen", ""), status=422)
    return go(request, f"{reverse('manage:settings_part', args=[part])}?kept=1")


def _keep(request: StaffRequest, form: Part) -> None:
    with transaction.atomic():
        seen = request.POST.get("seen", "") or "none"
        shops.change(seen_as=seen, at=timezone.now(), by=request.by, **form.wanted())
        if form.cleaned_data.get("without"):
            logos.keep(None)
        elif picture := form.cleaned_data.get("logo"):
            logos.keep(picture)


def _words(request: StaffRequest, part: str) -> HttpResponse:
    """What points are called."""
    program = programs.live()
    if program is None:
        raise Http404
    languages = shops.front().languages
    if request.method != "POST":
        form = WordsForm(program, languages)
        return _shown(request, part, form, seen=programs.seen_words(program), program=program)
    form = WordsForm(program, languages, request.POST)
    seen = request.POST.get("seen", "")
    if not form.is_valid():
        return _shown(request, part, form, seen=seen, program=program, status=422)
    try:
        programs.set_words(program, form.words(), seen_as=seen, at=timezone.now(), by=request.by)
    except Overtaken:
        program.refresh_from_db()
        now = programs.seen_words(program)
        return _shown(request, part, form, seen=now, program=program, status=409)
    except BadSetting as refusal:
        name = next((n for n in form.fields if n.startswith(refusal.field)), None)
        form.add_error(name, str(refusal.figures["why"]))
        return _shown(request, part, form, seen=seen, program=program, status=422)
    return go(request, f"{reverse('manage:settings_part', args=[part])}?kept=1")


def _place(request: StaffRequest, part: str) -> HttpResponse:
    """Currency and time zone: the worker changes them, since the web may not."""
    front, is_fixed = shops.front(), currencies.is_fixed()
    where = reverse("manage:settings_part", args=[part])
    if request.method != "POST":
        form = PlaceForm(front, is_fixed=is_fixed)
        chosen = {n: v for n, v in _place_in(request.GET, CHOSEN).items() if form.offers(n, v)}
        form.initial.update(chosen)
        soon = _soon(request)
        return _shown(request, part, form, seen="", soon=soon, chosen=chosen, fragment="place")
    if not is_fresh(request):
        told = {f"{CHOSEN}{name}": value for name, value in _place_in(request.POST).items()}
        back = f"{where}?{urlencode(told)}".rstrip("?")
        return go(request, f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}")
    form = PlaceForm(front, is_fixed=is_fixed, data=request.POST)
    if not form.is_valid():
        return _shown(request, part, form, seen="", status=422)
    told = form.cleaned_data
    tenant = Tenant.objects.select_related("currency").get(pk=request.tenant.pk)
    asked = {"currency": told["currency"], "zone": told["zone"]}
    if asked != {"currency": tenant.currency_id, "zone": tenant.zone}:
        jobs.enqueue(
            tasks.relocate,
            **asked,
            digits=tenant.currency.digits,
            by=request.by.who,
            at=timezone.now().isoformat(),
        )
    return go(request, f"{where}?currency={asked['currency']}&zone={asked['zone']}")


def _place_in(told: QueryDict, prefix: str = "") -> dict[str, str]:
    """The currency and the zone that an address or a form tells; without what cannot be."""
    currency, zone = told.get(f"{prefix}currency", ""), told.get(f"{prefix}zone", "")
    found = {}
    if CODE.fullmatch(currency):
        found["currency"] = currency
    if zone in relocating.zones():
        found["zone"] = zone
    return found


def _soon(request: StaffRequest) -> dict[str, Any] | None:
    """What was asked for a moment ago, and whether it holds."""
    asked = _place_in(request.GET)
    if len(asked) < 2:  # noqa: PLR2004 (both)
        return None
    tenant = Tenant.objects.get(pk=request.tenant.pk)
    holds = {"currency": tenant.currency_id, "zone": tenant.zone} == asked
    return {"holds": holds, "where": request.get_full_path()}


def _shown(
    request: StaffRequest,
    part: str,
    form: forms.Form,
    *,
    seen: str,
    status: int = 200,
    fragment: str = "",
    **more: Any,
) -> HttpResponse:
    is_owner = request.staff.role == Staff.Role.OWNER
    context = {
        "section": "settings",
        "staff": request.staff,
        "part": part,
        "title": PARTS[part],
        "parts": [(n, t) for n, t in PARTS.items() if is_owner or n not in OF_OWNERS],
        "form": form,
        "seen": seen,
        "is_kept": request.method != "POST" and bool(request.GET.get("kept")),
        "is_overtaken": status == 409,  # noqa: PLR2004
        "is_dirty": status != 200 or bool(more.get("chosen")),  # noqa: PLR2004
        **more,
    }
    if isinstance(form, BrandForm):
        context |= _look(form, form.shop)
    return page(request, "manage/settings.html", context, fragment=fragment, status=status)


def _look(form: BrandForm, shop: Shop) -> dict[str, Any]:
    typed = str(form["colour"].value() or "").lower()
    colour = typed if HEX.fullmatch(typed) else shop.colour
    return {
        "form": form,
        "colour": colour[1:],
        "is_other": colour != shop.colour,
        "colour_note": brand.said_of(colour),
        "look_name": str(form["name"].value() or "")[:80],
        "look_greeting": str(form["greeting"].value() or "")[:140],
    }


def _seen(shop: Shop, form: Part, names: list[str]) -> str:
    return shops.seen(shop, [name for name in names if name in form.fields])


_FORMS: dict[str, Callable[..., Part]] = {
    "brand": BrandForm,
    "languages": LanguagesForm,
    "contact": ContactForm,
    "till": TillForm,
}
_VIEWS: dict[str, Callable[[StaffRequest, str], HttpResponse]] = {
    **dict.fromkeys(_FORMS, _of_shop),
    "words": _words,
    "place": _place,
}
