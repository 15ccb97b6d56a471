"""/livez and /readyz tell the truth, in time."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from portal import health, unavailable
from portal.embedded import Services
from portal.unavailable import Trouble
from tests.test_embedded import new_home, until


@pytest.fixture
def watch(monkeypatch):
    fresh = health.Watch()
    monkeypatch.setattr(health, "watch", fresh)
    monkeypatch.setattr(health, "DEADLINE", 20.0)  # of a look at what is there: machines are slow
    yield fresh
    if fresh._connection:
        fresh._connection.close()


anybody = Client(HTTP_HOST="whatever")  # one, because each loads all middleware at its first ask


def ask(path="/readyz"):
    began = time.perf_counter()
    answer = anybody.get(path)
    return answer, time.perf_counter() - began


@pytest.mark.usefixtures("transactional_db")
def test_ready_means_that_the_database_answers_and_has_all_migrations(watch):
    answer, _ = ask()
    assert (answer.status_code, answer.json()["database"]) == (200, "ok")
    watch._is_migrated = False
    with connection.cursor() as cursor, connection.as_owner():
        cursor.execute("DELETE FROM django_migrations WHERE name = '0003_traffic'")
    answer, _ = ask()
    assert (answer.status_code, answer.json()["database"]) == (503, "behind")
    with connection.cursor() as cursor, connection.as_owner():
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('tenants', '0003_traffic', now())"
        )
    assert ask()[0].status_code == 200


@pytest.mark.usefixtures("transactional_db")
def test_a_disk_that_a_request_found_full_is_believed_for_a_while(watch, monkeypatch):
    monkeypatch.setitem(unavailable._seen, Trouble.FULL, time.monotonic() - 5)
    assert ask()[0].json()["database"] == "full"
    monkeypatch.setitem(unavailable._seen, Trouble.FULL, time.monotonic() - 11)
    assert ask()[0].status_code == 200
    monkeypatch.setitem(unavailable._seen, Trouble.BUSY, time.monotonic())
    assert ask()[0].json()["database"] == "busy"


@pytest.fixture
def other(transactional_db, watch, monkeypatch):
    """A server of our own to freeze, which the watch asks."""
    home = new_home()
    with Services(home, throwaway=True) as services:
        monkeypatch.setattr(health, "_own_connection", lambda: to(services))
        watch._is_migrated = True
        yield services
        watch._connection.close()


def to(services):
    own = connection.copy("readiness")
    own.inc_thread_sharing()
    own.settings_dict |= {"NAME": "portal", "HOST": str(services.place.run)}
    return own


def test_a_frozen_database_is_away_within_a_second_and_back_at_once(other, watch, monkeypatch):
    assert ask()[0].status_code == 200
    monkeypatch.setattr(health, "DEADLINE", 1.0)
    postmaster = int((other.postgres.directory / "postmaster.pid").read_text().split()[0])
    backend = watch._connection.connection.info.backend_pid
    for pid in (postmaster, backend):
        os.kill(pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(10) as polls:
            answers = list(polls.map(lambda _: ask(), range(20)))
        assert {answer.status_code for answer, _ in answers} == {503}
        assert max(seconds for _, seconds in answers) < 4  # a second, on a busy machine
        assert ask()[1] < 0.5  # the one look still hangs: nobody waits for it twice
        live, seconds = ask("/livez")
        assert live.status_code == 200
        assert seconds < 0.5
    finally:
        for pid in (backend, postmaster):
            os.kill(pid, signal.SIGCONT)
    until(lambda: ask()[0].status_code == 200)


def test_a_look_that_hangs_is_cut_off_and_another_begins(other, watch, monkeypatch):
    assert ask()[0].status_code == 200
    monkeypatch.setattr(health, "DEADLINE", 1.0)
    backend = watch._connection.connection.info.backend_pid
    os.kill(backend, signal.SIGSTOP)  # this one will never answer
    try:
        assert ask()[0].status_code == 503
        monkeypatch.setattr(health, "GIVE_UP", 0.0)
        monkeypatch.setattr(health, "DEADLINE", 20.0)
        assert ask()[0].status_code == 200
    finally:
        os.kill(backend, signal.SIGKILL)


def test_it_names_no_version_and_no_address(other):
    assert set(ask()[0].json()) == {"ready", "database", "cache"}
