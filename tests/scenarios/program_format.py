"""The format of a program: its rules, rewards and tiers, and all else it promises."""

from __future__ import annotations

from tests.scenarios.shapes import (
    Shape,
    anything,
    date,
    exact,
    flag,
    listing,
    maybe,
    named,
    number,
    one_of,
    record,
    text,
)

WINDOW: dict[str, Shape] = {
    "from": date,
    "until": date,
    "days": listing(one_of("mon", "tue", "wed", "thu", "fri", "sat", "sun")),
    "hours": text,
    "locations": listing(text),
    "tiers": listing(text),
    "min_spend": number,
}
LIMIT = record({"times!": number, "per": one_of("sale", "day", "week", "month", "year", "all")})
RULE = record(
    {
        "id!": text,
        "kind!": one_of("spend", "visit", "item", "bonus", "multiplier"),
        "points": number,
        "per": number,
        "smooth": flag,
        "factor": exact,
        "limit": LIMIT,
        "total_uses": number,
        "skus": listing(text),
        "categories": listing(text),
        **WINDOW,
    }
)
REWARD = record(
    {
        "type!": one_of("amount", "percent", "item", "gift", "pay"),
        "cost": number,
        "value": number,
        "unit_cost": number,
        "stock": maybe(number),
        "per_member": number,
        "valid_days": number,
        "auto": flag,
        "tier": text,
        "max_discount": number,
        "max_percent": number,
        "min": number,
        "rate": record({"points!": number, "value!": number}),
        "limit": LIMIT,
        **WINDOW,
    }
)
TIERS = record(
    {
        "metric": one_of("spend", "points", "visits"),
        "window": record({"mode!": one_of("rolling_months", "calendar_year"), "n": number}),
        "grace_days": number,
        "downgrade": one_of("balance_based", "one_down"),
        "levels!": listing(
            record({"name!": text, "min!": number, "multiplier": exact, "perks": listing(anything)})
        ),
    }
)
PROGRAM_KEYS: dict[str, Shape] = {
    "tz": text,
    "unit": one_of("point", "stamp", "money"),
    "rules": listing(RULE),
    "rewards": named(REWARD),
    "tiers": maybe(TIERS),
    "rounding": one_of("floor", "nearest", "ceil"),
    "carry": flag,
    "basis": one_of("net", "gross"),
    "tax": one_of("incl", "excl"),
    "exclude": record({"skus": listing(text), "categories": listing(text)}),
    "caps": record(
        {
            "points_per_purchase": number,
            "points_per_day": number,
            "visits_per_day": number,
            "points_per_member": number,
        }
    ),
    "pending_days": number,
    "expiry": record(
        {
            "mode!": one_of("none", "lot", "month_end", "year_end", "inactivity"),
            "days": number,
            "months": number,
            "since": date,
        }
    ),
    "clawback": one_of("debt", "clamp"),
    "restore_grace_days": number,
    "point_value": exact,
    "referral": record(
        {"referrer": number, "friend": number, "min_spend": number, "cap": maybe(number)}
    ),
    "birthday_bonus": number,
    "birthday_min_days": number,
    "enrol_bonus": number,
    "adjust_limit": number,
    "staff": named(record({"member": text, "role": one_of("owner", "manager", "cashier")})),
}
PROGRAM = record(PROGRAM_KEYS)
