"""Strings from a browser become values here, or sentences about what is wrong with them.

Nothing here is a rule of loyalty.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from uuid import UUID

from django import forms
from django.core.validators import validate_email
from django.forms.renderers import TemplatesSetting
from django.utils.translation import gettext_lazy as _

from loyalty import numbers
from portal.context import ours
from tenants.ids import uuid7

MARKS = (".", ",", "\u066b")
JOINERS = "\u200c\u200d"
# Thousands with marks between them (1,000 or 1.000 or 1 000, in Bengali also 1,00,000), whatever
# stands behind. Nobody begins a thousand with 0, so 0.500 is a half.
GROUPED = re.compile(
    r"[1-9]\d{0,2}(?:[.,\u066b\u066c '\u2019]\d{2,3})*"
    r"[.,\u066b\u066c '\u2019]\d{3}(?:[.,\u066b]\d*)?",
    re.ASCII,
)
THOUSANDTHS = 3  # decimals of a currency in which 1.000 is one


class Renderer(TemplatesSetting):
    """Fields look as templates/components/field.html says, everywhere."""

    field_template_name = "components/field.html"


class MoneyField(forms.Field):
    """An amount of money as people type it (24.50 or 24,5, in any script's digits), in minor units.

    What could mean two amounts is refused.
    """

    default_error_messages = {
        "required": _("Type the amount."),
        "invalid": _("That is no amount. Type it like %(example)s."),
        "grouped": _("Type it without a mark between the thousands, like %(example)s."),
    }

    def __init__(self, *, decimals: int, **options: Any) -> None:
        """`decimals` is how many the currency has: 0 for yen, 3 for dinars."""
        self.decimals = decimals
        super().__init__(**options)

    def to_python(self, value: object) -> int | None:
        text = clean_text(value)
        if text[-1:] in MARKS:  # "24." is being typed
            text = text[:-1]
        if not text:
            return None
        is_grouped = GROUPED.fullmatch(numbers.latin(text)) is not None
        minor = numbers.minor_units(text, self.decimals)
        if minor is None or (is_grouped and self.decimals != THOUSANDTHS):
            why, figure = ("grouped", 1000.5) if is_grouped else ("invalid", 24.5)
            figure = figure if self.decimals else int(figure)
            example = f"{figure:.{self.decimals}f}"
            raise forms.ValidationError(self.error_messages[why], why, {"example": example})
        return minor or None  # a sale of nothing was not typed yet


class SoughtField(forms.CharField):
    """What somebody looks for: digits of any script, a name, or what a scanner reads off a card."""

    LONGEST = 80
    _CARD = re.compile(r"^https?://[^/]+/m/([0-9a-z]+)/?$", re.IGNORECASE)

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)

    def to_python(self, value: object) -> str:
        text = clean_text(value)[: self.LONGEST]
        if card := self._CARD.match(text):
            return card[1].upper()
        return numbers.latin(text)


class LineField(forms.CharField):
    """One line that a person typed, as it can be kept."""

    def to_python(self, value: object) -> str:
        return str(super().to_python(clean_text(value)))


class AddressField(forms.CharField):
    """An e-mail address, in the form we compare by; "" where none was typed and none is asked.

    The one field for it: who opens a shop or takes a card with an address comes in with it too.
    """

    default_error_messages = {
        "required": _("Type your e-mail address."),
        "invalid": _("That is no e-mail address. Type it like name@example.com."),
    }
    widget = forms.EmailInput

    def to_python(self, value: object) -> str:
        text = clean_text(value)
        if not text:
            return ""
        found = numbers.email(text) or ""
        try:
            validate_email(found)
        except forms.ValidationError:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid") from None
        return found


class OwnLanguageField(forms.ChoiceField):
    """The language that somebody who works here is spoken to in: any of ours, or "" for whatever
    the device before her speaks.
    """

    def __init__(self) -> None:
        super().__init__(label=_("Language"), required=False, choices=_spoken)


def _spoken() -> list[tuple[str, Any]]:
    return [("", _("As the device says")), *ours()]


class KeyField(forms.UUIDField):
    """The idempotency key that the server minted into a form; without one it is asked for again."""

    widget = forms.HiddenInput
    default_error_messages = {
        "required": _("This form is too old. Try again."),
        "invalid": _("This form is too old. Try again."),
    }


def with_new_key(form: forms.Form, field: str) -> None:
    """Its key was used for something else: a sentence at `field`, what was typed, and a new key, so
    that whoever sends it again means a new command.
    """
    form.data = {**form.data.dict(), "key": str(uuid7())}  # type: ignore[attr-defined]
    form.add_error(field, KeyField.default_error_messages["invalid"])


def first_error(form: forms.Form) -> str:
    """What is wrong with a form, in one sentence; "" if nothing is."""
    return next((str(errors[0]) for errors in form.errors.values()), "")


def clean_text(value: object) -> str:
    """Text that PostgreSQL can take: no NUL, no half of a surrogate pair, one space for many.

    No other control character either, but the two joiners stay: Bengali names are spelled with
    them.
    """
    text = str(value or "").encode("utf-8", "ignore").decode()
    kept = "".join(c if c in JOINERS or unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join(kept.split())


def uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
