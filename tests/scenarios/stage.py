"""The stage of a scenario: a shop of its own with the program, the people and the things of it."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from loyalty import consents, enrolment, programs
from loyalty.models import Member, Program, Purchase, Reward, Tier, Voucher
from tenants.actors import Actor
from tenants.context import inside
from tenants.devices import pair
from tenants.models import Country, Device, Location, Staff, Tenant
from tenants.onboarding import opening
from tenants.people import employ
from tests.scenarios.promising import conditions_of, decimal, policy_of, rule_fields
from tests.scenarios.reading import ZONE, Scenario

ENROLLED = dt.datetime.fromisoformat("2026-01-01T09:00")  # on the clock of the wall
TILL = "T1"
CLERK = "staff"
COUNTRIES = {"EUR": "DE"}  # of the many that have it, the one whose phones are dialled
_number = itertools.count(1)


@dataclass
class Stage:
    """What a scenario calls by name, and its clock: the latest time that it has told so far."""

    tenant: Tenant
    zone: ZoneInfo
    program: Program
    place: Location
    clock: dt.datetime
    people: dict[str, Staff] = field(default_factory=dict)
    tills: dict[str, Device] = field(default_factory=dict)
    locations: dict[str, Location] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    rewards: dict[str, Reward] = field(default_factory=dict)
    purchases: dict[str, Purchase] = field(default_factory=dict)
    vouchers: dict[str, Voucher] = field(default_factory=dict)  # VR1, VR2, … in order
    cards: set[str] = field(default_factory=set)  # identifiers that the stage made up
    remaining: dict[Any, int] = field(default_factory=dict)  # of each lot, when last looked at
    imported: int = 0

    def instant(self, moment: dt.datetime | None) -> dt.datetime:
        """The instant of a time of the file; the clock's where it names none."""
        if moment is None:
            return self.clock
        return moment if moment.tzinfo else moment.replace(tzinfo=self.zone)

    def pass_to(self, *moments: dt.datetime | None) -> None:
        """Let the clock be that late, if it is not later."""
        self.clock = max(self.clock, *map(self.instant, moments))

    def actor(self, who: str, till: str = TILL) -> Actor:
        """A person of the shop at a till."""
        return Actor.at_till(self.people[who], self.tills[till])

    def name_of(self, member: Member | None) -> str | None:
        return next((name for name, each in self.members.items() if each == member), None)

    def key(self) -> str:
        """A key that no other command has."""
        return f"key-{next(_number)}"

    def find_vouchers(self) -> None:
        """Number the vouchers of rewards that were issued since the last time."""
        known = {voucher.pk for voucher in self.vouchers.values()}
        for voucher in Voucher.objects.filter(reward__isnull=False).order_by("pk"):
            if voucher.pk not in known:
                self.vouchers[f"VR{len(self.vouchers) + 1}"] = voucher


def at_place(location: str) -> str:
    """The name of the till at another location than the first."""
    return f"till at {location}"


@contextmanager
def set_stage(scenario: Scenario) -> Iterator[Stage]:
    """A new shop with everything in it that the scenario names, entered."""
    zone = ZoneInfo(scenario.program.get("tz", ZONE))
    begun = scenario.given.get("enrolled", ENROLLED)
    at = begun if begun.tzinfo else begun.replace(tzinfo=zone)
    slug = f"{scenario.id.lower()}-{next(_number)}"
    with opening(
        slug,
        name=scenario.id,
        email=f"owner@{slug}.example",
        owner_name="Owner",
        country=_country(scenario.currency),
        zone=str(zone),
        at=at,
    ) as opened:
        program = _program(scenario.program)
    with inside(opened.tenant):
        stage = Stage(opened.tenant, zone, program, opened.location, at)
        _furnish(stage, scenario, opened.owner)
        programs.set_rules(
            program,
            [rule_fields(rule) for rule in scenario.program["rules"]],
            at=at,
            by=Actor.of_staff(opened.owner),
        )
        _people(stage, scenario)
        yield stage


def _country(currency: str) -> str:
    return COUNTRIES.get(currency) or str(
        Country.objects.filter(currency=currency).order_by("pk").values_list("pk", flat=True)[0]
    )


def _program(told: dict[str, Any]) -> Program:
    program: Program = Program.objects.create(
        name="Program",
        unit=told.get("unit", "point"),
        status=Program.Status.LIVE,
        rounding=told.get("rounding", "floor"),
        carries=told.get("carry", False),
        policy=policy_of(told),
    )
    levels = (told.get("tiers") or {}).get("levels", [])
    for level in levels:
        Tier.objects.create(
            program=program,
            name=level["name"],
            threshold=level["min"],
            multiplier=decimal(level.get("multiplier", Fraction(1))),
            perks=level.get("perks", []),
        )
    return program


def _furnish(stage: Stage, scenario: Scenario, owner: Staff) -> None:
    """Rewards, tills, locations, and who works here."""
    told = scenario.program
    ladder = [level["name"] for level in (told.get("tiers") or {}).get("levels", [])]
    for name, reward in told.get("rewards", {}).items():
        stage.rewards[name] = Reward.objects.create(
            program=stage.program,
            kind=reward["type"],
            name=name,
            is_auto=reward.get("auto", False),
            conditions=conditions_of(reward, ladder),
            **{key: reward[key] for key in REWARD_FIELDS if key in reward},
        )
    for name in sorted(_named(scenario, "locations", "location")):
        stage.locations[name] = Location.objects.create(name=name)
        stage.tills[at_place(name)], _ = pair(name, stage.locations[name], at=stage.clock)
    for name in sorted({TILL, *_named(scenario, "tills", "till")}):
        stage.tills[name], _ = pair(name, stage.place, at=stage.clock)
    stage.people = {"owner": owner}
    for name, role in _roles(scenario).items():
        stage.people[name] = employ(name, role, at=stage.clock, by=Actor.of_staff(owner))
    stage.people[CLERK] = stage.people["cashier"]


def _roles(scenario: Scenario) -> dict[str, str]:
    """Who works here, by name: whoever is named by a step is a cashier, if not known otherwise."""
    keys = ("staff", "by", "approved_by")
    named = {step[key] for step in scenario.operations() for key in keys if key in step}
    roles = dict.fromkeys(sorted(named - {"customer", "owner", CLERK}), "cashier")
    roles |= {"cashier": "cashier"} | ({"manager": "manager"} if "manager" in named else {})
    staff = scenario.program.get("staff", {})
    return roles | {name: person.get("role", "cashier") for name, person in staff.items()}


REWARD_FIELDS = ("cost", "value", "unit_cost", "stock", "per_member", "valid_days")


def _named(scenario: Scenario, of_rules: str, of_steps: str) -> set[str]:
    """The names that steps, rules and rewards give to what must stand on the stage."""
    told = scenario.program
    steps = list(scenario.operations())
    rules = [*told["rules"], *told.get("rewards", {}).values()]
    rules += [rule for step in steps for rule in step.get("rules", [])]
    return {name for rule in rules for name in rule.get(of_rules, [])} | {
        step[of_steps] for step in steps if of_steps in step
    }


def _people(stage: Stage, scenario: Scenario) -> None:
    """Enrol the members, each at her own time, and give the staff their cards."""
    for person in scenario.given.get("members", ["ann"]):
        told = {"member": person} if isinstance(person, str) else person
        at = stage.instant(told.get("enrolled", stage.clock))
        stage.members[told["member"]] = enrol_named(
            stage, told, at=at, by=stage.actor(CLERK)
        ).member
    for name, person in scenario.program.get("staff", {}).items():
        if "member" in person:
            member = stage.members[person["member"]]
            member.staff = stage.people[name]
            member.save(update_fields=["staff"])


def enrol_named(stage: Stage, told: dict[str, Any], *, at: dt.datetime, by: Actor) -> Any:
    """Enrol a member of the file; one who is known by nothing gets a card."""
    known_by = {key: told[key] for key in ("phone", "email", "card") if key in told}
    if not known_by:
        known_by = {"card": f"card of {told['member']}"}
        stage.cards |= set(known_by.values())
    enrolled = enrolment.enrol_or_find(
        name=told.get("name", ""),
        birth_date=told.get("born"),
        referred_by=stage.members[told["referred_by"]] if "referred_by" in told else None,
        at=at,
        by=by,
        source="till",
        **{"phone": "", "email": "", "card": "", **known_by},
    )
    if told.get("marketing"):
        consents.give(enrolled.member, "marketing", at=at, by=by, source="till", text_version="1")
    return enrolled
