"""The format of a scenario file as tables: each key there is, and what can stand behind it.

The conventions are in the head of loyalty.yaml. A key that is in none of these tables is an error
that names the scenario and the key, because what is not known cannot be honoured.
"""

from __future__ import annotations

from typing import Any

from tests.scenarios.program_format import PROGRAM, RULE
from tests.scenarios.shapes import (
    FormatError,
    Shape,
    date,
    either,
    flag,
    listing,
    maybe,
    moment,
    named,
    number,
    one_of,
    record,
    row,
    text,
)

# What a member, a voucher, a reward and a sale are expected to be

SUMS: dict[str, Shape] = {
    "balance": number,  # less the debt, as a person is told it
    "pending": number,
    "debt": number,
    "carry": number,
    "lifetime": number,
    "tier": maybe(text),
}
MEMBER_STATE: dict[str, Shape] = {
    **SUMS,
    "tier_until": maybe(date),  # the first local date without it
    "lots": listing(row(number, maybe(date))),
    "entries": listing(row(text, number)),
    "status": one_of("active", "blocked", "merged", "erased"),
    "name": maybe(text),
    "identifiers": listing(text),
    "marketing": flag,
}
VOUCHER_STATE: dict[str, Shape] = {
    "status": one_of("issued", "held", "used", "expired", "voided"),
    "remaining": number,
    "remaining_value": number,
    "used": number,
    "owner": maybe(text),
    "valid_from": maybe(date),
    "valid_until": maybe(date),
}
PURCHASE_STATE: dict[str, Shape] = {
    "earned": number,
    "clawed": number,
    "refunded": number,
    "flags": listing(text),
    "member": text,
}
THEN = record(
    {
        "at": moment,
        "members": named(record(MEMBER_STATE)),
        "member_count": number,
        "rewards": named(record({"stock": maybe(number)})),
        "vouchers": named(record(VOUCHER_STATE)),
        "vouchers_issued": number,
        "purchases": named(record(PURCHASE_STATE)),
        "flags": listing(text),
    }
)

# Steps. An operation has keys of its own, and outcomes that a step may expect.

WHO: dict[str, Shape] = {
    "by": text,  # staff, cashier, manager, owner, customer, or a person of the program's staff
    "staff": text,
    "till": text,
}
KEYED: dict[str, Shape] = {"key": text, **WHO}
SALE: dict[str, Shape] = {
    "member!": text,
    "total!": number,
    "tax": number,
    "reward_discount": number,
    "location": text,
    "lines": listing(record({"sku": text, "category": text, "qty": number, "amount!": number})),
}
WHY = listing(row(text, number))
KNOWN_BY: dict[str, Shape] = {"phone": text, "email": text, "card": text}
PERSON: dict[str, Shape] = {
    **KNOWN_BY,
    "name": text,
    "born": date,
    "referred_by": text,
    "marketing": flag,
}
IMPORTED = {**KNOWN_BY, "name": text, "born": date, "points": number, "expires": date}
REFUNDED = {"clawed": number, "taken": number, "debt": number, "restored": number}
MEMBER: dict[str, Shape] = {"member!": text}
NOTHING: dict[str, Shape] = {}

OPS: dict[str, tuple[dict[str, Shape], dict[str, Shape]]] = {
    "quote": (SALE, {"points": number, "why": WHY}),
    "purchase": (
        {
            **KEYED,
            **SALE,
            "id": text,
            "redemptions": listing(text),
            "received": moment,
            "offline": flag,
        },
        {"points": number, "why": WHY, "duplicate": flag, "issued": number, "flags": listing(text)},
    ),
    "refund": (
        {**KEYED, "purchase!": text, "amount": number, "lines": named(number), "ref": text},
        REFUNDED,
    ),
    "void": ({**KEYED, "purchase": text, "code": text, "reason": text}, REFUNDED),
    "redeem": (
        {
            **KEYED,
            **MEMBER,
            "reward!": text,
            "total": number,
            "points": number,
            "points_cost": number,  # what a client claims; no verb takes it
            "use": flag,
            "offline": flag,
            "location": text,
        },
        {"cost": number, "discount": number, "status": text},
    ),
    "reverse": ({**KEYED, "redemption!": text}, {"restored": number}),
    "adjust": (
        {
            **KEYED,
            **MEMBER,
            "points!": number,
            "reason": text,
            "expires": date,
            "allow_negative": flag,
            "approved_by": text,
        },
        NOTHING,
    ),
    "voucher": (
        {
            **KEYED,
            "code": text,
            "type!": one_of("amount", "percent", "item", "gift", "gift_card", "points"),
            "value": number,
            "points": number,
            "uses": number,
            "per_member": number,
            "owner": text,
            "from": date,
            "until": date,
            "min_spend": number,
            "max_discount": number,
        },
        NOTHING,
    ),
    "use": (
        {**KEYED, "code!": text, "member": text, "total": number},
        {"discount": number, "points": number, "status": text, "remaining": number},
    ),
    "hold": ({**WHO, "code!": text, "minutes": number}, {"status": text}),
    "release": ({**WHO, "code!": text}, {"status": text}),
    "enrol": ({**WHO, **MEMBER, **PERSON}, {"existing": flag, "member": text}),
    "lookup": (KNOWN_BY, {"member": text}),
    "merge": ({**KEYED, "from!": text, "into!": text}, {"moved": number}),
    "unmerge": ({**KEYED, "from!": text, "into": text}, NOTHING),
    "block": ({**WHO, **MEMBER}, NOTHING),
    "unblock": ({**WHO, **MEMBER}, NOTHING),
    "erase": ({**KEYED, **MEMBER}, {"forfeited": number}),
    "consent": ({**WHO, **MEMBER, "purpose": text, "granted!": flag}, NOTHING),
    "mail": ({"purpose": text}, {"reached": listing(text)}),
    "set_tier": ({**KEYED, **MEMBER, "tier!": maybe(text)}, NOTHING),
    "set_rules": ({**WHO, "rules!": listing(RULE)}, NOTHING),
    "sweep": (NOTHING, NOTHING),
    "birthday_run": (NOTHING, {"awarded": number}),
    "import": (
        {**KEYED, "rows!": listing(record(IMPORTED)), "dry_run": flag, "name": text},
        {"imported": number, "errors": listing(row(number, text))},
    ),
    "report": (
        NOTHING,
        {
            "issued": number,
            "redeemed": number,
            "expired": number,
            "clawed": number,
            "forfeited": number,
            "outstanding": number,
            "members": number,
            "repeat": number,
            "liability_minor": number,
        },
    ),
}
# What any step may expect: that it is done (`ok`) or refused (`error`), and sums after it.
ANY: dict[str, Shape] = {"ok": flag, "error": text, **SUMS}
RACE = record({"succeed": number, "errors": named(number)})


def operation(value: Any, where: str) -> dict[str, Any]:
    """One command. The keys that it may have depend on its `op`."""
    op = value.get("op") if isinstance(value, dict) else None
    if op not in OPS:
        raise FormatError(where, f"unknown op {op!r} (known: {', '.join(OPS)})")
    keys, outcome = OPS[op]
    expect = record({**ANY, **outcome})
    return record({"op!": text, "at": moment, **keys, "expect": expect, "then": THEN})(value, where)


def step(value: Any, where: str) -> dict[str, Any]:
    """A command, or several that race, or one that is repeated."""
    if isinstance(value, dict) and "parallel" in value:
        return record({"parallel!": listing(operation), "expect": RACE, "then": THEN})(value, where)
    if isinstance(value, dict) and "repeat" in value:
        shape = {"repeat!": number, "step!": operation, "expect": RACE, "then": THEN}
        return record(shape)(value, where)
    return operation(value, where)


PERSON_GIVEN = record({**MEMBER, **PERSON, "enrolled": moment})
SCENARIO = record(
    {
        "id!": text,
        "title!": text,
        "area": text,
        "source": text,
        "check": one_of("manual"),
        "note": text,
        "given": record(
            {
                "program": text,
                "override": PROGRAM,
                "enrolled": moment,
                "members": listing(either((str, text), (dict, PERSON_GIVEN))),
                "history": listing(step),
            }
        ),
        "when!": listing(step),
        "then": THEN,
    }
)
META = record(
    {"version": number, "currency": text, "country": text, "ledger_invariants": listing(text)}
)
