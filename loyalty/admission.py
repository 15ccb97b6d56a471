"""Enrolment by a system that sends its commands twice: under a key that has one effect."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from loyalty import enrolment, operations
from loyalty.enrolment import Newcomer
from loyalty.models import Member, Operation
from tenants.actors import Actor


@dataclass(frozen=True, slots=True)
class Admitted:
    """A member, and whether she was one before."""

    member: Member
    existing: bool
    replayed: bool = False


def admit(
    who: Newcomer,
    *,
    referred_by: Member | None = None,
    at: dt.datetime,
    by: Actor,
    key: str,
    source: str = "api",
) -> Admitted:
    """As enrolment.enrol_or_find(): who is known by one of these is found and not changed.

    A second call with the key tells the same, also whether she was new then. Raises what
    enrol_or_find() does, and IdempotencyConflict.
    """
    referrer = referred_by and referred_by.pk
    told = [who.name, who.phone, who.email, who.card, who.birth_date, referrer]
    print_ = operations.fingerprint("enrol", *told)

    def act() -> Admitted:
        done = enrolment.enrol_or_find(
            name=who.name,
            phone=who.phone,
            email=who.email,
            card=who.card,
            birth_date=who.birth_date,
            referred_by=referred_by,
            at=at,
            by=by,
            source=source,
        )
        operation = operations.unsaved("enrol", by, key=key, print_=print_, at=at, result={})
        operation.result = {"member": str(done.member.pk), "existing": done.existing}
        operation.save(force_insert=True)
        return Admitted(done.member, done.existing)

    def replay(earlier: Operation) -> Admitted:
        member: Member = Member.everyone.get(pk=earlier.result["member"])
        return Admitted(member, earlier.result["existing"], replayed=True)

    return operations.once("enrol", by, key=key, print_=print_, at=at, act=act, replay=replay)
