"""A reward as it is made and changed. Its kind is chosen first: what it is worth is asked by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from loyalty.models import Reward
from portal.manage.fields import (
    AmountField,
    DayField,
    SomeField,
    TextField,
    WholeField,
    plain_money,
)
from portal.manage.forms_rules import DAYS
from portal.manage.sentences import Sentence, sentence
from portal.manage.setting import Setting

Kind = Reward.Kind
KINDS = (
    (Kind.ITEM, "coffee", _("A thing from the menu"), _("A coffee, a haircut: free for points.")),
    (Kind.AMOUNT, "wallet", _("Money off"), _("A fixed amount off the bill.")),
    (Kind.PERCENT, "sparkle", _("Per cent off"), _("A part of the bill.")),
    (Kind.GIFT, "gift", _("A gift from the shelf"), _("A cup, a bag: there are so many of it.")),
)
MAKEABLE = frozenset(kind for kind, *_rest in KINDS)
# Where a refusal of loyalty/ belongs, by the path of the setting.
AT = {
    "from": "first",
    "until": "last",
    "limit": "per_member",
    "limit.times": "per_member",
    "rate": "name",
    "min": "least",
}


class RewardForm(forms.Form):
    """All of it but its kind, its state and, once it is made, its stock."""

    def __init__(
        self,
        setting: Setting,
        kind: str,
        *,
        reward: Reward | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self.setting, self.kind, self.reward = setting, kind, reward
        super().__init__(data, initial=self._values() if reward else None)
        self.fields.update(self._made())
        for name in ("name", "cost"):  # they stand in a sentence, which is no label
            if name in self.fields:
                self.fields[name].widget.attrs["aria-label"] = str(self.fields[name].label)
        self.fields["name"].widget.attrs["placeholder"] = str(self.fields["name"].label)

    def _made(self) -> dict[str, forms.Field]:
        told, money = self.setting, {"decimals": self.setting.decimals}
        found: dict[str, forms.Field] = {"name": TextField(label=_("Name"))}
        if self.kind != Kind.PAY:
            found["cost"] = told.points_field(label=_("What it costs"))
        else:
            found["least"] = told.points_field(
                label=_("The least to pay with at once"), required=False
            )
        if self.kind == Kind.PERCENT:
            found["value"] = WholeField(label=_("Per cent off"))
            found["max_discount"] = AmountField(label=_("At most"), required=False, **money)
        elif self.kind == Kind.AMOUNT:
            found["value"] = AmountField(label=_("Off the bill"), **money)
        elif self.kind != Kind.PAY:
            found["value"] = AmountField(label=_("Menu price"), required=False, **money)
        if self.kind in (Kind.ITEM, Kind.GIFT):
            help_text = _("With it every report says what rewards really cost.")
            found["unit_cost"] = AmountField(
                label=_("What it costs you"), required=False, help_text=help_text, **money
            )
        if self.reward is None:
            found["stock"] = WholeField(
                label=_("How many there are"),
                required=False,
                help_text=_("Nothing for as many as one likes."),
            )
        found |= {
            "per_member": WholeField(label=_("How often for each member"), required=False),
            "valid_days": WholeField(label=_("Days until it must be used"), required=False),
            "min_spend": AmountField(label=_("From a bill of"), required=False, **money),
            "first": DayField(label=_("The first day")),
            "last": DayField(label=_("The last day")),
            "days": SomeField(label=_("Only on"), choices=DAYS),
        }
        names = {*told.tiers, *(self.reward.conditions.get("tiers", ()) if self.reward else ())}
        if names:
            choices = [(name, name) for name in sorted(names)]
            found["tiers"] = SomeField(label=_("Only for"), choices=choices)
        if self.kind != Kind.PAY:
            found["is_auto"] = forms.BooleanField(
                label=_("Give it by itself as soon as the points are there"), required=False
            )
        return found

    @property
    def costs(self) -> Sentence:
        """What it costs, as a sentence."""
        was = self._values() if self.reward else None
        units = {"cost": self.setting.points_unit(0)}
        text = _("{name} for {cost}.") if "cost" in self.fields else _("{name}, paid with points.")
        return sentence("costs", text, self, units=units, was=was)

    @property
    def rest(self) -> list[Any]:
        """The fields that are not in the sentence, and no boxes to tick."""
        apart = ("name", "cost", "days", "tiers", "is_auto")
        return [bound for bound in self if bound.name not in apart]

    @property
    def ticks(self) -> list[Any]:
        return [self[name] for name in ("days", "tiers") if name in self.fields]

    def terms(self) -> dict[str, Any]:
        """The fields of Reward, with its conditions as `told`; what the form does not ask stays as
        it is.
        """
        told = self.cleaned_data
        before = dict(self.reward.conditions) if self.reward else {}
        asked = {
            "from": told["first"] and told["first"].isoformat(),
            "until": told["last"] and told["last"].isoformat(),
            "days": told["days"],
            "min_spend": told["min_spend"],
        }
        asked |= {name: told[name] for name in ("tiers", "max_discount") if name in told}
        if "least" in told:
            asked["min"] = told["least"] or None
        names = ("name", "unit_cost", "per_member", "valid_days")
        found = {name: told[name] for name in names if name in told}
        found |= {name: told[name] or 0 for name in ("cost", "value") if name in told}
        if "is_auto" in told:
            found["is_auto"] = told["is_auto"]
        if "stock" in told:
            found["stock"] = told["stock"]
        conditions = {**before, **asked}
        kept = {name: value for name, value in conditions.items() if value not in (None, "", [])}
        return {**found, "told": kept}

    def _values(self) -> dict[str, Any]:
        reward = self.reward
        assert reward is not None  # noqa: S101 (asked for one)
        told, decimals = reward.conditions, self.setting.decimals
        is_percent = reward.kind == Kind.PERCENT
        return {
            "name": reward.name,
            "cost": self.setting.plain_points(reward.cost),
            "value": str(reward.value) if is_percent else plain_money(reward.value, decimals),
            "least": self.setting.plain_points(told.get("min")),
            "max_discount": plain_money(told.get("max_discount"), decimals),
            "unit_cost": plain_money(reward.unit_cost, decimals),
            "per_member": str(reward.per_member or ""),
            "valid_days": str(reward.valid_days or ""),
            "min_spend": plain_money(told.get("min_spend"), decimals),
            "first": told.get("from", ""),
            "last": told.get("until", ""),
            "days": told.get("days", []),
            "tiers": told.get("tiers", []),
            "is_auto": reward.is_auto,
        }


class StockForm(forms.Form):
    stock = WholeField(label=_("How many there are now"), required=False)


class MoveForm(forms.Form):
    """One place nearer the beginning of the card, or the end."""

    steps = forms.TypedChoiceField(choices=[("-1", "-1"), ("1", "1")], coerce=int)


def names_of(kind: str, kinds: Sequence[Any] = KINDS) -> tuple[Any, ...]:
    """The kind with its icon, its name and what it is."""
    return next((tuple(each) for each in kinds if each[0] == kind), (kind, "swap", "", ""))
