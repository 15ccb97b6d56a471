"""Each planted bug is caught, in a short run in which its one spot is likely."""

from __future__ import annotations

import json
import re
import threading
from urllib.parse import quote

import pytest

from tenants import limits
from tests.faults import faults
from tests.faults.bank import Bank, run
from tests.faults.clients import Browser
from tests.faults.logs import secrets_of, wrong_in
from tests.faults.stage import Stage
from tests.test_embedded import until

pytestmark = [pytest.mark.thorough]
BUGGY = "tests.faults.web:application"


@pytest.fixture(scope="module")
def stage():
    """Nobody works on it, so that no other commit carries a late one to the disk."""
    with Stage(worker=False) as stage:
        yield stage


def planted(stage, name, failpoints="", **variables):
    stage.serve(BUGGY, PLANTED=name, PORTAL_FAILPOINTS=failpoints, **variables)


# Of the bug, where a failpoint makes it likely, what the checker calls it, and what clients do.
CAUGHT = [
    ("key_stored_after_commit", "after_commit=raise:10%", "DOUBLE", {}),
    ("no_key", "before_reply=raise:10%", "DOUBLE", {}),
    ("another_key_for_a_second_try", "after_commit=raise:10%", "DOUBLE", {}),
    ("answered_before_the_commit", "before_commit=raise:10%", "LOST", {}),
    ("balance_written_without_lock", "after_lock=pause:30", "SUM", {"shops": 1, "members": 2}),
    ("void_looks_then_acts", "after_lock=pause:50", "DOUBLE", {"voids": 0.5, "twice": 1}),
    ("balance_without_entry", "", "SUM", {}),
    ("entry_without_balance", "", "SUM", {}),
    ("cache_key_without_tenant", "", "LEAK", {"looks": 0.5}),
]


@pytest.mark.parametrize(("name", "failpoints", "kind", "mix"), CAUGHT, ids=[c[0] for c in CAUGHT])
def test_the_bank_catches(stage, name, failpoints, kind, mix):
    planted(stage, name, failpoints)
    assert kind in sold_until_wrong(stage, kind, **mix).wrong


def sold_until_wrong(stage, kind, *, runs=3, **mix):
    """A short run; a few more if the dice were against it."""
    for seed in range(runs):
        outcome = run(stage, [], quiet=4, seed=seed, **mix)
        if kind in outcome.wrong:
            break
    return outcome


@pytest.mark.parametrize(
    "failpoints",
    [
        "after_commit=kill:1%;before_commit=kill:1%;before_reply=kill:1%",
        "after_commit=raise:10%;before_commit=raise:10%;before_reply=raise:10%",
        "after_lock=raise:10%;before_ledger=raise:10%;after_ledger=raise:10%",
        "after_lock=pause:30;before_commit=pause:20",
    ],
)
def test_the_portal_itself_bears_the_same(stage, failpoints):
    planted(stage, "nothing", failpoints)
    outcome = run(stage, [], quiet=4, voids=0.3, twice=0.5, looks=0.2, members=3)
    assert outcome.wrong == {}, outcome
    assert outcome.acknowledged > 10


def test_the_bank_catches_a_commit_that_does_not_wait(stage):
    url = f"{stage.services.database_url('app')}&options={quote('-c synchronous_commit=off')}"
    with stage.connect("admin") as admin:
        admin.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        admin.execute("SELECT pg_reload_conf()")
    try:
        planted(stage, "nothing", DATABASE_URL=url)
        assert "LOST" in lost_by_a_kill(stage).wrong
    finally:
        with stage.connect("admin") as admin:
            admin.execute("ALTER SYSTEM RESET wal_writer_delay")
            admin.execute("SELECT pg_reload_conf()")


def test_a_commit_that_waits_is_not_lost_by_the_same(stage):
    planted(stage, "nothing")
    assert lost_by_a_kill(stage).wrong == {}


def lost_by_a_kill(stage):
    return run(stage, [faults.by_name("kill -9 all of PostgreSQL")], quiet=3)


def test_the_bank_catches_walls_that_are_down(stage):
    planted(stage, "walls_down", DATABASE_URL=stage.services.database_url("owner"))
    outcome = sold_until_wrong(stage, "LEAK", looks=0.6)
    assert "LEAK" in outcome.wrong


# Limits, caches, jobs, logs -------------------------------------------------------------------


AT_ONCE = limits.rate_of("free", "pages").burst


def admitted(stage, browsers=12, each=10):
    """How many of many at once are let in, of a shop whose plan allows AT_ONCE."""
    (shop,) = stage.open_shops(1, tills=1, members=1, plan="free")
    seen, gate = [], threading.Barrier(browsers)

    def ask():
        browser = Browser(stage.port, shop["host"], {})
        browser.ask("GET", "/livez")
        gate.wait(10)
        seen.extend(browser.ask("GET", "/manage/")[0] for _ in range(each))
        browser.close()

    threads = [threading.Thread(target=ask) for _ in range(browsers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen.count(303), seen


def test_a_limit_that_is_read_and_then_written_lets_more_in(stage):
    planted(stage, "limit_read_then_written")
    assert admitted(stage)[0] > 2 * AT_ONCE
    planted(stage, "nothing")
    let_in, seen = admitted(stage)
    assert AT_ONCE <= let_in <= 2 * AT_ONCE, seen  # some come back meanwhile


def visits_before_and_after(stage):
    """What the owner's home says of today, before the shop's first sale and after it."""
    (shop,) = stage.open_shops(1, tills=1, members=1)
    (till,), (member,) = shop["tills"], shop["members"]
    owner = Browser(stage.port, shop["host"], {})
    owner.ask("GET", f"/accounts/link/{till['link']}/")
    owner.ask("POST", f"/accounts/link/{till['link']}/", {})
    before = visits(owner)
    counter = Browser(stage.port, shop["host"], {"device": till["token"]})
    counter.ask("GET", "/till/")
    counter.ask("POST", "/till/person/", {"person": shop["person"], "pin": shop["pin"]})
    form = {"amount": "24.50", "key": "6f1c2c6e-9d1b-4a39-8f43-0d3f1a2b3c4d"}
    sold = counter.ask("POST", f"/till/members/{member['id']}/purchases/", form)
    assert sold[0] == 303, sold
    after = visits(owner)
    owner.close()
    counter.close()
    return before, after


def visits(owner):
    found = re.search(r'Visits today</th>\s*<td class="fig">(\d+)', owner.ask("GET", "/manage/")[2])
    assert found
    return int(found[1])


def test_a_home_that_nobody_told_is_out_of_date(stage):
    planted(stage, "what_was_written_is_not_told")
    assert visits_before_and_after(stage) == (0, 0)
    planted(stage, "nothing")
    assert visits_before_and_after(stage) == (0, 1)


JOBS = """
    WITH jobs AS (
        SELECT args #>> '{arguments,key}' AS key FROM procrastinate_jobs
         WHERE task_name = 'tests.note' AND queue_name = ANY(%(shops)s)
    ), sales AS (
        SELECT key FROM loyalty_operation
         WHERE tenant_id = ANY(%(shops)s::uuid[]) AND verb = 'purchase'
    )
    SELECT count(*) FILTER (WHERE sales.key IS NULL) AS of_nothing,
           count(jobs.key) - count(DISTINCT jobs.key) AS again,
           count(*) FILTER (WHERE jobs.key IS NULL) AS missing,
           count(*) FROM jobs FULL JOIN sales USING (key)
"""


def jobs_and_sales(stage):
    """Jobs of no sale, second jobs of a sale, sales without a job; and how many in all."""
    with Bank(stage, voids=0, looks=0) as bank:
        bank.calm(3)
        bank.settle()
        with stage.connect() as connection:
            *wrong, count = connection.execute(JOBS, {"shops": bank.tenants}).fetchone()
    return wrong, count


def test_a_job_before_its_cause_is_there_without_it(stage):
    failing = "before_commit=raise:20%;after_lock=raise:20%"
    planted(stage, "job_before_its_cause", failing)
    wrong, _ = jobs_and_sales(stage)
    assert any(wrong)
    planted(stage, "job_with_its_cause", failing)
    wrong, count = jobs_and_sales(stage)
    assert wrong == [0, 0, 0]
    assert count > 5


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("log_without_tenant", "has no tenant"), ("name_in_the_log", "tells"), ("nothing", "")],
)
def test_the_log_is_read(stage, name, wrong):
    planted(stage, name)
    since = len(stage.said)
    with Bank(stage, looks=0.8) as bank:
        bank.calm(2)
        bank.settle()
        until(lambda: any('"portal.request"' in line for line in stage.log(since)))
        found = {what.partition(" ")[0]: line for what, line in told(stage, since, bank)}
        kinds = {what for what, _ in told(stage, since, bank)}
    assert any(kind.startswith(wrong) for kind in kinds) if wrong else not kinds, (kinds, found)


def told(stage, since, bank):
    return list(wrong_in(stage.log(since), secrets_of(bank.shops)))


def test_a_line_that_is_none_and_one_that_tells_are_found():
    good = {"at": "1", "level": "info", "logger": "portal.request", "event": "GET /"}
    mine = good | {"request": "r", "tenant": "t", "status": 200}
    lines = [json.dumps(mine), "Traceback", json.dumps(good | {"status": 200})]
    lines += [json.dumps(mine | {"x": x}) for x in ("+971501234567", "eyJhbGciOi.eyJzdWIiOi.x")]
    lines += [json.dumps(mine | {"x": x}) for x in ("a@b.example", "Secretive")]
    assert [what for what, _ in wrong_in(lines, ["Secretive"])] == [
        "no JSON",
        "has no request",
        "has no tenant",
        "tells the phone +971501234567",
        "tells eyJhbGciOi.eyJzdWIiOi.x",
        "tells a@b.example",
        "tells Secretive",
    ]
