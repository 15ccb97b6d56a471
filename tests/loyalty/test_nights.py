"""What the worker does for each shop by itself, when the shop's own clock says so."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from loyalty import programs, tasks
from loyalty.enrolment import enrol
from loyalty.models import Account, Entry
from loyalty.purchases import record
from tenants.context import inside
from tenants.models import Tenant
from tenants.testing import make_tenant
from tests.conftest import NOW

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
ZONES = ("Asia/Dubai", "Europe/Berlin", "Asia/Kolkata", "Pacific/Chatham", "America/Los_Angeles")


@pytest.fixture
def shops(db):
    """A shop in each zone."""
    made = {}
    for zone in ZONES:
        tenant = make_tenant(zone.lower().replace("/", "-").replace("_", "-"))
        with connection.as_owner(), connection.cursor() as cursor:
            cursor.execute("UPDATE tenants_tenant SET zone = %s WHERE id = %s", [zone, tenant.pk])
        made[str(tenant.pk)] = zone
    return made


def put_in(shops, task):
    """The zones of the shops that have a job of this task now, and what it is told."""
    with connection.as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT queue_name, args->'arguments'->>'at' FROM procrastinate_jobs"
            " WHERE task_name = %s ORDER BY id",
            [task],
        )
        return [(shops[queue], dt.datetime.fromisoformat(at)) for queue, at in cursor.fetchall()]


@pytest.mark.parametrize(
    ("periodic", "task", "hours"),
    [
        (tasks.sweep_where_it_is_night, "loyalty.sweep", [4]),
        (tasks.celebrate_where_it_is_day, "loyalty.celebrate", [6, 12, 18]),
    ],
)
@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24", "2026-06-01"])
def test_every_shop_has_its_turn_at_its_own_hour(shops, periodic, task, hours, day):
    """Through the nights in which clocks change too."""
    first = dt.datetime.fromisoformat(f"{day}T12:07:00+00:00")
    for hour in range(24):
        periodic(first + hour * HOUR)
    told = put_in(shops, task)
    for zone in ZONES:
        mine = [at.astimezone(ZoneInfo(zone)).hour for name, at in told if name == zone]
        assert sorted(mine) == hours, zone


def test_the_jobs_do_what_they_are_for(in_cafe):
    policy = {"birthday_bonus": 50, "expiry": {"mode": "lot", "days": 30}}
    programs.set_policy(in_cafe.program, policy, at=NOW, by=in_cafe.till)
    record(in_cafe.member, 1000, at=NOW, by=in_cafe.till, key="k")
    late = NOW + 40 * DAY
    born = late.date().replace(year=1990)
    ann = enrol(card="ann", birth_date=born, at=NOW, by=in_cafe.till)
    for _ in range(2):  # a job may be done twice
        tasks.sweep(late.isoformat())
        tasks.celebrate(late.isoformat())
    assert list(Entry.objects.order_by("id").values_list("kind", "amount")) == [
        ("earn", 10),
        ("expire", -10),
        ("bonus", 50),
    ]
    assert Account.objects.get(member=ann).balance == 50


def test_a_shop_that_is_closed_for_good_is_no_trouble(shops):
    with connection.as_owner(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM tenants_tenant WHERE zone <> 'Asia/Dubai'")
    tasks.sweep_where_it_is_night(dt.datetime(2026, 6, 1, 0, 7, tzinfo=dt.UTC))
    assert [zone for zone, _ in put_in(shops, "loyalty.sweep")] == ["Asia/Dubai"]
    with inside(Tenant.objects.get()):
        tasks.sweep(NOW.isoformat())
