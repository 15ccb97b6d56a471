"""Traces name routes and statements, and nobody."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from portal import tracing
from portal.home import ROOT

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans(settings, monkeypatch):
    exporter = InMemorySpanExporter()
    monkeypatch.setattr(tracing, "exporter", lambda: exporter)
    monkeypatch.setattr(tracing, "BatchSpanProcessor", SimpleSpanProcessor)
    settings.TRACES = "console"
    at = settings.MIDDLEWARE.index("portal.requests.LogMiddleware") + 1
    settings.MIDDLEWARE = [*settings.MIDDLEWARE]
    settings.MIDDLEWARE.insert(at, "portal.tracing.TracingMiddleware")
    return exporter


def test_a_request_is_a_span_with_its_statements_below(spans, stranger, cafe):
    answer = stranger.get("/m/ABCDEF123456/?q=0501234567")
    found = spans.get_finished_spans()
    (request,) = [span for span in found if span.parent is None]
    assert request.name == r"GET /^[mM]/(?P<code>[0-9A-Za-z]{6,20})/?$"
    assert request.attributes["tenant.id"] == str(cafe.tenant.pk)
    assert request.attributes["request.id"] == answer.headers["X-Request-ID"]
    assert request.attributes["http.response.status_code"] == answer.status_code
    below = [span for span in found if span.parent]
    assert {span.context.trace_id for span in below} == {request.context.trace_id}
    assert any("%s" in span.attributes["db.statement"] for span in below)
    told = "".join(span.to_json() for span in found)
    for secret in ("ABCDEF123456", "0501234567", "cafe.localhost"):
        assert secret not in told


@pytest.mark.parametrize("is_behind", [True, False])
def test_a_trace_of_the_proxy_goes_on_and_a_strangers_does_not(
    spans, stranger, settings, is_behind
):
    settings.BEHIND_PROXY = is_behind
    stranger.get("/", headers={"traceparent": PARENT})
    traces = {f"{span.context.trace_id:032x}" for span in spans.get_finished_spans()}
    assert (PARENT.split("-")[1] in traces) is is_behind


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_is_imported_where_nobody_gathers():
    done = run("import sys, portal.wsgi; print('portal.tracing' in sys.modules)")
    assert done.stdout == "False\n", done.stderr


@pytest.mark.thorough
def test_a_missing_package_is_named_with_the_way_to_it():
    code = "import sys; sys.modules['opentelemetry'] = None; import portal.wsgi"
    done = run(code, OTEL_TRACES_EXPORTER="console")
    assert "pip install -r requirements-otel.txt" in done.stderr
