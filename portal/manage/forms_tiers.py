"""A tier, and how one climbs, as sentences with fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from loyalty import ladders
from loyalty.models import Program, Tier
from loyalty.policy import LONGEST_MONTHS, POINTS, SPEND, VISITS, TierPolicy
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

    def __init__(self, program: Program, *args: Any, is_lowest: bool = False, **options: Any):
        super().__init__(*args, **options)
        self.policy, self.front = ladders.policy_of(program), shops.front()
        self.is_money = climbs_by_money(program, self.policy)
        label = _("From how much on")
        if not is_lowest and self.is_money:
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
        metric: tuple[object, object] = (
            "",
            _("visits") if self.policy.metric == VISITS else _("points"),
        )
        if self.is_money:
            metric = (self.front.currency, "")
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


def climbs_by_money(program: Program, policy: TierPolicy) -> bool:
    """Are the thresholds minor units: of what is spent, or of points that are money?"""
    is_money = program.unit == Program.Unit.MONEY
    return policy.metric == SPEND or (policy.metric == POINTS and is_money)


class WindowForm(forms.Form):
    """By what tiers are earned, and over which time."""

    MEANS: ClassVar[dict[str, Any]] = {
        SPEND: _("The thresholds count what one spends from then on, so each is asked for anew."),
        POINTS: _("The thresholds count what one earns from then on, so each is asked for anew."),
        VISITS: _("The thresholds count visits from then on, so each is asked for anew."),
    }
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

    def __init__(
        self, program: Program, *args: Any, tiers: Sequence[Tier] = (), **options: Any
    ) -> None:
        """`program` and its `tiers` are what is in force. By another measure than that each tier
        above the lowest is asked for anew: 20 visits are no AED 0.20.
        """
        super().__init__(*args, **options)
        self.policy = policy = ladders.policy_of(program)
        for made in self.fields.values():
            made.widget.attrs["aria-label"] = str(made.label)
        self.chosen: str = self.data.get("metric", policy.metric)
        self.asked: dict[UUID, str] = {}
        if self.chosen != policy.metric and self.chosen in self.MEANS:
            is_money = climbs_by_money(program, replace(policy, metric=self.chosen))
            self._ask([tier for tier in tiers if tier.threshold], is_money=is_money)

    def _ask(self, tiers: Sequence[Tier], *, is_money: bool) -> None:
        is_needed = not self.data.get("sure")
        for tier in tiers:
            name = self.asked[tier.pk] = f"begins-{tier.pk}"
            label = format_html("<bdi>{}</bdi>", tier.name)
            self.fields[name] = (
                AmountField(label=label, decimals=shops.front().decimals, required=is_needed)
                if is_money
                else WholeField(label=label, required=is_needed)
            )
        if tiers:
            sure = _("Keep the same numbers all the same")
            self.fields["sure"] = forms.BooleanField(label=sure, required=False)

    @property
    def means(self) -> object:
        """What a threshold would be by what is chosen."""
        return self.MEANS[self.chosen]

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

    def thresholds(self) -> dict[UUID, int]:
        """The new thresholds that were typed, by their tiers; those that cannot be are left out."""
        told = {tier: self.cleaned_data.get(name) for tier, name in self.asked.items()}
        return {tier: value for tier, value in told.items() if value is not None}

    def wanted(self) -> TierPolicy:
        """By what, and over which time, as far as that can be read."""
        told = self.cleaned_data
        months = told.get("months") or self.policy.months
        return replace(
            self.policy,
            metric=self.chosen,
            window=told.get("window", self.policy.window),
            months=months if months <= LONGEST_MONTHS else self.policy.months,
        )
