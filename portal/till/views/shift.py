"""The person at the till: her day so far, and how she likes the screen."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from loyalty import shifts
from portal.guards import DeviceRequest, TillRequest, paired, unlocked
from portal.pages import go
from portal.till import night
from portal.till.screens import base_links, counter


@require_safe
@unlocked
def shift(request: TillRequest) -> HttpResponse:
    """What she did today, to be read out at the end of a shift."""
    now = timezone.now()
    context: dict[str, object] = {"shift": shifts.shift_of(request.by, at=now), "now": now}
    return counter(request, context | night.context(request), screen="shift")


@require_POST
@paired
def look(request: DeviceRequest) -> HttpResponse:
    """By day, by night, or as the tablet itself has it."""
    response = go(request, base_links()["home"])
    night.choose(request, response, request.POST.get("night", ""))
    return response
