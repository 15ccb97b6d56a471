"""The tablets of the shop: paired, named, turned away."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal import qr
from portal.guards import StaffRequest, manager
from portal.manage.forms_people import DeviceName, Where
from portal.pages import page, see_other
from tenants import devices, hosts, pins
from tenants.ids import made_at
from tenants.models import Device, Location

ASK = ["GET", "HEAD", "POST"]
OFFER = "offer"  # in the session: the code that is shown, so that a reload shows the same


@require_safe
@manager
def all_devices(request: StaffRequest) -> HttpResponse:
    now, found = timezone.now(), devices.all_paired()
    context = {"devices": found, "spent": spent(found, now), "now": now}
    return _page(request, "manage/devices.html", context)


@require_http_methods(ASK)
@manager
def device(request: StaffRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Device.objects.select_related("location"), pk=pk)
    form = DeviceName(
        request.POST if request.method == "POST" else None, initial={"name": found.name}
    )
    if form.is_valid():
        devices.rename(found, form.cleaned_data["name"], at=timezone.now(), by=request.by)
        return see_other(reverse("manage:devices"))
    context = {"device": found, "paired_at": made_at(found.pk), "form": form}
    status = 422 if form.is_bound else 200
    return _page(request, "manage/device.html", context, status=status)


@require_http_methods(ASK)
@manager
def revoke(request: StaffRequest, pk: UUID) -> HttpResponse:
    """A lost tablet is one press away from being nothing: no code by mail stands before it."""
    found = get_object_or_404(Device.objects.select_related("location"), pk=pk)
    if request.method == "POST":
        devices.revoke(found, at=timezone.now(), by=request.by)
        return see_other(reverse("manage:devices"))
    return _page(request, "manage/device_revoke.html", {"device": found})


@require_http_methods(ASK)
@never_cache
@manager
def pair(request: StaffRequest) -> HttpResponse:
    """A code to type on the tablet, and the same to scan; the page sees when it was used. POST, and
    another place, make a new one.
    """
    now = timezone.now()
    form = Where(request.POST if request.method == "POST" else request.GET)
    wish = form.cleaned_data["location"] if form.is_valid() else None
    offer = request.session.get(OFFER)
    if request.method == "POST" or not isinstance(offer, dict) or _is_elsewhere(offer, wish):
        offer = _new_offer(request, wish, now)
        if request.method == "POST":
            where = f"?location={offer['location']}" if wish else ""
            return see_other(f"{reverse('manage:pair')}{where}")
    location = Location.objects.filter(pk=offer["location"]).first()
    code, until = str(offer["code"]), dt.datetime.fromisoformat(offer["until"])
    url = hosts.url_of(request.tenant, reverse("till:pair", args=[code]))
    paired = devices.paired_by(code)
    if paired:
        request.session.pop(OFFER, None)
    context = {
        "code": code,
        "location": location,
        "locations": list(Location.objects.order_by("pk")),
        "paired": paired,
        "is_over": now >= until,
        "url": url,
        "drawing": qr.drawn(url),
        "till_url": hosts.url_of(request.tenant, reverse("till:till")),
    }
    return _page(request, "manage/device_pair.html", context, fragment="pairing")


def spent(found: list[Device], at: dt.datetime) -> set[UUID]:
    """Those of them that take no PIN any more today."""
    return {each.pk for each in found if pins.is_spent(each, at=at)}


def _is_elsewhere(offer: dict[str, str], wish: Location | None) -> bool:
    return wish is not None and offer.get("location") != str(wish.pk)


def _new_offer(request: StaffRequest, wish: Location | None, now: dt.datetime) -> dict[str, str]:
    location = wish or Location.objects.order_by("pk")[:1].get()
    code = devices.offer_code(location, at=now)
    until = now + devices.CODE_LIVES
    offer = {"code": code, "location": str(location.pk), "until": until.isoformat()}
    request.session[OFFER] = offer
    return offer


def _page(
    request: StaffRequest,
    template: str,
    context: dict[str, object],
    *,
    fragment: str = "",
    status: int = 200,
) -> HttpResponse:
    told = {"section": "team", "staff": request.staff, **context}
    return page(request, template, told, fragment=fragment, status=status)
