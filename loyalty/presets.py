"""What a shop can begin with: four programs, each with the few questions that make it the shop's
own, and what the answers give back.

    choices = {"cost": 300, "worth": 1500, "reward": "Free coffee"}     # money in minor units
    describe("points", choices, aed).back                               # Fraction(1, 20)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from loyalty import rewards
from loyalty.models import EarnRule, Program, Reward, Tier
from loyalty.refusals import BadSetting
from tenants.actors import Actor
from tenants.models import Currency
from tenants.trace import write

# Plural forms in CLDR's order: English one, other; Arabic zero, one, two, few, many, other.
POINTS = {
    "en": ["point", "points"],
    "ar": ["نقطة", "نقطة", "نقطتان", "نقاط", "نقطة", "نقطة"],
    "bn": ["পয়েন্ট", "পয়েন্ট"],
}
STAMPS = {
    "en": ["stamp", "stamps"],
    "ar": ["ختم", "ختم", "ختمان", "أختام", "ختمًا", "ختم"],
    "bn": ["স্ট্যাম্প", "স্ট্যাম্প"],
}
VISITS = {
    "en": ["visit", "visits"],
    "ar": ["زيارة", "زيارة", "زيارتان", "زيارات", "زيارة", "زيارة"],
    "bn": ["বার আসা", "বার আসা"],
}
GENEROUS = Fraction(1, 5)  # of what is spent: above it an owner should look twice
DEAREST = 10**9  # minor units that a reward may be worth
DOUBLE = 2  # what Gold earns

# About what a coffee costs, in major units: where the questions begin. Elsewhere it is 5.
PRICES = {
    "1.5": "KWD BHD OMR",
    "3": "JOD",
    "4": "EUR GBP",
    "15": "ILS",
    "18": "AED SAR QAR",
    "25": "MAD CNY",
    "40": "ZAR",
    "50": "SEK NOK DKK",
    "80": "EGP THB",
    "120": "TRY",
    "200": "BDT INR",
    "250": "NPR",
    "500": "PKR JPY",
    "800": "LKR",
    "5000": "KRW IQD",
    "30000": "IDR VND",
}
COFFEE = {code: price for price, codes in PRICES.items() for code in codes.split()}
Kind = Literal["count", "money", "percent", "name"]


@dataclass(frozen=True, slots=True)
class Question:
    """What a preset asks: a whole number, an amount in minor units, per cent, or a name. `first`
    is the answer to begin with, of money in coffees.
    """

    name: str
    kind: Kind
    first: int = 0
    least: int = 1
    most: int = 10_000


@dataclass(frozen=True, slots=True)
class Preset:
    """`rules` are EarnRule fields, in minor units of a currency with so many (`minor_units`) in its
    unit; they hold where nobody answered the questions.
    """

    name: str
    unit: str
    words: dict[str, list[str]]
    rules: list[dict[str, Any]]
    questions: tuple[Question, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


REWARD = Question("reward", "name", most=60)
WORTH = Question("worth", "money", 1, most=DEAREST)
VISIT = {"kind": "visit", "points": 1}
THING = {"kind": "item", "points": 1}  # three coffees are three stamps; a bare amount is one thing
MAJOR = "major"  # a rule's `per`: one unit of the currency

PRESETS = {
    "stamps": Preset(
        "Stamps",
        Program.Unit.STAMP,
        STAMPS,
        [THING],
        (Question("needed", "count", 10, least=2, most=50), WORTH, REWARD),
    ),
    "points": Preset(
        "Points",
        Program.Unit.POINT,
        POINTS,
        [{"kind": "spend", "points": 1, "per": MAJOR}],
        (Question("cost", "count", 20, least=1, most=1_000_000), WORTH, REWARD),
    ),
    "visits": Preset(
        "Visits",
        Program.Unit.STAMP,
        STAMPS,
        [VISIT],
        (
            Question("needed", "count", 10, least=2, most=50),
            Question("gold", "count", 25, least=2, most=1000),
            WORTH,
            REWARD,
        ),
    ),
    "cashback": Preset(
        "Cashback",
        Program.Unit.MONEY,
        {},
        # Of money a point is a minor unit: 5 of each 100.
        [{"kind": "spend", "points": 5, "per": 100, "is_smooth": True}],
        (
            Question("percent", "percent", 5, most=50),
            Question("least", "money", 1, most=DEAREST),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a preset with these choices promises, for a sentence about it.

    Whoever spent `spent` minor units (None where visits count) has earned `earned`, which buys
    `reward`, worth `worth` minor units. `back` is the part of what is spent that comes back; of
    visits it counts each as dear as the reward. `gold` visits in twelve months double it.
    """

    earned: int
    spent: int | None
    worth: int
    reward: str
    back: Fraction
    gold: int | None = None

    @property
    def is_generous(self) -> bool:
        return self.back > GENEROUS


def first_choices(preset: str, currency: Currency) -> dict[str, int | str]:
    """The answers to begin with. KeyError for no preset."""
    price = coffee(currency)
    found: dict[str, int | str] = {}
    for question in PRESETS[preset].questions:
        if question.kind == "money":
            found[question.name] = question.first * price
        elif question.kind == "name":
            found[question.name] = gettext("Free coffee")
        else:
            found[question.name] = question.first
    if preset == "points":  # five per cent
        found["cost"] = 20 * price // step(currency)
    return found


def chosen(preset: str, given: Mapping[str, object]) -> dict[str, int | str]:
    """The answers, complete and possible. Raises BadSetting, which names the question; KeyError
    for no preset.
    """
    found: dict[str, int | str] = {}
    for question in PRESETS[preset].questions:
        value = given.get(question.name)
        if question.kind == "name":
            text = " ".join(str(value or "").split())
            if not text or len(text) > question.most:
                raise BadSetting(question.name, _("Give it a name that guests understand."))
            found[question.name] = text
        elif isinstance(value, int) and question.least <= value <= question.most:
            found[question.name] = value
        else:
            limits = {"least": question.least, "most": question.most}
            raise BadSetting(question.name, _("Give a number from %(least)s to %(most)s.") % limits)
    return found


def describe(preset: str, choices: Mapping[str, object], currency: Currency) -> Facts:
    """What these choices come to. Raises BadSetting and KeyError as `chosen` does."""
    told: dict[str, Any] = chosen(preset, choices)
    if preset == "cashback":
        back = Fraction(told["percent"], 100)
        spent = -(-told["least"] * 100 // told["percent"])
        return Facts(told["least"], spent, told["least"], "", back)
    if preset == "points":
        spent = told["cost"] * step(currency)
        back = Fraction(told["worth"], spent)
        return Facts(told["cost"], spent, told["worth"], told["reward"], back)
    back = Fraction(1, told["needed"])
    return Facts(told["needed"], None, told["worth"], told["reward"], back, told.get("gold"))


def start(
    preset: str,
    *,
    currency: Currency,
    at: dt.datetime,
    by: Actor,
    choices: Mapping[str, object] | None = None,
) -> Program:
    """Make a preset the shop's live program: with `choices` its reward and tiers too, without them
    its bare rule.

    A shop has one live program: a second start is refused by the database. KeyError for no preset,
    BadSetting for a choice that cannot be; in a transaction of the caller's.
    """
    begun = PRESETS[preset]
    told: dict[str, Any] = chosen(preset, choices) if choices is not None else {}
    words = VISITS if told and preset == "visits" else begun.words
    program: Program = Program.objects.create(
        name=begun.name,
        unit=begun.unit,
        unit_words=words,
        status=Program.Status.LIVE,
        policy=_policy(preset, told),
        **begun.options,
    )
    for rule in begun.rules:
        EarnRule.objects.create(program=program, **_rule(rule, told, currency))
    write(by, "program.started", program.pk, at=at, after={"preset": preset})
    if told:
        _offer(preset, program, told, at=at, by=by)
    return program


def step(currency: Currency) -> int:
    """For how much there is a point, in minor units: 1, 10, 100 …, such that a coffee gives some.

    A dirham, ten taka, a hundred fils of a dinar.
    """
    found, most = 1, coffee(currency) // 4
    while found * 10 <= most:
        found *= 10
    return found


def coffee(currency: Currency) -> int:
    """What a coffee is, in minor units."""
    return int(Fraction(COFFEE.get(currency.pk, "5")) * 10**currency.digits)


def _rule(rule: dict[str, Any], told: dict[str, Any], currency: Currency) -> dict[str, Any]:
    per = rule.get("per", 0)
    if per == MAJOR:
        per = step(currency) if told else 10**currency.digits
    return {**rule, "per": per, "points": told.get("percent", rule["points"])}


def _policy(preset: str, told: dict[str, Any]) -> dict[str, Any]:
    """What a point is worth, so that what the shop owes is known in money; by what one climbs."""
    if not told:
        return {}
    if preset == "cashback":
        return {"point_value": "1"}
    policy: dict[str, Any] = {
        "point_value": str(Fraction(told["worth"], told.get("cost") or told["needed"]))
    }
    if "gold" in told:
        policy["tiers"] = {"metric": "visits"}
    return policy


def _offer(
    preset: str, program: Program, told: dict[str, Any], *, at: dt.datetime, by: Actor
) -> None:
    if preset == "cashback":
        rate = {"rate": {"points": 1, "value": 1}, "min": told["least"]}
        name = gettext("Pay with it")
        rewards.create(program, Reward.Kind.PAY, name, at=at, by=by, told=rate)
        return
    cost = told.get("cost") or told["needed"]
    kind = Reward.Kind.ITEM
    rewards.create(program, kind, told["reward"], at=at, by=by, cost=cost, value=told["worth"])
    if "gold" in told:
        Tier.objects.create(program=program, name=gettext("Regular"), threshold=0)
        gold = {"threshold": told["gold"], "multiplier": DOUBLE}
        Tier.objects.create(program=program, name=gettext("Gold"), **gold)
