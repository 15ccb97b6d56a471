"""What the till types."""

from __future__ import annotations

from typing import Any

from django import forms

from loyalty import numbers
from portal.forms import KeyField, MoneyField, SoughtField


class Sought(forms.Form):
    """The last digits of a phone, or a card."""

    q = SoughtField()


class Sale(forms.Form):
    """An amount for a member who is open at the till."""

    key = KeyField()

    def __init__(self, *args: Any, decimals: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["amount"] = MoneyField(decimals=decimals)


class Quoted(forms.Form):
    """The same amount while it is being typed: nothing yet is no mistake."""

    def __init__(self, *args: Any, decimals: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["amount"] = MoneyField(decimals=decimals, required=False)


class Undo(forms.Form):
    key = KeyField()
    list = forms.BooleanField(required=False)


class Person(forms.Form):
    """Who stands at the till, and the PIN that proves it."""

    person = forms.UUIDField()
    pin = forms.CharField(max_length=12)

    def clean_pin(self) -> str:
        return numbers.latin(self.cleaned_data["pin"])
