"""What shops ask of the machine: counted in memory, written where all processes add to it."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import threading

import pytest
from django.core.management import call_command
from django.db import connection

from portal.home import ROOT
from tenants import failpoints, usage
from tenants.context import inside, platform
from tenants.models import Usage
from tenants.tally import Tally
from tenants.usage import Counts, busiest, count, counted, write

HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def _nothing_counted(monkeypatch):
    monkeypatch.setattr(usage, "_waiting", usage.Waiting())


def ask(tenant, status=200, milliseconds=10, statements=2, rows=5):
    tally = Tally(statements=statements, rows=rows)
    count(tenant.pk, milliseconds=milliseconds, tally=tally, status=status)


def rows_of(tenant):
    with inside(tenant):
        return [
            Counts(*(getattr(row, name) for name in usage.COLUMNS)) for row in Usage.objects.all()
        ]


def test_what_was_counted_is_in_the_row_of_its_shop_once(two):
    anna, boris = two
    for status in (200, 302, 404, 429, 500):
        ask(anna, status)
    ask(boris)
    assert rows_of(anna) == []
    assert write() == 2
    assert write() == 0
    assert rows_of(anna) == [Counts(5, 50, 10, 25, refused=2, limited=1, failed=1)]
    assert rows_of(boris) == [Counts(1, 10, 2, 5)]
    assert counted(anna.pk) == Counts()


def test_a_second_write_adds_to_the_row(two):
    for _ in range(2):
        ask(two[0])
        write()
    assert rows_of(two[0]) == [Counts(2, 20, 4, 10)]


def test_two_processes_that_make_the_row_at_once_lose_nothing(two):
    key, barrier = (two[0].pk, 500_000), threading.Barrier(4)

    def add():
        try:
            barrier.wait(10)
            usage._add(key, Counts(1, 10, 2, 5))
        finally:
            connection.close()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows_of(two[0]) == [Counts(4, 40, 8, 20)]


def test_what_cannot_be_written_is_kept_and_told(two, monkeypatch, told):
    ask(two[0])
    monkeypatch.setattr(failpoints, "_rules", failpoints.read("before_usage=raise"))
    assert write() == 0
    ask(two[0])
    assert counted(two[0].pk).requests == 2
    (line,) = told
    assert (line["event"], line["level"], line["kept"]) == ("usage not written", "warning", 1)
    monkeypatch.setattr(failpoints, "_rules", {})
    write()
    assert rows_of(two[0]) == [Counts(2, 20, 4, 10)]


def test_what_waits_for_the_database_has_an_end(two, monkeypatch, told):
    monkeypatch.setattr(usage, "MOST", 1)
    monkeypatch.setattr(failpoints, "_rules", failpoints.read("before_usage=raise"))
    usage._waiting.counts[(two[1].pk, 1)] = Counts(7)
    ask(two[0])
    write()
    assert (counted(two[0].pk).requests, counted(two[1].pk).requests) == (1, 0)
    assert told[0]["dropped"] == 1


def test_a_process_writes_by_itself_and_at_its_end(two):
    """Forked, as a server may do: the child counts its own, from nothing."""
    program = """
import os, multiprocessing, time, django
django.setup()
from django.conf import settings
from tenants import usage
from tenants.models import Tenant
from tenants.tally import Tally
anna = Tenant.objects.get(slug="anna").pk
from django.db import connection
connection.close()
settings.USAGE_EVERY = 3600
count = lambda: usage.count(anna, milliseconds=1, tally=Tally(), status=200)
def child():
    assert usage.counted(anna).requests == 0
    count()
count()
process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join()
count()
"""
    told = {"PORTAL_LOGIN": "app", "PORTAL_ASSUME_ROLE": ""}
    subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ | told, check=True, timeout=60
    )
    assert rows_of(two[0]) == [Counts(3, 3)]


def test_the_noisiest_come_first_with_their_share(two, capsys):
    anna, boris = two
    ask(anna, milliseconds=100)
    ask(boris, milliseconds=300, status=429)
    write()
    usage._add((anna.pk, 400_000), Counts(9, 9_000))  # in 2015
    with platform("a test"):
        top, whole = busiest(dt.datetime.now(dt.UTC) - HOUR, 1)
    assert [(load.tenant, load.counts.milliseconds) for load in top] == [(boris.pk, 300)]
    assert (whole.shops, whole.counts.milliseconds, whole.counts.requests) == (2, 400, 2)
    call_command("usage", "--hours", "2", "--top", "1")
    title, first, everything = capsys.readouterr().out.splitlines()
    assert first.split() == ["boris", "1", "300", "5", "1", "0", "75.0", "%"]
    assert everything.split()[:4] == ["all", "2", "2", "400"]
    assert title.split()[0] == "shop"


def test_old_rows_are_forgotten(in_cafe):
    now = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    for age in (usage.KEPT + HOUR, usage.KEPT - HOUR):
        Usage.objects.create(hour=now - age)
    assert usage.forget_old(now) == 1
    assert Usage.objects.get().hour == now - usage.KEPT + HOUR
