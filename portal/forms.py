"""Strings from a browser become values here, or sentences about what is wrong with them.

Nothing here is a rule of loyalty.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from uuid import UUID

from django import forms
from django.forms.renderers import TemplatesSetting
from django.utils.translation import gettext_lazy as _

from loyalty import numbers

MARKS = (".", ",", "\u066b")
JOINERS = "\u200c\u200d"


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
        minor = numbers.minor_units(text, self.decimals)
        if minor is None:
            example = f"{24.5:.{self.decimals}f}"
            raise forms.ValidationError(
                self.error_messages["invalid"], "invalid", {"example": example}
            )
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


class KeyField(forms.UUIDField):
    """The idempotency key that the server minted into a form; without one it is asked for again."""

    widget = forms.HiddenInput
    default_error_messages = {
        "required": _("This form is too old. Try again."),
        "invalid": _("This form is too old. Try again."),
    }


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
