"""A program's amounts in another currency, while nobody has bought anything yet.

Amounts are minor units: where the new currency has another number of them, all that a shop has set
up is written anew, so that "1 point for every 1 spent" stays so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from django.db import transaction

from loyalty.models import Draft, EarnRule, Program, Purchase, Reward
from tenants.context import tenant_id
from tenants.models import AuditEntry, Shop
from tenants.trace import write

DONE = "amounts.rescaled"

OF_CONDITIONS = ("min_spend", "max_discount")
OF_MONEY = (Reward.Kind.AMOUNT, Reward.Kind.ITEM, Reward.Kind.GIFT)


def is_fixed() -> bool:
    """Whether the shop has sold: then its amounts are what they are."""
    return bool(Purchase.objects.exists())


def rescale(digits: int, wanted: int, *, at: dt.datetime, by: str) -> None:
    """Write all amounts of the shop with `wanted` decimals that were written with `digits`, as was
    asked for `at` that time. A second call changes nothing.
    """
    if digits == wanted or AuditEntry.objects.filter(act=DONE, at=at).exists():
        return
    with transaction.atomic():
        after = {"digits": wanted}
        write(by, DONE, tenant_id(), at=at, before={"digits": digits}, after=after)
        _rescale(Fraction(10) ** (wanted - digits))


def _rescale(by: Fraction) -> None:
    for rule in EarnRule.objects.all():
        rule.per = _amount(rule.per, by)
        rule.conditions = _conditions(rule.conditions, by)
        rule.save(update_fields=["per", "conditions"])
    for reward in Reward.objects.all():
        if reward.kind in OF_MONEY:
            reward.value = _amount(reward.value, by)
        reward.unit_cost = _amount(reward.unit_cost, by)
        reward.conditions = _conditions(reward.conditions, by)
        reward.save(update_fields=["value", "unit_cost", "conditions"])
    for program in Program.objects.all():
        program.policy = _policy(program.policy, by)
        program.save(update_fields=["policy"])
    for draft in Draft.objects.filter(applied_at=None):
        draft.rules = [_rule(rule, by) for rule in draft.rules]
        draft.policy = _policy(draft.policy, by)
        draft.version += 1
        draft.save(update_fields=["rules", "policy", "version"])
    shop = Shop.objects.get()
    shop.award_limit = _amount(shop.award_limit, by)
    shop.save(update_fields=["award_limit"])


def _amount(minor: Any, by: Fraction) -> Any:
    """At least 1 where it was anything at all."""
    return max(1, round(minor * by)) if minor else minor


def _rule(rule: Mapping[str, Any], by: Fraction) -> dict[str, Any]:
    found = {**rule}
    if "per" in found:
        found["per"] = _amount(found["per"], by)
    if "conditions" in found:
        found["conditions"] = _conditions(found["conditions"], by)
    return found


def _conditions(told: Mapping[str, Any], by: Fraction) -> dict[str, Any]:
    found = {name: _amount(v, by) if name in OF_CONDITIONS else v for name, v in told.items()}
    if rate := found.get("rate"):
        found["rate"] = {**rate, "value": _amount(rate["value"], by)}
    return found


def _policy(told: Mapping[str, Any], by: Fraction) -> dict[str, Any]:
    found = {**told}
    if found.get("point_value"):
        found["point_value"] = str(Fraction(found["point_value"]) * by)
    if found.get("referral"):
        least = _amount(found["referral"].get("min_spend"), by)
        found["referral"] = {**found["referral"], "min_spend": least or 0}
    return found
