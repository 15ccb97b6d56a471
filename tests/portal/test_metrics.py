"""The page of metrics: counts of all processes, and never more series because of more shops."""

from __future__ import annotations

import datetime as dt
import http.client
import os
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from django.conf import settings as portal_settings
from django.db import connection
from django.urls import URLPattern, get_resolver
from prometheus_client.parser import text_string_to_metric_families

from loyalty.tasks import forget_operations
from portal import metrics, metrics_page
from portal.home import ROOT
from portal.metrics_page import TOP, Handler, Server, page, serve
from tenants import jobs
from tenants.context import inside
from tenants.models import Usage
from tenants.testing import make_tenant
from tests.test_embedded import until

MOST_SERIES = 10_000
COUNTING = """
import os, sys, django
django.setup()
from portal.metrics import observe, observe_job
from tenants.jobs import Done
observe("till/", "GET", 200, 0.03)
if os.fork() == 0:
    observe("till/", "GET", 204, 7.0)
    observe("till/", "BREW", 429, 0.001)
    observe_job(Done("a.task", "failed", 0.2))
    os._exit(0)
os.wait()
observe("till/", "GET", 200, 0.03)
"""


@pytest.fixture
def folder(tmp_path, settings):
    settings.METRICS_FOLDER = str(tmp_path / "counts")
    return tmp_path / "counts"


@pytest.fixture
def as_worker(transactional_db, monkeypatch):
    """The login that the page has."""
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "assume_role", "portal_worker")
    connection.close()
    yield
    connection.close()


def series():
    """Name and labels → value, of the page as it is now."""
    families = text_string_to_metric_families(page().decode())
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_processes_count_together_and_their_end_takes_nothing_away(folder, as_worker):
    told = {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    for _ in range(2):
        program = [sys.executable, "-c", COUNTING]
        subprocess.run(program, cwd=ROOT, env=os.environ | told, check=True, timeout=60)
    for _ in range(2):  # the second time they are buried
        found = series()
        route = ("route", "till/")
        answered = ("portal_requests_total", ("method", "GET"), route, ("status", "2xx"))
        assert found[answered] == 6
        limited = ("portal_requests_total", ("method", "other"), route, ("status", "429"))
        assert found[limited] == 2
        assert found["portal_request_seconds_bucket", ("le", "0.05"), route] == 6
        assert found["portal_request_seconds_count", route] == 8
        assert found["portal_jobs_total", ("outcome", "failed"), ("task", "a.task")] == 2
        assert {file.name for file in folder.iterdir()} == {"counter_0.db", "histogram_0.db"}


def test_the_busiest_shops_are_told_and_the_rest_together(folder, as_worker):
    hour = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
    tenants = [make_tenant(f"shop-{number}") for number in range(TOP + 5)]
    for number, tenant in enumerate(tenants):
        with inside(tenant):
            Usage.objects.create(hour=hour, requests=1, milliseconds=number)
            Usage.objects.create(hour=hour - dt.timedelta(hours=5), milliseconds=10_000)
    found = series()
    told = {key[1][1]: value for key, value in found.items() if key[0].endswith("_milliseconds")}
    assert told.pop("others") == sum(range(5))
    assert told == {str(t.pk): n for n, t in enumerate(tenants) if n >= 5}
    assert found["portal_shop_requests", ("tenant", "others")] == 5
    assert found[("portal_shops_truncated",)] == 1
    assert found[("portal_shops_active",)] == TOP + 5
    assert b"shop-" not in page()


def test_the_jobs_that_wait_are_told_with_the_age_of_the_oldest(folder, as_worker):
    with inside(make_tenant("cafe")):
        for _ in range(2):
            jobs.enqueue(forget_operations, at="2030-01-01")
    found = series()
    assert found["portal_jobs_now", ("state", "waiting")] == 2
    assert found["portal_jobs_now", ("state", "running")] == 0
    assert 0 <= found[("portal_jobs_oldest_seconds",)] < 60
    assert found[("portal_database_up",)] == 1


def routes(patterns, before=""):
    for each in patterns:
        whole = before + str(each.pattern)
        if isinstance(each, URLPattern):
            yield whole
        else:
            yield from routes(each.url_patterns, whole)


def test_the_code_bounds_the_series():
    confs = (portal_settings.ROOT_URLCONF, portal_settings.APEX_URLCONF)
    known = {route for conf in confs for route in routes(get_resolver(conf).url_patterns)}
    known |= {"(none)"}
    of_seconds = len(metrics.REQUEST_SECONDS) + 3
    methods_and_statuses = 2 * 4  # of a route: GET and POST, four kinds of answers
    of_shops = len(metrics_page.OF_A_SHOP) * (TOP + 1)
    most = len(known) * (of_seconds + methods_and_statuses) + of_shops + 100  # jobs, the rest
    assert len(known) > 15
    assert most <= MOST_SERIES / 2  # there is room for as many pages again


def test_without_a_folder_nobody_counts(client, cafe):
    assert client.get("/", headers={"host": cafe.host}).status_code == 200
    assert metrics._mine.made is None


def test_a_full_disk_ends_no_request(folder, monkeypatch, client, cafe, told):
    monkeypatch.setattr(metrics, "_mine", metrics.Mine())
    folder.touch()  # where a folder should be made
    for _ in range(2):
        assert client.get("/", headers={"host": cafe.host}).status_code == 200
    assert [line["event"] for line in told if line["logger"] == "portal.metrics"] == [
        "this process counts nothing"
    ]


def ask(port, path):
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        asked.request("GET", path)
        answer = asked.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        asked.close()


@contextmanager
def answering():
    """A server that answers once; its port."""
    with Server(("127.0.0.1", 0), Handler) as server:

        def answer():
            try:
                server.handle_request()
            finally:
                connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.server_port
        thread.join()


def test_the_page_is_served(folder, as_worker):
    with answering() as port:
        status, kind, body = ask(port, "/metrics")
    assert (status, kind.split(";")[0]) == (200, "text/plain")
    assert b"portal_database_up 1.0" in body


def test_a_taken_port_is_waited_for(monkeypatch, told):
    monkeypatch.setattr(metrics_page, "TRY_AGAIN", 0.01)
    with Server(("127.0.0.1", 0), Handler) as other:
        port = other.server_port
        threading.Thread(target=serve, args=("127.0.0.1", port), daemon=True).start()
        until(lambda: told)

    def is_served():
        try:
            return ask(port, "/")[0] == 404
        except OSError:
            return False

    until(is_served)
    assert told[0]["port"] == port


def test_a_page_that_cannot_be_made_is_told_and_no_more(folder, as_worker, told):
    folder.mkdir()
    (folder / f"counter_{os.getpid()}.db").write_bytes(b"no file of counts")
    with answering() as port, pytest.raises((OSError, http.client.HTTPException)):
        ask(port, "/metrics")
    assert told[-1]["event"] == "no page of metrics"
    assert "mmap_dict" in told[-1]["error"]["frames"][-1]
