"""A manager allows something in place: her PIN, typed while somebody else stands at the till."""

from __future__ import annotations

import datetime as dt

from django.http import HttpRequest
from django.utils.translation import gettext, ngettext

from portal import waiting
from portal.guards import TillRequest
from portal.till.forms import Approval
from tenants import people, pins
from tenants.actors import Actor
from tenants.models import Staff
from tenants.pins import WrongPin


class NoLeave(Exception):
    """Nobody was chosen who may allow it, or the PIN was not hers; str() is the sentence."""


def asked(request: HttpRequest) -> bool:
    """Did somebody type a manager's PIN with this form?"""
    return bool(request.POST.get("approver") or request.POST.get("pin"))


def leave(request: TillRequest, *, at: dt.datetime) -> Actor | None:
    """The manager who allows this with her PIN; None where nobody was asked. Raises NoLeave."""
    if not asked(request):
        return None
    form = Approval(request.POST)
    person = None
    if form.is_valid() and (pk := form.cleaned_data["approver"]):
        person = people.staff_with(pk)
    if person is None or not person.manages:
        raise NoLeave(gettext("Choose a manager, then type the PIN."))
    try:
        pins.check(person, request.device, form.cleaned_data["pin"], at=at)
    except WrongPin as wrong:
        raise NoLeave(sentence_of(wrong)) from None
    return Actor.at_till(person, request.device)


def managers() -> list[Staff]:
    """Who can allow something here: owner and managers with a PIN."""
    return [person for person in people.crew() if person.manages]


def sentence_of(wrong: WrongPin) -> str:
    if wrong.is_spent:
        return gettext("Too many wrong PINs on this tablet today. Pair it again, or try tomorrow.")
    if wrong.is_off:
        return gettext("This PIN is switched off. A manager can give you a new one.")
    if wrong.wait:
        return waiting.in_seconds(wrong.wait)
    return ngettext(
        "That was not it. %(n)s try left.", "That was not it. %(n)s tries left.", wrong.tries_left
    ) % {"n": wrong.tries_left}
