"""What came of a step, by the names that a scenario expects it by."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from loyalty.models import EarnRule, Member, Purchase, Voucher
from loyalty.refusals import Refusal
from tests.scenarios.stage import Stage
from tests.scenarios.state import status_of, sums_of

Step = dict[str, Any]
Told = Callable[[Stage, Step, Any], Any]
BASES = ("spend", "visit", "item")


def told(stage: Stage, step: Step, result: Any, key: str) -> Any:
    """The outcome `key` of a step that ended with this result, or was refused."""
    tell = OUTCOMES.get(step["op"], {}).get(key)
    if tell and not isinstance(result, Refusal):
        return tell(stage, step, result)
    return sums_of(_about(stage, step), stage.clock).get(key)


def _about(stage: Stage, step: Step) -> Member:
    """The member that a step is about: the one it names, or whose purchase or voucher it is."""
    for name in ("member", "into"):
        if name in step:
            return Member.everyone.get(pk=stage.members[step[name]].pk)
    if "purchase" in step:
        sold = Purchase.objects.select_related("account__member")
        return sold.get(pk=stage.purchases[step["purchase"]].pk).account.member
    if "redemption" in step:
        voucher = Voucher.objects.select_related("account__member")
        return voucher.get(pk=stage.vouchers[f"V{step['redemption']}"].pk).account.member
    raise LookupError(f"{step['op']} is about no member")


def remember(stage: Stage, step: Step, result: Any) -> None:
    """Keep what later steps may name: receipts, members, VR1, VR2, …"""
    op = step["op"]
    if op == "purchase" and "id" in step:
        stage.purchases[step["id"]] = result.purchase
    if op == "enrol" and not result.existing:
        stage.members[step["member"]] = result.member
    if op == "import" and not step.get("dry_run"):
        _remember_imported(stage)
    stage.find_vouchers()


def _remember_imported(stage: Stage) -> None:
    """imp1, imp2, …: the members that imports enrolled, in the order of their rows."""
    known = {member.pk for member in stage.members.values()}
    for member in Member.objects.filter(source="import").order_by("pk"):
        if member.pk not in known:
            stage.imported += 1
            stage.members[f"imp{stage.imported}"] = member


def why(stage: Stage, steps: Any) -> list[tuple[str, Any]]:
    """[[rule id, points], …] of a breakdown: the rules that points were earned by as such."""
    names = {str(pk): name for pk, name in EarnRule.everyone.values_list("pk", "name")}
    return [
        (names[step["rule"]], _whole(Fraction(step["points"])))
        for step in steps
        if step["kind"] in BASES and Fraction(step["points"])
    ]


def _whole(points: Fraction) -> int | Fraction:
    return int(points) if points.denominator == 1 else points


def _status(stage: Stage, step: Step, result: Any) -> str:
    voucher = Voucher.objects.get(pk=getattr(result, "voucher", result).pk)
    return status_of(stage, voucher, stage.clock)


def of(name: str) -> Told:
    return lambda stage, step, result: getattr(result, name)


OUTCOMES: dict[str, dict[str, Told]] = {
    "quote": {
        "points": of("points"),
        "why": lambda stage, step, done: why(stage, done.breakdown),
    },
    "purchase": {
        "points": of("points"),
        "why": lambda stage, step, done: why(stage, done.purchase.snapshot["steps"]),
        "duplicate": of("replayed"),
        "tier": of("tier"),
        "issued": lambda stage, step, done: len(done.issued),
        "flags": lambda stage, step, done: sorted(done.purchase.flags),
    },
    "refund": {key: of(key) for key in ("clawed", "taken", "debt", "restored")},
    "void": {key: of(key) for key in ("clawed", "taken", "debt", "restored")},
    "redeem": {"cost": of("cost"), "discount": of("discount"), "status": _status},
    "reverse": {"restored": of("restored")},
    "use": {
        "discount": of("discount"),
        "points": lambda stage, step, done: done.voucher.points,
        "status": _status,
        "remaining": lambda stage, step, done: done.voucher.remaining_value,
    },
    "hold": {"status": _status},
    "release": {"status": _status},
    "enrol": {
        "existing": of("existing"),
        "member": lambda stage, step, done: stage.name_of(done.member),
    },
    "lookup": {"member": lambda stage, step, found: stage.name_of(found)},
    "merge": {"moved": of("moved")},
    "erase": {"forfeited": of("forfeited")},
    "mail": {"reached": lambda stage, step, people: sorted(map(stage.name_of, people))},
    "birthday_run": {"awarded": lambda stage, step, count: count},
    "import": {
        "imported": of("imported"),
        "errors": lambda stage, step, done: [tuple(error) for error in done.errors],
    },
    "report": {
        **{
            key: of(key)
            for key in ("issued", "redeemed", "expired", "clawed", "forfeited", "outstanding")
        },
        **{key: of(key) for key in ("members", "repeat")},
        "liability_minor": of("liability"),
    },
}
