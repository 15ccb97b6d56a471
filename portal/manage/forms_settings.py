"""What the owner sets: brand, words, languages, contact, the till, the place. A form each, with the
fields of the shop that it is about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from loyalty import numbers
from loyalty.models import Program
from portal import logos
from portal.context import OWN_NAMES
from portal.figures import PLURALS
from portal.forms import clean_text
from portal.manage.fields import AmountField, PickField, SomeField, TextField, WholeField
from portal.manage.fields import plain_money as plain
from tenants import relocating
from tenants.models import Currency, Shop
from tenants.shops import ShopFront

ICONS = ("cup", "coffee", "bread", "cookie", "cake", "leaf", "scissors", "store", "gift", "star")
HEX = re.compile(r"#[0-9a-f]{6}")
LONGEST_PRIVACY = 5000
# What the plural forms of a language are for, with a number that takes each.
FORMS = {"zero": 0, "one": 1, "two": 2, "few": 3, "many": 11, "other": 100}


class Part(forms.Form):
    """A part of the settings. NAMES are the shop's fields it changes."""

    NAMES: Sequence[str] = ()

    def __init__(self, shop: Shop, front: ShopFront, *args: Any, **options: Any) -> None:
        self.shop, self.front = shop, front
        options.setdefault("initial", self.values())
        super().__init__(*args, **options)

    def values(self) -> dict[str, Any]:
        return {name: getattr(self.shop, name) for name in self.NAMES}

    def wanted(self) -> dict[str, Any]:
        """The fields of Shop as they shall be."""
        return {name: self.cleaned_data[name] for name in self.NAMES if name in self.cleaned_data}


class BrandForm(Part):
    NAMES = ("name", "greeting", "colour", "icon")

    name = TextField(label=_("Name of the shop"))
    greeting = TextField(
        label=_("Greeting"),
        longest=140,
        required=False,
        help_text=_("One sentence under your name, where guests join."),
    )
    colour = TextField(label=_("Colour"), widget=forms.TextInput(attrs={"type": "color"}))
    icon = PickField(label=_("Sign"), choices=[(name, name) for name in ICONS])
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        help_text=_("PNG, JPEG, WebP or SVG, up to 1 MB. Without one, the sign stands there."),
        widget=forms.FileInput(attrs={"accept": logos.ACCEPT}),
    )
    without = forms.BooleanField(label=_("Without the logo"), required=False)

    def clean_colour(self) -> str:
        colour = str(self.cleaned_data["colour"]).lower()
        if not HEX.fullmatch(colour):
            raise forms.ValidationError(_("Write a colour as #5d2a50."), "invalid")
        return colour

    def clean_logo(self) -> Any:
        upload = self.cleaned_data["logo"]
        if not upload:
            return None
        try:
            return logos.read(upload)
        except logos.BadLogo as bad:
            raise forms.ValidationError(str(bad), "invalid") from bad


class LanguagesForm(Part):
    NAMES = ("languages", "language_id", "native_digits")

    languages = SomeField(label=_("Languages of your pages"), choices=())
    language_id = PickField(label=_("The first one"), choices=())
    native_digits = forms.BooleanField(
        label=_("Write numbers in the digits of the language"), required=False
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        known = [(code, OWN_NAMES.get(code, code)) for code, _name in settings.LANGUAGES]
        self.fields["languages"].choices = known  # type: ignore[attr-defined]
        self.fields["language_id"].choices = known  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        found = super().values()
        return {**found, "languages": self.shop.languages or [self.shop.language_id]}

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if "languages" in found and not found["languages"]:
            self.add_error("languages", _("Choose one at least."))
        elif found.get("language_id") and found["language_id"] not in found.get("languages", ()):
            self.add_error("language_id", _("Choose one of the languages of your pages."))
        return found


class ContactForm(Part):
    NAMES = ("phone", "email", "address", "privacy")

    phone = TextField(
        label=_("Phone"), required=False, widget=forms.TextInput(attrs={"type": "tel"})
    )
    email = TextField(
        label=_("E-mail"),
        required=False,
        longest=200,
        widget=forms.TextInput(attrs={"type": "email"}),
    )
    address = TextField(label=_("Address"), required=False, longest=200)
    privacy = forms.CharField(
        label=_("What you say about privacy"),
        required=False,
        help_text=_("Your own words, below what the card always says about what is kept."),
        widget=forms.Textarea(attrs={"rows": "8", "maxlength": str(LONGEST_PRIVACY)}),
    )

    def clean_phone(self) -> str:
        text = str(self.cleaned_data["phone"])
        found = numbers.phone(text, self.front.country) if text else ""
        if found is None:
            raise forms.ValidationError(
                _("That is no phone number we can read. Say it with its area code."), "invalid"
            )
        return found

    def clean_email(self) -> str:
        text = str(self.cleaned_data["email"])
        found = numbers.email(text) if text else ""
        if found:
            validate_email(found)
        if found is None:
            raise forms.ValidationError(_("That is no e-mail address."), "invalid")
        return found

    def clean_privacy(self) -> str:
        lines = str(self.cleaned_data["privacy"]).splitlines()
        text = "\n".join(clean_text(line) for line in lines).strip()
        if len(text) > LONGEST_PRIVACY:
            raise forms.ValidationError(
                _("Keep it under %(n)s letters.") % {"n": LONGEST_PRIVACY}, "long"
            )
        return text


class TillForm(Part):
    """The limits are for owners."""

    NAMES = ("pin_length", "lock_after", "award_limit", "proof_above")

    def __init__(self, *args: Any, is_owner: bool, is_money: bool, **options: Any) -> None:
        self.is_owner, self.is_money = is_owner, is_money
        super().__init__(*args, **options)
        decimals = self.front.decimals
        length = [(str(n), str(n)) for n in (4, 5, 6)]
        self.fields["pin_length"] = forms.TypedChoiceField(
            label=_("Digits of a PIN"),
            choices=length,
            coerce=int,
            help_text=_("Whoever has a PIN of another length needs a new one."),
        )
        self.fields["lock_after"] = WholeField(label=_("Minutes without a touch until it locks"))
        if is_owner:
            self.fields["award_limit"] = AmountField(
                label=_("A sale above this needs a manager"),
                decimals=decimals,
                required=False,
                help_text=_("Nothing: none does."),
            )
            proof = AmountField if is_money else WholeField
            options = {"decimals": decimals} if is_money else {}
            self.fields["proof_above"] = proof(
                label=_("A reward above this needs the code on the guest's screen"),
                required=False,
                help_text=_("Nothing: none does. It keeps a stranger who knows a number away."),
                **options,
            )

    def values(self) -> dict[str, Any]:
        shop, decimals = self.shop, self.front.decimals
        proof = shop.proof_above
        return {
            "pin_length": str(shop.pin_length),
            "lock_after": str(shop.lock_after),
            "award_limit": plain(shop.award_limit, decimals),
            "proof_above": plain(proof, decimals) if self.is_money else str(proof or ""),
        }

    def clean_lock_after(self) -> int:
        minutes = int(self.cleaned_data["lock_after"])
        if not 1 <= minutes <= 60:  # noqa: PLR2004 (minutes)
            raise forms.ValidationError(_("Give a number from 1 to 60."), "range")
        return minutes


class WordsForm(forms.Form):
    """What points are called, by language and plural form."""

    def __init__(
        self, program: Program, languages: Sequence[str], data: Mapping[str, Any] | None = None
    ) -> None:
        self.program, self.languages = program, languages
        super().__init__(data, initial=self._values())
        for language in languages:
            for form in plurals(language):
                self.fields[f"{language}-{form}"] = TextField(
                    label=_("with %(n)s") % {"n": FORMS[form]}, required=False, longest=24
                )

    @property
    def groups(self) -> list[dict[str, Any]]:
        return [
            {
                "code": code,
                "name": OWN_NAMES.get(code, code),
                "fields": [self[f"{code}-{form}"] for form in plurals(code)],
            }
            for code in self.languages
        ]

    def words(self) -> dict[str, list[str]]:
        """The words of every language; those of languages not offered stay as they are."""
        asked = {
            code: [self.cleaned_data[f"{code}-{form}"] for form in plurals(code)]
            for code in self.languages
        }
        return {**self.program.unit_words, **asked}

    def _values(self) -> dict[str, str]:
        found = {}
        for code in self.languages:
            forms_ = self.program.unit_words.get(code) or []
            for n, form in enumerate(plurals(code)):
                found[f"{code}-{form}"] = forms_[n] if n < len(forms_) else ""
        return found


class PlaceForm(forms.Form):
    """Currency and clock. The currency stays as soon as there is a sale."""

    def __init__(
        self, front: ShopFront, *, is_fixed: bool, data: Mapping[str, Any] | None = None
    ) -> None:
        self.is_fixed = is_fixed
        super().__init__(data, initial={"currency": front.currency, "zone": front.zone})
        codes = [front.currency] if is_fixed else Currency.objects.order_by("pk").values_list("pk")
        choices = [(code, code) if is_fixed else (code[0], code[0]) for code in codes]
        self.fields["currency"] = PickField(
            label=_("Currency"),
            choices=choices,
            help_text=_("It stays, because there are sales in it.")
            if is_fixed
            else _("It can be changed until the first sale."),
        )
        self.fields["zone"] = PickField(
            label=_("Time zone"),
            choices=[(name, name.replace("_", " ")) for name in relocating.zones()],
            help_text=_("By this clock days begin, points expire and rules hold."),
        )

    def offers(self, name: str, value: str) -> bool:
        """Can this be chosen in the field of that name?"""
        choices: Any = self.fields[name].choices  # type: ignore[attr-defined]
        return value in dict(choices)


def plurals(language: str) -> Sequence[str]:
    """The plural forms of a language in the order in which a shop writes them down."""
    return PLURALS.get(language, ("one", "other"))
