"""The people of the tests: a café and a spa, opened by the one verb, with staff, a till and
members.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from dataclasses import dataclass

import pytest
from django.db import connection
from hypothesis import settings

from loyalty.enrolment import enrol
from loyalty.models import Member, Program
from loyalty.opening import open_shop
from tenants import breaker, hosts, limits, logs, shops
from tenants.actors import Actor
from tenants.context import inside
from tenants.devices import pair
from tenants.models import Device, Location, Staff, Tenant
from tenants.people import employ
from tenants.pins import set_pin
from tenants.testing import make, make_tenant

settings.register_profile("patient", deadline=None)  # no test fails because a machine is slow
settings.load_profile("patient")

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)  # a Monday, one o'clock in Dubai
PIN = "2468"


@dataclass
class Shop:
    """A shop with an owner, a cashier with a PIN, a paired till and one member."""

    tenant: Tenant
    program: Program
    location: Location
    owner: Staff
    cashier: Staff
    device: Device
    token: str
    member: Member

    @property
    def till(self) -> Actor:
        return Actor.at_till(self.cashier, self.device)

    @property
    def host(self) -> str:
        return f"{self.tenant.slug}.localhost"


def make_shop(slug: str, *, phone: str = "050 123 4567", preset: str = "points") -> Shop:
    made = open_shop(
        slug,
        name=slug.title(),
        email=f"owner@{slug}.example",
        owner_name=f"Owner of {slug}",
        country="AE",
        at=NOW,
        preset=preset,
    )
    opened = made.opened
    with inside(opened.tenant):
        by = Actor.of_staff(opened.owner)
        cashier = employ("Sam", Staff.Role.CASHIER, at=NOW, by=by)
        set_pin(cashier, PIN)
        device, token = pair("Counter", opened.location, at=NOW)
        member = enrol(name="Amina Rahman", phone=phone, at=NOW, by=by)
    return Shop(
        opened.tenant, made.program, opened.location, opened.owner, cashier, device, token, member
    )


@pytest.fixture(autouse=True)
def _nothing_remembered():
    """What one test knew of hosts and shops is nothing to the next."""
    yield
    hosts.directory.forget()
    limits.own.forget()
    shops.forget()
    breaker.valkey.forget()


def settled(shop: Shop) -> Shop:
    """What the fixtures opened counts as committed, so what is read of it may be kept."""
    connection.run_on_commit.clear()
    return shop


@pytest.fixture
def cafe(db) -> Shop:
    return settled(make_shop("cafe"))


@pytest.fixture
def spa(db) -> Shop:
    return settled(make_shop("spa"))


@pytest.fixture
def in_cafe(cafe):
    """Inside the café for the whole test."""
    with inside(cafe.tenant):
        yield cafe


@pytest.fixture
def told():
    """The lines of the log meanwhile, as objects."""
    lines, formatter = [], logs.JsonFormatter()

    class Keep(logging.Handler):
        def emit(self, record):
            lines.append(json.loads(formatter.format(record)))

    keep = Keep()
    loggers = [logging.getLogger("portal"), logging.getLogger("procrastinate")]
    for each in loggers:
        each.addHandler(keep)
    yield lines
    for each in loggers:
        each.removeHandler(keep)


@pytest.fixture
def committed_pair(transactional_db):
    return make_tenant("anna"), make_tenant("boris")


@pytest.fixture
def two(committed_pair):
    for tenant in committed_pair:
        with inside(tenant):
            make(Location, name=f"of {tenant.slug}")
    return committed_pair


def pytest_terminal_summary(terminalreporter):
    """What caught each planted bug (tests/loyalty/planted), as a table."""
    passed = terminalreporter.getreports("passed")
    told = [each for report in passed for each in report.user_properties if each[0] == "planted"]
    if told:
        terminalreporter.section(f"{len(told)} planted bugs, each caught by", sep="-")
        for _, line in sorted(told, key=lambda each: each[1]):
            terminalreporter.write_line(line)
