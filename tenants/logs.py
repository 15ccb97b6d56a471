"""Logs as one JSON object a line: which tenant, which request, which actor, and no personal data.

Paths can carry secrets and searches can carry phone numbers, so a request is named by its route.
Messages of database errors quote the row, so of a foreign exception only its class and its frames
are told.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

from tenants.context import current

OURS = ("tenants", "loyalty", "portal")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an act comes from: the request's id, the client's network, who acts, and the route that
    was matched (or the task).
    """

    request_id: str = ""
    address: str = ""
    actor: str = ""
    route: str = ""


_place: ContextVar[Place] = ContextVar("tenants.place", default=Place())  # noqa: B039 (frozen)


def place() -> Place:
    return _place.get()


@contextmanager
def coming_from(request_id: str, address: str) -> Iterator[None]:
    """What is written meanwhile carries this request's id and the client's network."""
    token = _place.set(Place(request_id, network_of(address)))
    try:
        yield
    finally:
        _place.reset(token)


def acting(who: str) -> None:
    """Name who acts, for the rest of this request."""
    _place.set(replace(_place.get(), actor=who))


def routed(route: str) -> None:
    """Name the route for the rest of this request."""
    _place.set(replace(_place.get(), route=route))


def network_of(address: str) -> str:
    """An address without its host part (/24, /48): tells a region, not a person. "" if it is
    none.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return ""
    width = 24 if isinstance(ip, IPv4Address) else 48
    return str(ip_network(f"{ip}/{width}", strict=False).network_address)


class ToldByTheJob(logging.Filter):
    """Drops what procrastinate says of a failed job: tenants.jobs says it with the tenant and the
    request, and without the arguments.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "action", "") != "job_error"


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        scope, here = current(), _place.get()
        told: dict[str, Any] = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat("T", "milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": self._message(record),
            "tenant": str(scope.tenant_id) if scope and scope.tenant_id else None,
            "request": here.request_id or None,
            "actor": here.actor or None,
            "route": here.route or None,
        }
        told |= getattr(record, "facts", {})
        if record.exc_info and record.exc_info[1]:
            told["error"] = self._error(record.exc_info[1])
        return json.dumps(told, ensure_ascii=False, default=str)

    @staticmethod
    def _message(record: logging.LogRecord) -> str:
        request = getattr(record, "request", None)
        if request is None:
            return record.getMessage()
        return f"{getattr(record, 'status_code', '')} {route_of(request)}".strip()

    @staticmethod
    def _error(error: BaseException) -> dict[str, Any]:
        told: dict[str, Any] = {"class": f"{type(error).__module__}.{type(error).__qualname__}"}
        if type(error).__module__.partition(".")[0] in OURS:
            told["message"] = str(error)
        if state := getattr(error.__cause__ or error, "sqlstate", None):
            told["sqlstate"] = state
        frames = traceback.extract_tb(error.__traceback__)
        told["frames"] = [f"{f.filename}:{f.lineno} {f.name}" for f in frames[-8:]]
        return told


def route_of(request: Any) -> str:
    """The pattern a request matched ("till/members/<uuid:pk>/"), which names no person."""
    match = getattr(request, "resolver_match", None)
    return f"{request.method} /{match.route}" if match else f"{request.method} (no route)"
