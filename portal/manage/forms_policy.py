"""What a program promises beside its rules, as sentences with fields: a table of sentences, a field
for each slot, and the refusals of loyalty/ at their field.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from loyalty.drafts import OF_PROGRAM
from loyalty.policy import Policy
from loyalty.refusals import BadSetting
from portal.manage.fields import AmountField, NamesField, PickField, WholeField, plain_money
from portal.manage.sentences import Sentence, sentence
from portal.manage.setting import Setting, place_refusal

HUNDRED = 100
PROMISES = {
    "expiry": _("They {expiry} {time} {span}."),
    "pending": _("They can be spent after {pending_days}."),
    "caps": _("A sale gives at most {cap_purchase}, and a day at most {cap_day}."),
    "most": _("{cap_visits} visits a day count. In all, a member earns at most {cap_member}."),
    "presents": _("Whoever joins gets {enrol_bonus}. A birthday gives {birthday_bonus}."),
    "referral": _(
        "Whoever brings a friend gets {referrer}, and the friend {friend}, once the friend's first"
        " sale comes to {min_spend}."
    ),
    "rounding": _("Fractions are rounded {rounding}. What is left of a spend {carries}."),
    "exclude": _("Nothing is earned on {exclude}."),
    "basis": _("What a reward took off the bill {basis}. Tax {tax}."),
    "clawback": _("Points of a returned sale that were spent already {clawback}."),
    "worth": _("In the books, a hundred are worth {worth}."),
    "adjust_limit": _("A manager may correct up to {adjust_limit} without the owner."),
}
# The promises that everybody may edit; the others are there where their field is.
ALWAYS = set(PROMISES) - {"worth", "adjust_limit"}
# Where a refusal of loyalty/ belongs.
AT = {
    "expiry.days": "time",
    "expiry.months": "time",
    "expiry.mode": "expiry",
    "caps.points_per_purchase": "cap_purchase",
    "caps.points_per_day": "cap_day",
    "caps.visits_per_day": "cap_visits",
    "caps.points_per_member": "cap_member",
    "referral.referrer": "referrer",
    "referral.friend": "friend",
    "referral.min_spend": "min_spend",
    "exclude.categories": "exclude",
    "point_value": "worth",
}


class PolicyForm(forms.Form):
    """The promises beside the rules, a sentence each."""

    def __init__(
        self,
        setting: Setting,
        *,
        data: Mapping[str, Any] | None = None,
        policy: Mapping[str, Any],
        was: Mapping[str, Any] | None = None,
    ) -> None:
        self.setting, self.base = setting, policy
        self.was = policy_values(was, setting) if was is not None else None
        super().__init__(data, prefix="p", initial=policy_values(policy, setting))
        self.fields.update(self._made())
        for made in self.fields.values():
            made.widget.attrs["aria-label"] = str(made.label)
        self.fields["exclude"].widget.attrs["placeholder"] = gettext("gift cards, tobacco")

    def _made(self) -> dict[str, forms.Field]:
        told, money = self.setting, {"decimals": self.setting.decimals, "required": False}

        def points(label: Any) -> forms.Field:
            return told.points_field(label=label, required=False)

        def whole(label: Any) -> forms.Field:
            return WholeField(label=label, required=False)

        def pick(label: Any, *choices: tuple[str, Any]) -> forms.Field:
            return PickField(label=label, choices=choices, required=False)

        found = {
            "expiry": pick(
                _("How they expire"),
                ("none", _("never expire")),
                ("lot", _("expire, each after")),
                ("inactivity", _("all expire when nobody came for")),
                ("month_end", _("expire at the end of the month, later by")),
                ("year_end", _("expire at the end of the year, later by")),
            ),
            "time": whole(_("How long")),
            "span": pick(_("Days or months"), ("months", _("months")), ("days", _("days"))),
            "pending_days": whole(_("Days until they can be spent")),
            "cap_purchase": points(_("The most a sale gives")),
            "cap_day": points(_("The most a day gives")),
            "cap_visits": whole(_("Visits a day that count")),
            "cap_member": points(_("The most a member earns in all")),
            "rounding": pick(
                _("Rounding"),
                ("floor", _("down")),
                ("nearest", _("to the nearest")),
                ("ceil", _("up")),
            ),
            "carries": pick(
                _("What is left of a spend"), ("", _("is dropped")), ("1", _("counts next time"))
            ),
            "enrol_bonus": points(_("For joining")),
            "birthday_bonus": points(_("For the birthday")),
            "referrer": points(_("For bringing a friend")),
            "friend": points(_("For the friend")),
            "min_spend": AmountField(label=_("The friend's first sale"), **money),
            "exclude": NamesField(label=_("Kinds of goods, with commas between them")),
            "basis": pick(
                _("What a reward took off"), ("net", _("earns nothing")), ("gross", _("earns too"))
            ),
            "tax": pick(_("Tax"), ("incl", _("earns too")), ("excl", _("earns nothing"))),
            "clawback": pick(
                _("What was spent already"), ("debt", _("are owed")), ("clamp", _("are forgiven"))
            ),
        }
        if not told.is_money:
            found["worth"] = AmountField(label=_("What a hundred are worth"), **money)
        if told.is_owner:
            found["adjust_limit"] = points(_("What a manager may correct"))
        return found

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                Policy.read({k: v for k, v in self.policy().items() if k not in OF_PROGRAM})
            except BadSetting as refusal:
                place_refusal(self, refusal, AT, "expiry")
        return found

    def policy(self) -> dict[str, Any]:
        """The policy as data: what the sentences say, and the rest as it was."""
        told = self.cleaned_data
        caps = {
            "points_per_purchase": told["cap_purchase"],
            "points_per_day": told["cap_day"],
            "visits_per_day": told["cap_visits"],
            "points_per_member": told["cap_member"],
        }
        referral = {name: told[name] for name in ("referrer", "friend", "min_spend")}
        exclude = {"categories": told["exclude"]}
        simple = {
            name: told[name]
            for name in ("pending_days", "enrol_bonus", "birthday_bonus", "basis", "tax")
        }
        found = {
            **self.base,
            **simple,
            "clawback": told["clawback"],
            "expiry": self._expiry(),
            "caps": {**self.base.get("caps", {}), **caps},
            "referral": {**self.base.get("referral", {}), **referral},
            "exclude": {**self.base.get("exclude", {}), **exclude},
            "rounding": told["rounding"] or "floor",
            "carries": bool(told["carries"]),
        }
        if "worth" in told and "worth" in self.changed_data:
            found["point_value"] = str(Fraction(told["worth"] or 0, HUNDRED))
        if "adjust_limit" in told:
            found["adjust_limit"] = told["adjust_limit"] or 0
        return {
            name: value
            for name, value in found.items()
            if value not in (None, "") or name in OF_PROGRAM
        }

    def _expiry(self) -> dict[str, Any]:
        told, was = self.cleaned_data, self.base.get("expiry", {})
        mode = told["expiry"] or "none"
        if mode == "none":
            return {}
        found: dict[str, Any] = {"mode": mode}
        if told["time"]:
            found[told["span"] or "months"] = told["time"]
        same = {key: value for key, value in was.items() if key != "since"} == found
        return dict(was) if same else found

    @property
    def sentences(self) -> list[Sentence]:
        currency, points = (self.setting.currency, ""), self.setting.points_unit(0)
        in_points = ("cap_purchase", "cap_day", "cap_member", "enrol_bonus", "birthday_bonus")
        units: dict[str, tuple[object, object]] = dict.fromkeys(
            (*in_points, "referrer", "friend", "adjust_limit"), points
        )
        units |= {"min_spend": currency, "worth": currency, "pending_days": ("", _("days"))}
        return [
            sentence(name, text, self, units=units, was=self.was)
            for name, text in PROMISES.items()
            if name in ALWAYS or name in self.fields
        ]


def policy_values(policy: Mapping[str, Any], setting: Setting) -> dict[str, Any]:
    """A policy as the values of PolicyForm."""
    read = Policy.read({k: v for k, v in policy.items() if k not in OF_PROGRAM})
    expiry, caps, points = read.expiry, read.caps, setting.plain_points
    worth = read.point_value * HUNDRED
    return {
        "expiry": expiry.mode,
        "time": str(expiry.months or expiry.days or ""),
        "span": "days" if expiry.days else "months",
        "pending_days": str(read.pending_days or ""),
        "cap_purchase": points(caps.points_per_purchase),
        "cap_day": points(caps.points_per_day),
        "cap_visits": str(caps.visits_per_day or ""),
        "cap_member": points(caps.points_per_member),
        "rounding": policy.get("rounding", "floor"),
        "carries": "1" if policy.get("carries") else "",
        "enrol_bonus": points(read.enrol_bonus),
        "birthday_bonus": points(read.birthday_bonus),
        "referrer": points(read.referral.referrer),
        "friend": points(read.referral.friend),
        "min_spend": plain_money(read.referral.min_spend, setting.decimals),
        "exclude": ", ".join(sorted(read.exclude.categories)),
        "basis": read.basis,
        "tax": read.tax,
        "clawback": read.clawback,
        "worth": plain_money(round(worth), setting.decimals),
        "adjust_limit": points(read.adjust_limit),
    }
