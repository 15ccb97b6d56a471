"""From an operation of a scenario to the verb that carries it out.

Each function of VERBS takes the stage and the step, looks up what the step names, and returns a
call that is ready to be made: once, or by many threads at the same moment. Codes and receipts are
looked up in the call, because an unknown one is refused as the verb itself is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from loyalty import (
    adjustments,
    birthdays,
    consents,
    enrolment,
    imports,
    members,
    merging,
    programs,
    purchases,
    redemptions,
    refunds,
    report,
    standings,
    sweeping,
    vouchers,
)
from loyalty.models import Member, Merge, Purchase, Voucher
from loyalty.pricing import Line
from loyalty.refusals import Refusal, UnknownPurchase
from loyalty.sales import Sale
from tenants.actors import Actor
from tests.scenarios.promising import rule_fields
from tests.scenarios.stage import CLERK, TILL, Stage, at_place, enrol_named

Step = dict[str, Any]
Call = Callable[[], Any]
BY_OWNER = frozenset(  # what nobody at the counter does
    (
        *("adjust", "set_tier", "set_rules", "merge", "unmerge", "erase", "block", "unblock"),
        *("voucher", "import", "consent"),
    )
)


def prepare(stage: Stage, step: Step) -> Call:
    """The step as a call of its verb."""
    return VERBS[step["op"]](stage, step)


def who(stage: Stage, step: Step) -> Actor:
    """Who does it: `staff` or `by`, at `till`; else the owner or the clerk, as is usual."""
    name = step.get("staff") or step.get("by")
    if name == "customer":
        voucher = _redeemed(stage, step) if "redemption" in step else None
        member = stage.members[step["member"]] if "member" in step else voucher.owner
        return Actor.member(member.pk)
    usual = "owner" if step["op"] in BY_OWNER else CLERK
    till = step.get("till", TILL)
    if step["op"] == "redeem" and "location" in step:
        till = at_place(step["location"])
    return stage.actor(name or usual, till)


def _basics(stage: Stage, step: Step) -> dict[str, Any]:
    return {"at": stage.instant(step.get("at")), "by": who(stage, step)}


def _keyed(stage: Stage, step: Step) -> dict[str, Any]:
    return {**_basics(stage, step), "key": step.get("key") or stage.key()}


def _some(step: Step, *keys: str) -> dict[str, Any]:
    return {key: step[key] for key in keys if key in step}


def _member(stage: Stage, step: Step, key: str = "member") -> Member:
    """The member as she is now: what the stage remembers may be old."""
    return Member.everyone.get(pk=stage.members[step[key]].pk)


# Sales


def _basket(stage: Stage, step: Step) -> dict[str, Any]:
    told = _some(step, "tax", "reward_discount")
    if "lines" in step:
        told["lines"] = tuple(Line(**line) for line in step["lines"])
    if "location" in step:
        told["location"] = stage.locations[step["location"]]
    return told


def quote(stage: Stage, step: Step) -> Call:
    at = stage.instant(step.get("at"))
    return partial(
        purchases.quote, _member(stage, step), step["total"], at=at, **_basket(stage, step)
    )


def purchase(stage: Stage, step: Step) -> Call:
    told = {**_keyed(stage, step), **_basket(stage, step), "ref": step.get("id", "")}
    if "received" in step:
        told["received"] = stage.instant(step["received"])
    told["redemptions"] = tuple(
        _redeemed(stage, {"redemption": name}).pk for name in step.get("redemptions", ())
    )
    if step.get("offline"):
        return partial(_synced, _member(stage, step), step["total"], **told)
    return partial(purchases.record, _member(stage, step), step["total"], **told)


def _synced(member: Member, total: int, *, by: Actor, **told: Any) -> Any:
    """A sale that a till kept while it was offline comes with others in one list."""
    (done,) = purchases.record_all([Sale(member=member.pk, total=total, **told)], by=by)
    if isinstance(done, Refusal):
        raise done
    return done


def _sold(stage: Stage, step: Step) -> Purchase:
    if step["purchase"] not in stage.purchases:
        raise UnknownPurchase
    return Purchase.objects.get(pk=stage.purchases[step["purchase"]].pk)


def refund(stage: Stage, step: Step) -> Call:
    told = {**_keyed(stage, step), **_some(step, "amount", "lines", "ref")}
    return lambda: refunds.refund(_sold(stage, step), **told)


def void(stage: Stage, step: Step) -> Call:
    if "code" in step:
        told = {**_basics(stage, step), "reason": step.get("reason", "")}
        return lambda: vouchers.void(_voucher(stage, step), **told)
    keyed = _keyed(stage, step)
    return lambda: refunds.void(_sold(stage, step), **keyed)


# Rewards and vouchers


def redeem(stage: Stage, step: Step) -> Call:
    told = {**_keyed(stage, step), **_some(step, "total", "points", "use", "offline")}
    return partial(redemptions.redeem, _member(stage, step), stage.rewards[step["reward"]], **told)


def _redeemed(stage: Stage, step: Step) -> Voucher:
    """R1 is the redemption that gave the voucher VR1."""
    return Voucher.objects.get(pk=stage.vouchers[f"V{step['redemption']}"].pk)


def reverse(stage: Stage, step: Step) -> Call:
    return partial(redemptions.reverse, _redeemed(stage, step), **_keyed(stage, step))


def voucher(stage: Stage, step: Step) -> Call:
    told = {**_keyed(stage, step), **_some(step, "code", "value", "points", "uses", "per_member")}
    told |= _some(step, "min_spend", "max_discount")
    told |= {"valid_from": step.get("from"), "valid_until": step.get("until")}
    if "owner" in step:
        told["owner"] = _member(stage, step, "owner")
    return partial(vouchers.issue, step["type"], **told)


def _voucher(stage: Stage, step: Step) -> Voucher:
    """By its name (VR1), or by its code as a person types it."""
    named = stage.vouchers.get(step["code"])
    return vouchers.find(named.code if named else step["code"])


def use(stage: Stage, step: Step) -> Call:
    told = {**_keyed(stage, step), **_some(step, "total")}
    if "member" in step:
        told["member"] = _member(stage, step)
    return lambda: vouchers.use(_voucher(stage, step), **told)


def hold(stage: Stage, step: Step) -> Call:
    told = {**_basics(stage, step), "minutes": step.get("minutes", 10)}
    return lambda: vouchers.hold(_voucher(stage, step), **told)


def release(stage: Stage, step: Step) -> Call:
    by = who(stage, step)
    return lambda: vouchers.release(_voucher(stage, step), by=by)


# Members


def enrol(stage: Stage, step: Step) -> Call:
    return partial(enrol_named, stage, step, **_basics(stage, step))


def lookup(stage: Stage, step: Step) -> Call:
    return partial(enrolment.find, **_some(step, "phone", "email", "card"))


def merge(stage: Stage, step: Step) -> Call:
    gone, into = _member(stage, step, "from"), _member(stage, step, "into")
    return partial(merging.merge, gone, into, **_keyed(stage, step))


def unmerge(stage: Stage, step: Step) -> Call:
    last = Merge.objects.filter(gone=stage.members[step["from"]]).order_by("-pk")[0]
    return partial(merging.unmerge, last, **_keyed(stage, step))


def block(stage: Stage, step: Step) -> Call:
    return partial(members.block, _member(stage, step), **_basics(stage, step))


def unblock(stage: Stage, step: Step) -> Call:
    return partial(members.unblock, _member(stage, step), **_basics(stage, step))


def erase(stage: Stage, step: Step) -> Call:
    return partial(members.erase, _member(stage, step), **_keyed(stage, step))


def consent(stage: Stage, step: Step) -> Call:
    verb = consents.give if step["granted"] else consents.withdraw
    told = {**_basics(stage, step), "source": "till", "text_version": "1"}
    return partial(verb, _member(stage, step), step.get("purpose", "marketing"), **told)


def mail(stage: Stage, step: Step) -> Call:
    return lambda: list(consents.audience(step.get("purpose", "marketing")))


# What the shop decides, and what runs by night


def adjust(stage: Stage, step: Step) -> Call:
    told = {**_keyed(stage, step), "reason": step.get("reason", "")}
    told |= _some(step, "allow_negative", "expires")
    if "approved_by" in step:
        told["approved_by"] = stage.people[step["approved_by"]]
    return partial(adjustments.adjust, _member(stage, step), step["points"], **told)


def set_tier(stage: Stage, step: Step) -> Call:
    tier = step["tier"] and stage.program.tiers.get(name=step["tier"])
    return partial(standings.grant, _member(stage, step), tier, **_keyed(stage, step))


def set_rules(stage: Stage, step: Step) -> Call:
    rules = [rule_fields(rule) for rule in step["rules"]]
    return partial(programs.set_rules, stage.program, rules, **_basics(stage, step))


def sweep(stage: Stage, step: Step) -> Call:
    return partial(sweeping.sweep, stage.instant(step.get("at")))


def birthday_run(stage: Stage, step: Step) -> Call:
    return partial(birthdays.award, stage.instant(step.get("at")))


def import_(stage: Stage, step: Step) -> Call:
    rows = step["rows"]
    name = step.get("name") or step.get("key") or stage.key()
    told = {"name": name, "dry_run": step.get("dry_run", False)}
    return partial(imports.import_members, rows, **_basics(stage, step), **told)


def report_(stage: Stage, step: Step) -> Call:
    return partial(report.report, stage.instant(step.get("at")))


VERBS: dict[str, Callable[[Stage, Step], Call]] = {
    **{
        verb.__name__.rstrip("_"): verb
        for verb in (quote, purchase, refund, void, redeem, reverse, voucher, use, hold, release)
    },
    **{
        verb.__name__.rstrip("_"): verb
        for verb in (enrol, lookup, merge, unmerge, block, unblock, erase, consent, mail, adjust)
    },
    **{
        verb.__name__.rstrip("_"): verb
        for verb in (set_tier, set_rules, sweep, birthday_run, import_, report_)
    },
}
