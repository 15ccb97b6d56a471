"""Earn rules as sentences with fields. What a sentence can say stands in the tables; what may be
said is told by loyalty/, whose refusals land at their field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from loyalty import programs
from loyalty.drafts import Said
from loyalty.models import EarnRule
from loyalty.refusals import BadSetting
from portal.manage.fields import (
    AmountField,
    ClockField,
    DayField,
    FactorField,
    NamesField,
    PickField,
    SomeField,
    TextField,
    WholeField,
    plain_money,
)
from portal.manage.sentences import Sentence, sentence
from portal.manage.setting import Setting, place_refusal

KINDS = frozenset(EarnRule.Kind.values)
MOST_RULES = 20
DAYS = (
    ("mon", _("Mondays")),
    ("tue", _("Tuesdays")),
    ("wed", _("Wednesdays")),
    ("thu", _("Thursdays")),
    ("fri", _("Fridays")),
    ("sat", _("Saturdays")),
    ("sun", _("Sundays")),
)
PER = (
    ("all", _("for each member")),
    ("day", _("a day")),
    ("week", _("a week")),
    ("month", _("a month")),
    ("year", _("a year")),
)
STEPS = (("", _("nothing")), ("1", _("its part of it")))
# What a rule gives, by its kind.
GIVES = {
    "spend": _("For every {per} spent, a member gets {points}."),
    "visit": _("For every visit, a member gets {points}."),
    "item": _("For each item, a member gets {points}."),
    "bonus": _("A sale gives {points} on top."),
    "multiplier": _("Points count {factor}."),
}
# When and for whom, in the order in which one would say it.
WHEN = {
    "steps": _("What is less than that gives {is_smooth}."),
    "days": _("Only on {days}."),
    "hours": _("Only from {begin} to {end}."),
    "dates": _("Only from {first} until {last}."),
    "min_spend": _("Only when the sale comes to {min_spend}."),
    "goods": _("Only on {goods}."),
    "skus": _("Only on the articles {skus}."),
    "tiers": _("Only for {tiers} members."),
    "locations": _("Only at {locations}."),
    "limit": _("At most {times} times {limit_per}."),
    "total_uses": _("Only for the first {total_uses} sales of all."),
    "name": _("On receipts it is called {name}."),
}
NEW: dict[str, dict[str, Any]] = {
    "spend": {"points": 1},
    "visit": {"points": 1},
    "item": {"points": 1},
    "bonus": {"points": 10},
    "multiplier": {"factor": "2"},
}
ADDABLE = (
    ("spend", _("Points for money")),
    ("visit", _("Points for a visit")),
    ("item", _("Points for a thing")),
    ("bonus", _("Something on top")),
    ("multiplier", _("Points count double")),
)
# Where a refusal of loyalty/ belongs.
AT = {
    "from": "first",
    "until": "last",
    "hours": "begin",
    "categories": "goods",
    "limit.times": "times",
    "limit.per": "limit_per",
    "limit": "times",
}


class RuleForm(forms.Form):
    """One rule. Its kind stays; another kind is another rule."""

    def __init__(
        self,
        setting: Setting,
        kind: str,
        *,
        prefix: str,
        data: Mapping[str, Any] | None = None,
        rule: Mapping[str, Any] | None = None,
        was: Mapping[str, Any] | None = None,
    ) -> None:
        self.setting, self.kind = setting, kind
        self.was = rule_values(was, setting) if was is not None else None
        initial = rule_values(rule, setting) if rule is not None else None
        super().__init__(data, prefix=prefix, initial=initial)
        self.fields.update(self._made())
        for made in self.fields.values():
            made.widget.attrs["aria-label"] = str(made.label)

    def _made(self) -> dict[str, forms.Field]:
        told, money = self.setting, {"decimals": self.setting.decimals}
        base: dict[str, dict[str, forms.Field]] = {
            "spend": {
                "per": AmountField(label=_("Money spent"), **money),
                "points": told.points_field(label=_("What it gives")),
                "is_smooth": PickField(label=_("Steps"), choices=STEPS, required=False),
            },
            "multiplier": {"factor": FactorField(label=_("How many times"))},
        }
        points = {"points": told.points_field(label=_("What it gives"))}
        tiers = [(name, name) for name in told.tiers]
        places = [(name, name) for name in told.locations]
        return {
            **base.get(self.kind, points),
            "days": SomeField(label=_("Days"), choices=DAYS),
            "begin": ClockField(label=_("From what time")),
            "end": ClockField(label=_("To what time")),
            "first": DayField(label=_("The first day")),
            "last": DayField(label=_("The last day")),
            "min_spend": AmountField(label=_("The least a sale comes to"), required=False, **money),
            "goods": NamesField(label=_("Kinds of goods, with commas between them")),
            "skus": NamesField(label=_("Articles, with commas between them")),
            "tiers": SomeField(label=_("Tiers"), choices=tiers),
            "locations": SomeField(label=_("Locations"), choices=places),
            "times": WholeField(label=_("How many times"), required=False),
            "limit_per": PickField(label=_("In which time"), choices=PER, required=False),
            "total_uses": WholeField(label=_("How many sales"), required=False),
            "name": TextField(label=_("Its name"), required=False),
        }

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return found
        if bool(found["begin"]) != bool(found["end"]):
            missing = "end" if found["begin"] else "begin"
            self.add_error(missing, _("Say from when to when."))
            return found
        try:
            programs.check_rule(self.rule())
        except BadSetting as refusal:
            place_refusal(self, refusal, AT, next(iter(self.fields)))
        return found

    def rule(self) -> dict[str, Any]:
        """The rule as EarnRule fields, from what was typed."""
        told = self.cleaned_data
        limit = {"times": told["times"], "per": told["limit_per"] or "all"}
        conditions = {
            "from": told["first"] and told["first"].isoformat(),
            "until": told["last"] and told["last"].isoformat(),
            "days": told["days"],
            "hours": told["begin"] and f"{told['begin']}-{told['end']}",
            "min_spend": told["min_spend"],
            "categories": told["goods"],
            "skus": told["skus"],
            "tiers": told["tiers"],
            "locations": told["locations"],
            "limit": limit if told["times"] is not None else None,
            "total_uses": told["total_uses"],
        }
        found = {
            "kind": self.kind,
            "name": told["name"],
            "points": told.get("points"),
            "per": told.get("per"),
            "is_smooth": bool(told.get("is_smooth")),
            "factor": str(told["factor"]) if told.get("factor") is not None else None,
        }
        said = {key: value for key, value in conditions.items() if value not in (None, "", [])}
        rule = {key: value for key, value in found.items() if value}
        return {**rule, "conditions": said} if said else rule

    @property
    def gives(self) -> Sentence:
        return self._sentence(self.kind, GIVES[self.kind])

    @property
    def when(self) -> list[Sentence]:
        """The conditions; a shop without tiers or other places has nothing to say of them."""
        told = self.setting
        without = {
            "steps": "is_smooth" not in self.fields,
            "tiers": not (told.tiers or self._holds("tiers")),
            "locations": len(told.locations) < 2 and not self._holds("locations"),  # noqa: PLR2004
            "skus": not self._holds("skus"),
        }
        return [self._sentence(name, text) for name, text in WHEN.items() if not without.get(name)]

    @property
    def is_conditional(self) -> bool:
        return any(each.is_said for each in self.when if each.name != "limit") or bool(
            self["times"].value()
        )

    @property
    def faults(self) -> list[Any]:
        return [bound for bound in self if bound.errors]

    def _holds(self, name: str) -> bool:
        return bool(self[name].value())

    def _sentence(self, name: str, text: object) -> Sentence:
        currency = (self.setting.currency, "")
        units: dict[str, tuple[object, object]] = {
            "per": currency,
            "min_spend": currency,
            "points": self.setting.points_unit(_count(self)),
            "factor": ("", _("times")),
        }
        return sentence(name, text, self, units=units, was=self.was)


def rule_values(rule: Mapping[str, Any] | None, setting: Setting) -> dict[str, Any]:
    """A rule as the values of RuleForm."""
    rule = rule or {}
    told = rule.get("conditions", {})
    begin, _between, end = told.get("hours", "").partition("-")
    limit = told.get("limit", {})
    return {
        "points": setting.plain_points(rule.get("points")),
        "per": plain_money(rule.get("per"), setting.decimals),
        "is_smooth": "1" if rule.get("is_smooth") else "",
        "factor": rule.get("factor", ""),
        "name": rule.get("name", ""),
        "days": told.get("days", []),
        "begin": begin,
        "end": end,
        "first": told.get("from", ""),
        "last": told.get("until", ""),
        "min_spend": plain_money(told.get("min_spend"), setting.decimals),
        "goods": ", ".join(told.get("categories", ())),
        "skus": ", ".join(told.get("skus", ())),
        "tiers": told.get("tiers", []),
        "locations": told.get("locations", []),
        "times": str(limit.get("times", "")),
        "limit_per": limit.get("per", "all"),
        "total_uses": str(told.get("total_uses", "")),
    }


def pairs(said: Said, now: Said) -> list[Mapping[str, Any] | None]:
    """For each rule the one in force that it is, or was before it was changed; None for a new
    one.
    """
    left = [rule for rule in now.rules if rule not in said.rules]
    found: list[Mapping[str, Any] | None] = []
    for rule in said.rules:
        if rule in now.rules:
            found.append(rule)
            continue
        alike = next((old for old in left if old["kind"] == rule["kind"]), None)
        if alike:
            left.remove(alike)
        found.append(alike)
    return found


def _count(form: RuleForm) -> int:
    try:
        return int(form["points"].value() or 0)
    except (KeyError, ValueError):
        return 0
