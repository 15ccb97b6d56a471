"""What the till types."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from loyalty import numbers
from loyalty.terms import Line
from portal.forms import KeyField, MoneyField, SoughtField, clean_text

MOST_STAMPS = 20  # for one visit
LONGEST = 24  # signs of a figure that are shown again


class FigureField(forms.IntegerField):
    """A whole number in the digits of any script."""

    def to_python(self, value: object) -> int | None:
        text = numbers.latin(clean_text(value))
        return super().to_python(text if text.isascii() and len(text) < LONGEST else "?")


class Sought(forms.Form):
    """The last digits of a phone, a name, or a card."""

    q = SoughtField()


class Bill(forms.Form):
    """What a sale comes to: an amount, a number of stamps, or both. `voucher` is a reward that took
    something off it.
    """

    stamps = FigureField(
        required=False,
        min_value=1,
        max_value=MOST_STAMPS,
        error_messages={
            "invalid": _("Type how many stamps."),
            "min_value": _("Type how many stamps."),
            "max_value": _("At most %(limit_value)s stamps at once."),
        },
    )
    voucher = forms.UUIDField(required=False)

    def __init__(self, *args: Any, decimals: int, required: bool = True, **options: Any) -> None:
        super().__init__(*args, **options)
        self.is_required = required
        self.fields["amount"] = MoneyField(decimals=decimals, required=False)

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if self.is_required and not self.errors and not self.total:
            self.add_error("amount", self.fields["amount"].error_messages["required"])
        return told

    @property
    def total(self) -> int:
        """In minor units. A stamp without an amount is booked with the smallest coin, because a
        sale of nothing earns nothing.
        """
        told = self.cleaned_data
        return int(told.get("amount") or told.get("stamps") or 0)

    @property
    def lines(self) -> tuple[Line, ...]:
        stamps = self.cleaned_data.get("stamps")
        return (Line(qty=stamps, amount=self.total),) if stamps else ()


class Sale(Bill):
    """A bill for a member who is open at the till."""

    key = KeyField()


class Approval(forms.Form):
    """A manager who stands at the till for a moment."""

    approver = forms.UUIDField(required=False)
    pin = forms.CharField(max_length=12, required=False, strip=False)

    def clean_pin(self) -> str:
        return numbers.latin(self.cleaned_data["pin"])


class Newcomer(forms.Form):
    """Somebody who wants a card. Known by her phone, so two taps make one card."""

    key = KeyField()
    phone = forms.CharField(max_length=80, required=False)
    name = forms.CharField(max_length=80, required=False)
    marketing = forms.BooleanField(required=False)

    def clean_phone(self) -> str:
        return clean_text(self.cleaned_data["phone"])

    def clean_name(self) -> str:
        return clean_text(self.cleaned_data["name"])


class Choice(forms.Form):
    """A reward, or a voucher by its id or by the code that is typed."""

    reward = forms.UUIDField(required=False)
    voucher = forms.UUIDField(required=False)
    code = forms.CharField(max_length=80, required=False)

    def __init__(self, *args: Any, decimals: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["amount"] = MoneyField(decimals=decimals, required=False)

    def clean_code(self) -> str:
        return clean_text(self.cleaned_data["code"])


class Gift(Choice):
    """The same, to be given now."""

    key = KeyField()
    proof = forms.CharField(max_length=12, required=False)

    def clean_proof(self) -> str:
        return numbers.latin(clean_text(self.cleaned_data["proof"]))


class Undo(forms.Form):
    """`list`: asked for on the list of the last ten. `wrong`: it was somebody else's."""

    key = KeyField()
    list = forms.BooleanField(required=False)
    wrong = forms.BooleanField(required=False)


class Back(forms.Form):
    """What is given back of a sale; nothing typed is all that is left of it."""

    key = KeyField()

    def __init__(self, *args: Any, decimals: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["amount"] = MoneyField(decimals=decimals, required=False)


class Person(forms.Form):
    """Who stands at the till, and the PIN that proves it."""

    person = forms.UUIDField()
    pin = forms.CharField(max_length=12)

    def clean_pin(self) -> str:
        return numbers.latin(self.cleaned_data["pin"])


class HalfTyped(forms.Form):
    """The sale that lies on the counter while the till is locked."""

    member = forms.UUIDField()
    amount = forms.CharField(max_length=LONGEST, required=False)

    def clean_amount(self) -> str:
        return clean_text(self.cleaned_data["amount"])
