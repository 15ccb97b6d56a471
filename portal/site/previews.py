"""What a program looks like on a customer's phone, and what it comes to in words, before there is a
shop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from babel.numbers import format_decimal
from django.utils.translation import gettext

from loyalty import presets
from loyalty.presets import PRESETS, Facts
from portal.figures import locale, money_in, number, unit
from tenants.models import Currency

MOST_STAMPS = 20  # that are drawn
LOOKS_FULL = 0.4  # of the way to the reward, on the card that is shown


class Unit:
    """A program's words, for figures.unit."""

    def __init__(self, preset: str) -> None:
        begun = PRESETS[preset]
        self.unit = begun.unit
        self.unit_words = presets.VISITS if preset == "visits" else begun.words


def of_program(preset: str, choices: Mapping[str, object], currency: Currency) -> dict[str, Any]:
    """Raises BadSetting."""
    facts = presets.describe(preset, choices, currency)
    have = round(facts.earned * LOOKS_FULL)
    left, words = facts.earned - have, Unit(preset)
    is_money = preset == "cashback"
    return {
        "preset": preset,
        "facts": facts,
        "balance": _money(have, currency) if is_money else number(have),
        "unit": gettext("to spend") if is_money else unit(words, have),
        "reward": facts.reward or gettext("Pay with it"),
        "left": _money(left, currency) if is_money else number(left),
        "have": have,
        "cost": facts.earned,
        "visits": _visits(preset, facts, currency),
        "stamps": _stamps(have, facts.earned) if preset == "stamps" else None,
        "comes_to": _words(preset, facts, words, currency),
    }


def per(currency: Currency) -> str:
    """For how much there is a point, where a shop begins with points."""
    return _money(presets.step(currency), currency)


def _stamps(have: int, needed: int) -> list[dict[str, Any]]:
    shown = min(needed, MOST_STAMPS)
    return [{"n": n, "on": n <= have, "prize": n == shown} for n in range(1, shown + 1)]


def _visits(preset: str, facts: Facts, currency: Currency) -> list[dict[str, str]]:
    """The last two, each for about a coffee."""
    coffee = presets.coffee(currency)
    plus = {
        "points": number(coffee // presets.step(currency)),
        "cashback": _money(round(coffee * facts.back), currency),
    }.get(preset, number(1))
    whens = (gettext("Today 08:12"), gettext("Friday 09:40"))
    return [{"when": when, "plus": f"+{plus}"} for when in whens]


def _words(preset: str, facts: Facts, words: Unit, currency: Currency) -> dict[str, str]:
    """The figures of the sentence, as people write them."""
    return {
        "spent": _money(facts.spent, currency) if facts.spent else "",
        "earned": f"{number(facts.earned)} {unit(words, facts.earned)}",
        "worth": _money(facts.worth, currency),
        "reward": facts.reward,
        "back": _percent(facts),
        "gold": number(facts.gold) if facts.gold else "",
        "gold_back": _percent(facts, 2),
    }


def _percent(facts: Facts, times: int = 1) -> str:
    share = float(facts.back * 100 * times)
    return str(format_decimal(share, "#,##0.#", locale=locale()))


def _money(minor: int, currency: Currency) -> str:
    return money_in(minor, currency.pk, currency.digits)
