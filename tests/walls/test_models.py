"""No road leads from one shop to another, and holes that are planted on purpose are seen."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.db import connection
from django.db.backends.postgresql import compiler as stock

from tenants.backend import base as backend
from tenants.models import Guess, Usage
from tenants.testing import make_tenant, nameless, owned_models, sweep

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
def pair(db):
    return make_tenant("anna"), make_tenant("boris")


def test_every_model_by_every_road(pair):
    tries, faults = sweep(*pair)
    assert faults == [], "\n".join(map(str, faults))
    assert tries > 40 * 2 * len(owned_models()) > 1000
    assert {Usage, Guess} < set(owned_models())


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


@pytest.mark.thorough
def test_with_row_security_off_the_sweep_turns_red(pair):
    disable_row_security()
    _, faults = sweep(*pair)
    leaky = {fault.model for fault in faults}
    assert leaky == {model._meta.label for model in owned_models()}
    assert all("cursor" in f.road or "SQL" in f.road or f.road in RAW for f in faults), faults


@pytest.fixture
def stock_compiler(monkeypatch):
    monkeypatch.setattr(backend.DatabaseOperations, "compiler_module", stock.__name__)
    monkeypatch.setattr(connection.ops, "_cache", None)
    yield
    monkeypatch.setattr(connection.ops, "_cache", None)


@pytest.mark.thorough
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


def test_the_portal_refuses_to_serve_with_the_owners_login(db):
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
        env={
            **os.environ,
            "PORTAL_LOGIN": "app",
            "PORTAL_ASSUME_ROLE": "",
            "PORTAL_NO_BOOTSTRAP": "1",
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "DATABASE_URL": os.environ["DATABASE_OWNER_URL"],
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "refuses to serve" in done.stderr
