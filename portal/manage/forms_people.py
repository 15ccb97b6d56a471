"""What owner and managers type about the people and the devices of their shop."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from loyalty import numbers
from portal.forms import AddressField, LineField, OwnLanguageField, clean_text
from tenants import pins
from tenants.models import Location, Staff

ROLES = [
    (Staff.Role.OWNER.value, _("Owner")),
    (Staff.Role.MANAGER.value, _("Manager")),
    (Staff.Role.CASHIER.value, _("Cashier")),
]


def _name(label: Any, missing: Any) -> LineField:
    return LineField(
        label=label,
        max_length=80,
        error_messages={"required": missing},
        widget=forms.TextInput(attrs={"maxlength": 80, "autocomplete": "off"}),
    )


class PinField(forms.CharField):
    """A PIN of the shop's length, in any script's digits; nothing typed means: draw one."""

    def __init__(self) -> None:
        super().__init__(
            label=_("PIN"),
            required=False,
            widget=forms.TextInput(
                attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": 6}
            ),
        )

    def clean(self, value: object) -> str:
        pin = numbers.latin(clean_text(value))
        if not pin:
            return ""
        length = pins.length()
        if not (pin.isascii() and pin.isdigit() and len(pin) == length):
            raise forms.ValidationError(_("A PIN here is %(n)s digits."), "pin", {"n": length})
        if pins.is_easy(pin):
            raise forms.ValidationError(_("That is the first one anybody tries."), "easy")
        return pin


class PersonName(forms.Form):
    """What somebody is called here, and what the till and the portal speak to her."""

    name = _name(_("Name"), _("Type a name."))
    language = OwnLanguageField()


class Cashier(PersonName):
    pin = PinField()


class NewPin(forms.Form):
    pin = PinField()


class Invited(forms.Form):
    name = _name(_("Name"), _("Type a name."))
    email = AddressField(
        label=_("E-mail"),
        error_messages={"required": _("Type an address."), "invalid": _("That is no address.")},
        widget=forms.EmailInput(attrs={"maxlength": 254, "autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        label=_("Part"),
        choices=ROLES[:2],
        initial=Staff.Role.MANAGER,
        error_messages={"required": _("Choose a part."), "invalid_choice": _("Choose a part.")},
    )


class Part(forms.Form):
    role = forms.ChoiceField(
        label=_("Part"),
        choices=ROLES,
        error_messages={"required": _("Choose a part."), "invalid_choice": _("Choose a part.")},
    )


class DeviceName(forms.Form):
    name = _name(_("Name"), _("Type a name."))


class Where(forms.Form):
    """Where a tablet is to stand. Nothing asked means: the first place."""

    location = forms.ModelChoiceField(Location.objects.none(), required=False, empty_label=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["location"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 (for the types)
        field.queryset = Location.objects.order_by("pk")
