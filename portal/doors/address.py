"""Signing in with another address from now on: a code proves that the person reads it."""

from __future__ import annotations

from contextlib import suppress

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.accounts import notify
from portal.doors import codes
from portal.doors.codes import ADDRESS, Awaited, WrongCode
from portal.doors.forms import Code, NewAddress, posted
from portal.doors.signing_in import ASK, patience, sentence, status_of
from portal.guards import StaffRequest, colleague, freshly
from portal.pages import page, see_other
from tenants import people
from tenants.guesses import TooManyGuesses
from tenants.models import User
from tenants.people import AddressTaken


@require_http_methods(ASK)
@never_cache
@colleague
@freshly
def change(request: StaffRequest) -> HttpResponse:
    form = NewAddress(posted(request))
    if request.method == "POST" and form.is_valid():
        address = form.cleaned_data["email"]
        if address == request.staff.user.email:
            form.add_error("email", gettext("That is your address already."))
        else:
            try:
                codes.send(request, ADDRESS, address, to=_box(address))
            except TooManyGuesses as many:
                form.add_error("email", patience(many))
            else:
                return see_other(reverse("account_email_code"))
    context = {"form": form, "email": request.staff.user.email}
    return page(request, "account/address.html", context, status=status_of(form))


@require_http_methods(ASK)
@never_cache
@colleague
@freshly
def confirm(request: StaffRequest) -> HttpResponse:
    awaited = codes.waiting(request, ADDRESS)
    if awaited is None:
        return see_other(reverse("account_email"))
    if request.POST.get("action") == "resend":
        with suppress(TooManyGuesses):  # the page says how long it takes
            codes.send_again(request, ADDRESS, to=_box(awaited.address))
        return see_other(reverse("account_email_code"))
    form = Code(posted(request))
    if request.method == "POST" and form.is_valid() and _changed(request, awaited, form):
        return see_other(reverse("account"))
    context = {
        "form": form,
        "awaited": awaited,
        "used_up": not codes.waiting(request, ADDRESS),
        "elsewhere": "account_email",
    }
    return page(request, "account/address_code.html", context, status=status_of(form))


def _changed(request: StaffRequest, awaited: Awaited, form: Code) -> bool:
    user: User = request.staff.user
    before = user.email
    try:
        codes.check(request, ADDRESS, awaited, form.cleaned_data["code"])
        people.change_address(user, awaited.address, at=timezone.now(), by=request.by)
    except WrongCode as wrong:
        form.add_error("code", sentence(wrong))
    except TooManyGuesses as many:
        form.add_error("code", patience(many))
    except AddressTaken:
        form.add_error("code", sentence(WrongCode(0)))
    else:
        notify(request, user, "address_changed", to=before)
        return True
    return False


def _box(address: str) -> str:
    """A letter to an address that another person signs in with goes to nobody: who owns which
    address is told to no one.
    """
    return "" if User.objects.filter(email=people.address_of(address)).exists() else address
