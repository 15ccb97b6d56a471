"""Who stands at the till."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from portal import guards
from portal.guards import DeviceRequest, paired
from portal.pages import page, see_other
from portal.till.forms import Person
from tenants import people, pins, shops
from tenants.models import Staff
from tenants.pins import WrongPin

LAST = "till_last"  # in the session: who stood here before, who most likely comes back


def locked(request: DeviceRequest, chosen: Staff | None = None, wrong: str = "") -> HttpResponse:
    """The people of this shop and a keypad; the one who was here last in front."""
    crew = people.crew()
    last = request.session.get(LAST)
    crew.sort(key=lambda person: str(person.pk) != last)
    length = shops.front().pin_length
    context = {
        "device": request.device,
        "slug": request.tenant.slug,
        "crew": crew,
        "chosen": chosen or next(iter(crew), None),
        "wrong": wrong,
        "pin_length": length,
        "dots": range(length),
        "now": timezone.now(),
    }
    return page(request, "till/lock.html", context, status=422 if wrong else 200)


@require_POST
@paired
def person(request: DeviceRequest) -> HttpResponse:
    """Unlock with a PIN. Every wrong one says what is left, in the same words for everybody."""
    form = Person(request.POST)
    staff = people.staff_with(form.cleaned_data["person"]) if form.is_valid() else None
    if staff is None:
        return locked(request, wrong=gettext("Choose who you are, then type your PIN."))
    try:
        pins.check(staff, request.device, form.cleaned_data["pin"], at=timezone.now())
    except WrongPin as wrong:
        return locked(request, staff, _sentence(wrong))
    guards.unlock(request, staff, request.device)
    request.session[LAST] = str(staff.pk)
    return see_other(reverse("till:till"))


@require_POST
def lock(request: DeviceRequest) -> HttpResponse:
    guards.lock(request)
    return see_other(reverse("till:till"))


def _sentence(wrong: WrongPin) -> str:
    if wrong.is_off:
        return gettext("This PIN is switched off. A manager can give you a new one.")
    if wrong.wait:
        return ngettext(
            "Wait %(n)s second, then try again.", "Wait %(n)s seconds, then try again.", wrong.wait
        ) % {"n": wrong.wait}
    return ngettext(
        "That was not it. %(n)s try left.", "That was not it. %(n)s tries left.", wrong.tries_left
    ) % {"n": wrong.tries_left}
