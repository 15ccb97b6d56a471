"""A tier, and how one climbs, as sentences with fields."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from loyalty import ladders
from loyalty.policy import POINTS, SPEND, VISITS, TierPolicy
from portal.forms import clean_text
from portal.manage.fields import AmountField, FactorField, PickField, TextField, WholeField
from portal.manage.sentences import Sentence, sentence
from tenants import shops

LONGEST_PERKS = 2000


class TierForm(forms.Form):
    """One tier. Its threshold is money, points or visits, as the program measures."""

    name = TextField(label=_("Name"), longest=ladders.LONGEST_NAME)
    multiplier = FactorField(label=_("How many times points count"))
    perks = forms.CharField(
        label=_("What its members have besides"),
        required=False,
        help_text=_("A line each: a drink on the house, a table kept free."),
        widget=forms.Textarea(attrs={"rows": "4", "maxlength": str(LONGEST_PERKS)}),
    )

    def __init__(self, policy: TierPolicy, *args: Any, is_lowest: bool = False, **options: Any):
        super().__init__(*args, **options)
        self.policy, self.front = policy, shops.front()
        label = _("From how much on")
        if not is_lowest and policy.metric == SPEND:
            self.fields["threshold"] = AmountField(label=label, decimals=self.front.decimals)
        elif not is_lowest:
            self.fields["threshold"] = WholeField(label=label)
        for made in self.fields.values():
            made.widget.attrs["aria-label"] = str(made.label)
        self.fields["name"].widget.attrs["placeholder"] = str(self.fields["name"].label)

    def clean_perks(self) -> list[str]:
        lines = str(self.cleaned_data["perks"]).splitlines()
        return [line for each in lines if (line := clean_text(each))]

    @property
    def says(self) -> Sentence:
        metric: tuple[object, object] = {
            SPEND: (self.front.currency, ""),
            VISITS: ("", _("visits")),
        }.get(self.policy.metric, ("", _("points")))
        text = _("{name} members: everybody, from the beginning. Points count {multiplier}.")
        if "threshold" in self.fields:
            text = _("{name} members have {threshold}. Points count {multiplier}.")
        units = {"threshold": metric, "multiplier": ("", _("times"))}
        return sentence("tier", text, self, units=units, was=self.initial or None)

    def values(self) -> dict[str, Any]:
        told = self.cleaned_data
        return {
            "name": told["name"],
            "threshold": told.get("threshold") or 0,
            "multiplier": told["multiplier"],
            "perks": told["perks"],
        }


class WindowForm(forms.Form):
    """By what tiers are earned, and over which time."""

    metric = PickField(
        label=_("By what"),
        choices=(
            (SPEND, _("what they spend")),
            (POINTS, _("what they earn")),
            (VISITS, _("visits")),
        ),
    )
    window = PickField(
        label=_("Over which time"),
        choices=(
            ("rolling_months", _("the last months, as many as")),
            ("calendar_year", _("the calendar year")),
        ),
    )
    months = WholeField(label=_("Months"), required=False)
    grace_days = WholeField(label=_("Days of grace"), required=False)
    downgrade = PickField(
        label=_("How one falls"),
        choices=(
            ("balance_based", _("to the tier they have earned")),
            ("one_down", _("by one at most")),
        ),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for made in self.fields.values():
            made.widget.attrs["aria-label"] = str(made.label)

    @property
    def says(self) -> list[Sentence]:
        units: dict[str, tuple[object, object]] = {
            "months": ("", _("months")),
            "grace_days": ("", _("days")),
        }
        texts = (
            _("Members climb by {metric} in {window} {months}."),
            _(
                "Whoever has not enough any more keeps it {grace_days} longer, and falls"
                " {downgrade}."
            ),
        )
        return [sentence("window", text, self, units=units, was=None) for text in texts]

    def told(self) -> dict[str, Any]:
        told = self.cleaned_data
        window: dict[str, Any] = {"mode": told["window"]}
        if told["window"] == "rolling_months":
            window["n"] = told["months"] or 12
        return {
            "metric": told["metric"],
            "window": window,
            "grace_days": told["grace_days"] or 0,
            "downgrade": told["downgrade"],
        }
