"""Traces by OpenTelemetry: a span a request, and below it one a statement.

Set OTEL_EXPORTER_OTLP_ENDPOINT (or OTEL_TRACES_EXPORTER=console) and install requirements-otel.txt;
else nothing of this is imported. A span names routes, never paths, and statements with their
placeholders: no figure of a shop and no word of a person is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import HttpRequest, HttpResponse

from tenants.logs import place, route_of

try:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
    from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as error:
    raise ImproperlyConfigured(
        "OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_TRACES_EXPORTER asks for traces, whose packages are "
        f"not here ({error.name}): pip install -r requirements-otel.txt"
    ) from error

LONGEST = 2_000  # signs of a statement


class TracingMiddleware:
    """Stands inside the log, which knows the number, and around all runs of a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.tracer = tracer()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with self.tracer.start_as_current_span(
            request.method or "", context=_above(request), kind=SpanKind.SERVER
        ) as span:
            with connection.execute_wrapper(self._statement):
                response = self.get_response(request)
            _describe(span, request, response)
            return response

    def _statement(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        text = str(sql)[:LONGEST]
        told = {"db.system": "postgresql", "db.statement": text}
        name = text.partition(" ")[0].upper()
        # What PostgreSQL says of an error quotes the row, so only its class is told.
        with self.tracer.start_as_current_span(
            name, kind=SpanKind.CLIENT, attributes=told, record_exception=False
        ) as span:
            try:
                return execute(sql, params, many, context)
            except Exception as error:
                span.set_status(StatusCode.ERROR, type(error).__name__)
                raise


def tracer() -> Tracer:
    """A tracer that sends to where the environment says."""
    resource = Resource.create({"service.name": settings.TRACES_NAME})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter()))
    return provider.get_tracer("portal")


def exporter() -> SpanExporter:
    if settings.TRACES == "console":
        return ConsoleSpanExporter()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
    except ImportError as error:
        raise ImproperlyConfigured(
            "OTEL_EXPORTER_OTLP_ENDPOINT asks for traces to be sent, by a package that is not "
            f"here ({error.name}): pip install -r requirements-otel.txt"
        ) from error
    made: SpanExporter = OTLPSpanExporter()
    return made


def _above(request: HttpRequest) -> Any:
    """The trace that our proxy began; a stranger's word for it is not taken."""
    carrier = {}
    if settings.BEHIND_PROXY and (told := request.META.get("HTTP_TRACEPARENT")):
        carrier["traceparent"] = str(told)
    return TraceContextTextMapPropagator().extract(carrier)


def _describe(span: Span, request: HttpRequest, response: HttpResponse) -> None:
    span.update_name(route_of(request))
    match = request.resolver_match
    span.set_attribute("http.request.method", request.method or "")
    span.set_attribute("http.route", f"/{match.route}" if match else "")
    span.set_attribute("http.response.status_code", response.status_code)
    span.set_attribute("request.id", place().request_id)
    if tenant := getattr(request, "tenant", None):
        span.set_attribute("tenant.id", str(tenant.pk))
    if response.status_code >= 500:  # noqa: PLR2004
        span.set_status(StatusCode.ERROR)
