"""The walls hold on every kind of connection, by every way through it, with the real logins; and
with a hole planted on purpose the probes that it concerns turn red there too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import psycopg
import pytest

from tenants.context import inside
from tenants.models import Location
from tenants.testing import make, owned_models
from tests.conftest import make_shop
from tests.walls import expected
from tests.walls.mutations import row_security
from tests.walls.setups import SETUPS, environment

LOCATIONS = 5
PATIENCE = 300  # seconds until a process is killed
DATABASE = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_WORKER_URL")
LOGINS = ("app", "worker")


@pytest.fixture
def shops(transactional_db):
    """Two whole shops, committed, with enough rows to read half of them."""
    slugs = "anna", "boris"
    for slug in slugs:
        with inside(make_shop(slug).tenant):
            for number in range(LOCATIONS):
                make(Location, name=f"{number} of {slug}")
    yield slugs
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
        query = "SELECT relname FROM pg_class WHERE relrowsecurity AND relname = ANY(%s)"
        tables = {model._meta.db_table for model in owned_models()}
        held = {name for (name,) in connection.execute(query, [list(tables)])}
    if held != tables:
        row_security("ENABLE")
        pytest.fail("a mutation was not undone")


def run(setup: str, login: str, *arguments: str) -> dict[str, Any]:
    """What a process of this set-up and login found."""
    database = {name: os.environ[name] for name in DATABASE}
    with environment(setup, database) as chosen:
        done = subprocess.run(
            [sys.executable, "-m", "tests.walls.run", setup, *arguments],
            env={
                **os.environ,
                **chosen,
                "PORTAL_LOGIN": login,
                "PORTAL_ASSUME_ROLE": "",
                "PORTAL_NO_BOOTSTRAP": "1",
                "DJANGO_SETTINGS_MODULE": "tests.walls.settings",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def reddened(found: dict[str, list[str]]) -> set[str]:
    return {name for name, faults in found.items() if faults}


# In every run as production stands, with every kind of connection in the thorough one.
@pytest.mark.parametrize(
    "setup",
    [
        pytest.param(setup, marks=[] if setup in ("pool", "pgbouncer") else pytest.mark.thorough)
        for setup in SETUPS
    ],
)
def test_the_walls_hold(shops, setup):
    told = {login: run(setup, login, *shops, "--clean") for login in LOGINS}
    assert_whole(told, setup)


@pytest.mark.thorough
@pytest.mark.parametrize("setup", SETUPS)
def test_every_hole_is_seen(shops, setup):
    told = {login: run(setup, login, *shops) for login in LOGINS}
    for mutation in expected.RED:
        seen = set().union(*(reddened(found["planted"][mutation]) for found in told.values()))
        assert seen == expected.red(mutation, setup), mutation
    # No probe is one that could not fail.
    red = set().union(*expected.RED.values())
    assert {name for found in told.values() for name in found["clean"]} == red


def assert_whole(told: dict[str, dict[str, Any]], setup: str) -> None:
    for login, found in told.items():
        faults = {name: faults for name, faults in found["clean"].items() if faults}
        assert faults == {}, f"as {login}"
        assert found["facts"]["who"] == [f"portal_{login}"] * 2
        assert found["facts"]["platform refused"] is (login == "app")
    facts = told["app"]["facts"]
    assert facts["tries, together"] == facts["tries, apart"] > 40 * 2 * len(owned_models())
    assert facts["server-side iterators"] is facts["cursors are held"] is (setup != "pgbouncer")


@pytest.mark.thorough
@pytest.mark.parametrize("setup", SETUPS)
def test_a_hole_turns_nothing_else_red(shops, setup):
    told = {login: run(setup, login, *shops, "--all") for login in LOGINS}
    for mutation in expected.RED:
        chance = expected.BY_CHANCE.get(mutation, set())
        for found in told.values():
            wanted = expected.red(mutation, setup) & set(found["planted"][mutation])
            assert reddened(found["planted"][mutation]) - chance == wanted, mutation
