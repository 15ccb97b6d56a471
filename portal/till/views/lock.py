"""Who stands at the till."""

from __future__ import annotations

import time
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from portal import guards
from portal.guards import DeviceRequest, paired
from portal.pages import page, see_other
from portal.till import night
from portal.till.approval import sentence_of
from portal.till.forms import HalfTyped, Person
from tenants import people, pins, shops
from tenants.models import Staff
from tenants.pins import WrongPin

LAST = "till_last"  # in the session: who stood here before, who most likely comes back
KEPT = "till_kept"  # the sale that lay on the counter when it was locked
KEPT_FOR = 10 * 60  # seconds: whoever waits longer has left


def locked(request: DeviceRequest, chosen: Staff | None = None, wrong: str = "") -> HttpResponse:
    """The people of this shop and a keypad; the one who was here last in front. Nothing of any
    customer.
    """
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
        **night.context(request),
    }
    return page(request, "till/lock.html", context, status=422 if wrong else 200)


@require_POST
@paired
def person(request: DeviceRequest) -> HttpResponse:
    """Unlock with a PIN. Every wrong one says what is left, in the same words for everybody.

    A sale that was half typed lies on the counter again, whoever goes on with it.
    """
    form = Person(request.POST)
    staff = people.staff_with(form.cleaned_data["person"]) if form.is_valid() else None
    if staff is None:
        return locked(request, wrong=gettext("Choose who you are, then type your PIN."))
    try:
        pins.check(staff, request.device, form.cleaned_data["pin"], at=timezone.now())
    except WrongPin as wrong:
        return locked(request, staff, sentence_of(wrong))
    kept = request.session.pop(KEPT, None)
    guards.unlock(request, staff, request.device)
    request.session[LAST] = str(staff.pk)
    return see_other(_where(kept))


@require_POST
def lock(request: DeviceRequest) -> HttpResponse:
    """Nobody stands here any more. What was being typed is kept for whoever comes next."""
    form = HalfTyped(request.POST)
    if form.is_valid() and guards.person_at_till(request):
        request.session[KEPT] = {
            "member": str(form.cleaned_data["member"]),
            "amount": form.cleaned_data["amount"],
            "at": int(time.time()),
        }
    guards.lock(request)
    return see_other(reverse("till:till"))


def _where(kept: object) -> str:
    if not isinstance(kept, dict) or time.time() - kept["at"] > KEPT_FOR:
        return reverse("till:till")
    asked = {"amount": kept["amount"]} if kept["amount"] else {}
    return f"{reverse('till:member', args=[kept['member']])}?{urlencode(asked)}".rstrip("?")
