"""What the sentences of a program are about: its currency, its unit, its tiers and locations by
name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from loyalty.models import Program
from loyalty.refusals import BadSetting
from portal.figures import unit
from portal.manage.fields import AmountField, WholeField, plain_money


@dataclass(frozen=True, slots=True)
class Setting:
    """The program, its currency with its decimals, and what rules may name."""

    program: Program
    currency: str
    decimals: int
    tiers: Sequence[str] = ()
    locations: Sequence[str] = ()
    is_owner: bool = False

    @property
    def is_money(self) -> bool:
        return self.program.unit == Program.Unit.MONEY

    def points_field(self, **options: Any) -> forms.Field:
        """Points are whole numbers; of a money program they are money."""
        if self.is_money:
            return AmountField(decimals=self.decimals, **options)
        return WholeField(**options)

    def points_unit(self, count: int) -> tuple[str, str]:
        """What stands before and after so many points."""
        return (self.currency, "") if self.is_money else ("", unit(self.program, count))

    def plain_points(self, count: int | None) -> str:
        return plain_money(count, self.decimals) if self.is_money else str(count or "")


def place_refusal(
    form: forms.Form, refusal: BadSetting, at: Mapping[str, str], otherwise: str
) -> None:
    """Put what loyalty/ says no to at the field it is about; `at` are the fields by the path of the
    setting, where they have another name.
    """
    name = at.get(refusal.field, refusal.field)
    form.add_error(name if name in form.fields else otherwise, str(refusal.figures["why"]))
