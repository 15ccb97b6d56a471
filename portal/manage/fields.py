"""Fields of sentences: a figure, an amount, a day in the middle of what is said. Each reads what a
person types in any script and says what is wrong in one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from loyalty import numbers
from portal.forms import MoneyField, clean_text

MOST_DIGITS = 12
NUMERIC = {"inputmode": "numeric", "autocomplete": "off", "maxlength": "20"}
DECIMAL = {"inputmode": "decimal", "autocomplete": "off", "maxlength": "20"}
GROUPS = re.compile(r"[ ,\u066c']")  # clean_text leaves no other blank
WHOLE = re.compile(rf"\d+|\d{{1,3}}(?:{GROUPS.pattern}\d{{2,3}})*{GROUPS.pattern}\d{{3}}", re.ASCII)
TIMES = re.compile(r"\d{1,4}(?:\.\d{1,3})?", re.ASCII)
NAMES_BETWEEN = re.compile(r"[,\u060c\n]")  # also the Arabic comma
LONGEST_LIST, LONGEST_TEXT = 40, 80


class WholeField(forms.Field):
    """A whole number from 0 up; None for nothing. 1,200 is 1200, 1,5 is no whole number."""

    widget = forms.TextInput
    default_error_messages = {
        "required": _("Type a number."),
        "invalid": _("Type a whole number."),
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.widget.attrs.update(NUMERIC)

    def to_python(self, value: object) -> int | None:
        text = numbers.latin(clean_text(value))
        if not text:
            return None
        digits = GROUPS.sub("", text)
        if not WHOLE.fullmatch(text) or len(digits) > MOST_DIGITS:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid")
        return int(digits)


class FactorField(forms.Field):
    """By how much something is multiplied, exactly: "1.5"."""

    widget = forms.TextInput
    default_error_messages = {
        "required": _("Type a number."),
        "invalid": _("Type a number like 1.5."),
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.widget.attrs.update(DECIMAL)

    def to_python(self, value: object) -> Decimal | None:
        text = numbers.latin(clean_text(value)).translate(numbers.DECIMAL_MARKS)
        if not text:
            return None
        if not TIMES.fullmatch(text):
            raise forms.ValidationError(self.error_messages["invalid"], "invalid")
        return Decimal(text)


class AmountField(MoneyField):
    """Money in a sentence; nothing and 0 are None."""

    widget = forms.TextInput

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.widget.attrs.update(DECIMAL)


class TextField(forms.CharField):
    """One line that PostgreSQL can take."""

    def __init__(self, *, longest: int = LONGEST_TEXT, **options: Any) -> None:
        self.longest = longest
        super().__init__(strip=False, **options)
        self.widget.attrs.update(maxlength=str(longest), autocomplete="off")

    def to_python(self, value: object) -> str:
        text = clean_text(value)
        if len(text) > self.longest:
            raise forms.ValidationError(
                _("Keep it under %(n)s letters.") % {"n": self.longest}, "long"
            )
        return text


class NamesField(TextField):
    """Names with commas between them, as a list."""

    def __init__(self, **options: Any) -> None:
        super().__init__(longest=400, required=False, **options)

    def to_python(self, value: object) -> Any:
        lines = str(value or "").replace("\n", ",")
        names = [name.strip() for name in NAMES_BETWEEN.split(super().to_python(lines))]
        found = sorted({name for name in names if name})
        if len(found) > LONGEST_LIST or any(len(name) > LONGEST_TEXT for name in found):
            raise forms.ValidationError(_("Keep the list shorter."), "long")
        return found


class DayField(forms.DateField):
    """A day of the shop's calendar."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(
            required=False,
            widget=widget,
            input_formats=["%Y-%m-%d"],
            error_messages={"invalid": _("Choose a day.")},
            **options,
        )

    def to_python(self, value: Any) -> Any:
        return super().to_python(numbers.latin(clean_text(value)) if value else value)


class ClockField(TextField):
    """A time of the shop's clock as "14:00"."""

    _CLOCK = re.compile(r"([01]?\d|2[0-4]):[0-5]\d", re.ASCII)

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.widget = forms.TimeInput(attrs={"type": "time"})

    def to_python(self, value: object) -> str:
        text = numbers.latin(super().to_python(value))[:5]
        if text and not self._CLOCK.fullmatch(text):
            raise forms.ValidationError(_("Write a time as 14:00."), "invalid")
        return text


class PickField(forms.ChoiceField):
    """One way of several."""

    default_error_messages = {"invalid_choice": _("Choose one of these.")}


class SomeField(forms.MultipleChoiceField):
    """Any of these, each a box to tick."""

    widget = forms.CheckboxSelectMultiple
    default_error_messages = {
        "invalid_choice": _("Choose among these."),
        "invalid_list": _("Choose among these."),
    }

    def __init__(self, *, choices: Sequence[tuple[str, Any]], **options: Any) -> None:
        super().__init__(required=False, choices=choices, **options)


def plain_money(minor: int | None, decimals: int) -> str:
    """An amount as one types it: 1, 1.50; "" for none."""
    if not minor:
        return ""
    whole, rest = divmod(minor, 10**decimals)
    return f"{whole}.{rest:0{decimals}}" if rest else str(whole)
