"""Failpoints do nothing until a drill asks, and then what it asks."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.db import connection, transaction

from loyalty.models import Entry, Operation
from loyalty.purchases import record
from portal.home import ROOT
from tenants import failpoints
from tenants.context import inside
from tenants.failpoints import Failed, failpoint, read
from tests.conftest import NOW


@pytest.fixture
def drill(monkeypatch):
    """`drill("after_lock=raise")`: from here on, in this process."""

    def ask(text):
        monkeypatch.setattr(failpoints, "_rules", read(text))
        failpoints._passed.clear()

    return ask


def test_a_drill_is_read_with_its_share_its_turn_and_its_pause():
    rules = read("after_commit=kill:0.5%; mid_import=raise@3;before_reply=pause:200;")
    assert rules["after_commit"] == failpoints.Rule("kill", 0, 0.5, 0)
    assert rules["mid_import"] == failpoints.Rule("raise", 0, 100, 3)
    assert rules["before_reply"] == failpoints.Rule("pause", 200, 100, 0)
    assert read("") == {}


@pytest.mark.parametrize(
    "text", ["nowhere=kill", "after_commit", "after_commit=explode", "after_commit=kill:x%"]
)
def test_what_is_no_failpoint_is_named(text):
    with pytest.raises(ValueError, match=f"PORTAL_FAILPOINTS: '{text}' is no failpoint"):
        read(text)


def test_it_raises_at_its_turn_and_at_no_other(drill):
    drill("mid_import=raise@2")
    failpoint("mid_import")
    with pytest.raises(Failed, match="mid_import"):
        failpoint("mid_import")
    failpoint("mid_import")
    failpoint("after_lock")


def test_a_share_of_those_who_come_by_fails(drill):
    drill("before_reply=raise:20%")
    failed = 0
    for _ in range(1_000):
        try:
            failpoint("before_reply")
        except Failed:
            failed += 1
    assert 120 < failed < 280  # six standard deviations


def test_it_waits(drill):
    drill("before_reply=pause:30")
    began = time.monotonic()
    failpoint("before_reply")
    assert time.monotonic() - began >= 0.03


def test_it_kills_its_process():
    code = "from tenants.failpoints import failpoint; failpoint('before_reply'); print('alive')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, failpoints.VARIABLE: "before_reply=kill"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == ""


def test_unset_it_costs_next_to_nothing(drill):
    drill("")
    began = time.process_time()
    for _ in range(100_000):
        failpoint("after_commit")
    assert time.process_time() - began < 0.5  # 5 µs each; a look-up in a dict takes 0.1


@pytest.mark.parametrize("name", ["after_lock", "before_ledger", "after_ledger"])
def test_a_command_that_fails_on_its_way_leaves_nothing(in_cafe, drill, name):
    drill(f"{name}=raise@1")
    with pytest.raises(Failed):
        record(in_cafe.member, 2450, at=NOW, by=in_cafe.till, key="one")
    assert not Operation.objects.exists()
    assert record(in_cafe.member, 2450, at=NOW, by=in_cafe.till, key="one").points == 24


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "kept"), [("before_commit", 0), ("after_commit", 1)])
def test_around_the_commit_either_all_is_there_or_nothing(cafe, drill, name, kept):
    with inside(cafe.tenant):
        drill(f"{name}=raise@1")
        with pytest.raises(Failed):
            record(cafe.member, 2450, at=NOW, by=cafe.till, key="one")
        drill("")
        assert Operation.objects.count() == Entry.objects.count() == kept
        again = record(cafe.member, 2450, at=NOW, by=cafe.till, key="one")
        assert again.replayed is bool(kept)
        assert Entry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_only_a_real_commit_is_one(drill):
    drill("before_commit=raise@1")
    with pytest.raises(Failed):
        one_block_in_another()
    assert failpoints._passed["before_commit"] == 1
    assert not connection.in_atomic_block


def one_block_in_another():
    with transaction.atomic():
        with transaction.atomic():
            pass
        assert failpoints._passed["before_commit"] == 0
