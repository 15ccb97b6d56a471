"""The last step of opening a shop, on its own host: what the counter needs, who comes first."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from loyalty import numbers
from loyalty.models import Member
from portal import factors
from portal.forms import clean_text
from portal.guards import StaffRequest, manager
from portal.pages import page, see_other, wants_piece
from tenants import hosts, pins
from tenants.devices import all_paired
from tenants.models import Shop

TRY_IT_AFTER = dt.timedelta(minutes=10)


class OwnPin(forms.Form):
    """The owner's own PIN at the till."""

    pin = forms.CharField(
        label=_("Your PIN"),
        max_length=12,
        error_messages={
            "required": _("Choose a PIN."),
            "max_length": _("A PIN is four to six digits."),
        },
        widget=forms.TextInput(
            attrs={
                "inputmode": "numeric",
                "autocomplete": "off",
                "dir": "ltr",
                "maxlength": 12,
            }
        ),
    )

    def clean_pin(self) -> str:
        pin = numbers.latin(clean_text(self.cleaned_data["pin"])).replace(" ", "")
        digits = pins.length()
        if not (pin.isascii() and pin.isdigit() and len(pin) == digits):
            raise forms.ValidationError(
                gettext("A PIN here is %(n)s digits.") % {"n": digits}, "form"
            )
        if pins.is_easy(pin):
            raise forms.ValidationError(
                _("That one is tried first by everybody. Take another."), "easy"
            )
        return pin


@require_http_methods(["GET", "HEAD", "POST"])
@manager
def start(request: StaffRequest) -> HttpResponse:
    """Poster, tablet, PIN; and who came first, asked again and again. POST sets the PIN."""
    if request.method == "POST":
        form = OwnPin(request.POST)
        if not form.is_valid():
            return _shown(request, form, status=422)
        pins.new_pin(request.staff, form.cleaned_data["pin"], at=timezone.now(), by=request.by)
        return see_other(reverse("manage:start"))
    return _shown(request, OwnPin())


def _shown(request: StaffRequest, form: OwnPin, *, status: int = 200) -> HttpResponse:
    told: dict[str, object] = {
        "first": Member.objects.order_by("enrolled_at", "pk").first(),
        "is_late": timezone.now() - request.tenant.created_at > TRY_IT_AFTER,
    }
    fragment = "first" if request.method != "POST" else ""
    if not (fragment and wants_piece(request)):
        told |= {
            "form": form,
            "staff": request.staff,
            "passkeys": factors.passkeys_of(request.staff.user),
            "poster_at": Shop.objects.values_list("poster_at", flat=True).get(),
            "devices": all_paired(),
            "join_url": hosts.url_of(request.tenant, "/j"),
            "slug": request.tenant.slug,
        }
    return page(request, "manage/start.html", told, fragment=fragment, status=status)
