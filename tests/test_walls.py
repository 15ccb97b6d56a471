"""No road leads from one shop to another, and holes that are planted on purpose are seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.db import connection
from django.db.backends.postgresql import compiler as stock

from tenants.backend import base as backend
from tenants.testing import make_tenant, nameless, owned_models, sweep


@pytest.fixture
def pair(db):
    return make_tenant("anna"), make_tenant("boris")


def test_every_model_by_every_road(pair):
    tries, faults = sweep(*pair)
    assert faults == [], "\n".join(map(str, faults))
    assert tries > 40 * 2 * len(owned_models()) > 1000


def test_every_model_by_every_road_in_autocommit(committed_pair):
    _, faults = sweep(*committed_pair, in_transaction=False)
    assert faults == [], "\n".join(map(str, faults))


def test_every_statement_names_the_tenant_and_nobody_makes_none(pair):
    assert nameless(pair[0]) == []


# Planted holes


def disable_row_security() -> None:
    """As the owner; rolled back with the test."""
    with connection.as_owner(), connection.cursor() as cursor:
        for model in owned_models():
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE portal_app")


def test_with_row_security_off_the_sweep_turns_red(pair):
    disable_row_security()
    _, faults = sweep(*pair)
    leaky = {fault.model for fault in faults}
    assert leaky == {model._meta.label for model in owned_models()}
    assert all("cursor" in f.road or "SQL" in f.road or f.road in RAW for f in faults), faults


RAW = {
    "raw()",
    "copy out",
    "executemany",
    "raw connection",
    "named cursor",
    "statistics",
    "some road",
}


@pytest.fixture
def stock_compiler(monkeypatch):
    monkeypatch.setattr(backend.DatabaseOperations, "compiler_module", stock.__name__)
    monkeypatch.setattr(connection.ops, "_cache", None)
    yield
    monkeypatch.setattr(connection.ops, "_cache", None)


def test_with_the_compiler_off_row_security_holds_and_its_own_tests_turn_red(pair, stock_compiler):
    _, faults = sweep(*pair)
    assert faults == [], "\n".join(map(str, faults))
    red = nameless(pair[0])
    assert {fault.model for fault in red} == {model._meta.label for model in owned_models()}


def test_with_both_off_everything_is_red(pair, stock_compiler):
    disable_row_security()
    _, faults = sweep(*pair)
    roads = {fault.road for fault in faults}
    assert {"base manager", "count", "cursor", "update()", "subquery"} <= roads


# As the web runs: logged in as portal_app, which cannot become anybody else


def run_as_app(*arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
    """A process of its own with the web's login."""
    names = {
        "PORTAL_LOGIN": "app",
        "PORTAL_ASSUME_ROLE": "",
        "PORTAL_NO_BOOTSTRAP": "1",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **names, **options},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "options",
    [{"DATABASE_POOL": "3"}, {"CONN_MAX_AGE": "60"}, {"CONN_MAX_AGE": "0"}],
    ids=["pool", "persistent", "one a request"],
)
def test_the_real_login_on_every_kind_of_connection(two, options):
    names = {
        "PORTAL_LOGIN": "app",
        "PORTAL_ASSUME_ROLE": "",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.walls_as_app", "anna", "boris"],
        env={**os.environ, **names, **options},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == {
        "who": ["portal_app", "portal_app"],
        "faults": [],
        "nameless": [],
        "crossed": 0,
        "platform refused": True,
    }


def test_the_portal_refuses_to_serve_with_the_owners_login(db):
    names = {
        "PORTAL_LOGIN": "app",
        "PORTAL_ASSUME_ROLE": "",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    names["DATABASE_URL"] = os.environ["DATABASE_OWNER_URL"]
    done = subprocess.run(
        [
            sys.executable,
            "manage.py",
            "open_shop",
            "corner",
            "--name",
            "x",
            "--email",
            "a@b.example",
        ],
        env={**os.environ, **names, "PORTAL_NO_BOOTSTRAP": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "refuses to serve" in done.stderr
