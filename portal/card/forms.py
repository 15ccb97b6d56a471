"""What a customer types."""

from __future__ import annotations

import datetime as dt
from typing import Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from loyalty import numbers
from portal.context import OWN_NAMES
from portal.forms import AddressField, KeyField, clean_text
from tenants import shops

LONGEST_NAME = 80
PHONE, EMAIL = "phone", "email"


def dial() -> int:
    """What is dialled before a number of the shop's country: 971."""
    return int(phonenumbers.country_code_for_region(shops.front().country))


class TextField(forms.CharField):
    """A line of text as PostgreSQL can keep it; what is too long is cut."""

    def to_python(self, value: object) -> str:
        return clean_text(value)[: self.longest]

    def __init__(self, *, longest: int = 200, **options: Any) -> None:
        self.longest = longest
        super().__init__(**options)


class PhoneField(TextField):
    """A phone as it is dialled in the shop's country, in digits of any script, as E.164."""

    default_error_messages = {
        "required": _("Type your number."),
        "invalid": _("That is no phone number. Look at its digits again."),
    }

    def __init__(self, **options: Any) -> None:
        attributes = {"type": "tel", "inputmode": "tel", "autocomplete": "tel-national"}
        widget = forms.TextInput({**attributes, "class": "ltr", "dir": "ltr"})
        super().__init__(widget=widget, **options)

    def clean(self, value: object) -> str:
        text: str = super().clean(value)
        phone = numbers.phone(text, shops.front().country) if text else ""
        if phone is None:
            raise ValidationError(self.error_messages["invalid"], "invalid")
        return phone


class CodeField(TextField):
    """Six digits of any script, as 0-9."""

    default_error_messages = {"required": _("Type the six digits.")}

    def __init__(self, **options: Any) -> None:
        attributes = {"inputmode": "numeric", "autocomplete": "one-time-code", "dir": "ltr"}
        super().__init__(widget=forms.TextInput(attributes), **options)

    def to_python(self, value: object) -> str:
        return numbers.digits(super().to_python(value))


class Reached(forms.Form):
    """How somebody can be reached: one field, a phone or an email address."""

    def __init__(self, *args: Any, way: str, **options: Any) -> None:
        options.setdefault("auto_id", "%s")
        super().__init__(*args, **options)
        self.way = PHONE if way == PHONE else EMAIL
        if self.way == PHONE:
            self.fields[PHONE] = PhoneField(label=_("Your mobile number"))
        else:
            self.fields[EMAIL] = AddressField(
                label=_("Your email address"),
                error_messages={
                    "required": _("Type your email address."),
                    "invalid": _("That is no email address. Look at it again."),
                },
                widget=forms.EmailInput(
                    {"inputmode": "email", "autocomplete": "email", "class": "ltr", "dir": "ltr"}
                ),
            )
        if self.is_bound and self.errors:
            self[self.way].field.widget.attrs["autofocus"] = True

    @property
    def reach(self) -> forms.BoundField:
        return self[self.way]


class Join(Reached):
    """A card for whoever can be reached so."""

    key = KeyField()
    name = TextField(
        label=_("First name"),
        required=False,
        longest=LONGEST_NAME,
        widget=forms.TextInput({"autocomplete": "given-name"}),
    )
    news = forms.BooleanField(required=False)


class Code(forms.Form):
    """The code that was sent."""

    key = KeyField()
    code = CodeField(label=_("The six digits"))


class BirthField(forms.DateField):
    """A day, in digits of any script where a browser has no calendar."""

    default_error_messages = {"invalid": _("That day cannot be right. Look at it again.")}

    def to_python(self, value: object) -> dt.date | None:
        return super().to_python(numbers.latin(clean_text(value)))


class Me(forms.Form):
    """What she says of herself."""

    name = TextField(
        label=_("Name"),
        required=False,
        longest=LONGEST_NAME,
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    birth_date = BirthField(
        label=_("Birthday"),
        required=False,
        widget=forms.DateInput({"type": "date", "autocomplete": "bday"}, format="%Y-%m-%d"),
    )
    language = forms.ChoiceField(label=_("Language"), required=False)
    look = forms.ChoiceField(
        label=_("Light or dark"),
        required=False,
        choices=[("", _("As the phone has it")), ("day", _("Light")), ("night", _("Dark"))],
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        offered = [(code, OWN_NAMES.get(code, code)) for code in shops.front().languages]
        self.fields["language"].choices = [("", _("As the phone has it")), *offered]  # type: ignore[attr-defined]


class Leave(forms.Form):
    """To go, and be forgotten. `code` where one was sent."""

    def __init__(self, *args: Any, needs_code: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if needs_code:
            self.fields["code"] = CodeField(label=_("The six digits"))
        else:
            self.fields["sure"] = forms.BooleanField(
                error_messages={"required": _("Tick the box if you mean it.")}
            )
