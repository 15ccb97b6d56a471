"""What a scenario says of a program, a rule and a reward, in the words of loyalty's own JSON."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

POLICY = (
    *("basis", "tax", "exclude", "caps", "pending_days", "expiry", "clawback"),
    *("restore_grace_days", "point_value", "referral", "birthday_bonus", "birthday_min_days"),
    *("enrol_bonus", "adjust_limit"),
)
TIERS = ("metric", "window", "grace_days", "downgrade")
CONDITIONS = (
    *("from", "until", "days", "hours", "skus", "categories", "tiers", "locations", "min_spend"),
    *("limit", "total_uses", "max_discount", "max_percent", "min", "rate"),
)


def policy_of(program: dict[str, Any]) -> dict[str, Any]:
    """A program's policy, as Program.policy keeps it."""
    told = _chosen(program, POLICY)
    if tiers := program.get("tiers"):
        told["tiers"] = _chosen(tiers, TIERS)
    return told


def rule_fields(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule as programs.set_rules() takes it. Its id in the file is its name here."""
    return {
        "name": rule["id"],
        "kind": rule["kind"],
        "points": rule.get("points", 0),
        "per": rule.get("per", 0),
        "is_smooth": rule.get("smooth", False),
        "factor": decimal(rule.get("factor", Fraction(1))),
        "conditions": _chosen(rule, CONDITIONS),
    }


def conditions_of(reward: dict[str, Any], ladder: list[str]) -> dict[str, Any]:
    """A reward's conditions. One for a `tier` is for those above it too."""
    told = _chosen(reward, CONDITIONS)
    if "tier" in reward:
        told["tiers"] = ladder[ladder.index(reward["tier"]) :]
    return told


def decimal(exact: Fraction) -> Decimal:
    """A factor as its column keeps it: three decimals."""
    return Decimal(exact.numerator) / Decimal(exact.denominator)


def _chosen(told: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: _json(told[key]) for key in keys if told.get(key) is not None}


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(each) for key, each in value.items() if each is not None}
    if isinstance(value, Fraction):
        return str(value)
    return value.isoformat() if isinstance(value, dt.date) else value
