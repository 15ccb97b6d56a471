"""The page that Prometheus reads: what processes counted, the jobs that wait, the busiest shops.

It stands on a port of its own, which no proxy leads to. However many shops there are, at most TOP
of them are told, and the rest as "others": a label a shop is 40 MB a page at 10,000 of them (seen).
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from django.conf import settings
from django.db import Error, close_old_connections, connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from portal.crew import is_alive
from tenants import usage
from tenants.context import platform

log = logging.getLogger("portal.metrics")
TOP = 20
TRY_AGAIN = 10.0  # seconds until a taken port is asked for again
GRAVE = 0  # the process id under which the counts of ended processes are kept
PATIENCE = 5  # seconds a client may take to ask
READY = "status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())"
JOBS = f"""
    SELECT count(*) FILTER (WHERE {READY}), count(*) FILTER (WHERE status = 'doing'),
           count(*) FILTER (WHERE status = 'failed'), (
        SELECT coalesce(extract(epoch FROM now() - greatest(event.at, oldest.scheduled_at)), 0)
          FROM (SELECT id, scheduled_at FROM procrastinate_jobs
                 WHERE {READY} ORDER BY id LIMIT 1) oldest
          JOIN procrastinate_events event ON event.job_id = oldest.id AND event.type = 'deferred')
      FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed')
"""  # noqa: S608 (a constant of ours)
OF_A_SHOP = {  # series → the column of Usage, and what it is
    "portal_shop_requests": ("requests", "Requests"),
    "portal_shop_milliseconds": ("milliseconds", "Milliseconds of requests and jobs"),
    "portal_shop_rows": ("rows", "Rows of the database"),
    "portal_shop_limited": ("limited", "Requests answered 429"),
}
PERIOD = "in this clock hour and the one before"


class FromTheDatabase:
    """What no process counts, asked when the page is made."""

    def collect(self) -> Iterator[Metric]:
        answers = GaugeMetricFamily("portal_database_up", "1 while PostgreSQL answers this page")
        try:
            found = [*jobs(), *shops(dt.datetime.now(dt.UTC))]
        except Error as error:
            log.warning("the page is without the database", exc_info=error)
            found = []
        answers.add_metric([], 1 if found else 0)
        yield answers
        yield from found


def jobs() -> list[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(JOBS)
        waiting, running, failed, oldest = cursor.fetchone()
    states = GaugeMetricFamily("portal_jobs_now", "Jobs in each state", labels=["state"])
    for state, number in (("waiting", waiting), ("running", running), ("failed", failed)):
        states.add_metric([state], number)
    about = "Seconds that the job which waits longest has waited since it was due"
    return [states, GaugeMetricFamily("portal_jobs_oldest_seconds", about, float(oldest or 0))]


def shops(now: dt.datetime) -> list[Metric]:
    """The busiest shops by their UUID, "others" for the rest together, and whether there is a
    rest.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    with platform("the page of metrics"):
        top, whole = usage.busiest(hour - dt.timedelta(hours=1), TOP)
    found: list[Metric] = []
    for series, (column, what) in OF_A_SHOP.items():
        family = GaugeMetricFamily(series, f"{what} {PERIOD}", labels=["tenant"])
        told = 0
        for load in top:
            told += getattr(load.counts, column)
            family.add_metric([str(load.tenant)], getattr(load.counts, column))
        family.add_metric(["others"], getattr(whole.counts, column) - told)
        found.append(family)
    rest = whole.shops - len(top)
    found.append(
        GaugeMetricFamily("portal_shops_active", f"Shops that asked {PERIOD}", whole.shops)
    )
    found.append(
        GaugeMetricFamily("portal_shops_truncated", "1: more shops than are told", int(rest > 0))
    )
    return found


def bury(folder: Path) -> None:
    """Add what ended processes have counted into one file and delete theirs: each reload of the web
    leaves some. A counter must not go back, so nothing is forgotten.
    """
    for file in folder.glob("*_*.db"):
        kind, _, pid = file.stem.rpartition("_")
        if int(pid) == GRAVE or is_alive(int(pid)):
            continue
        if kind in ("counter", "histogram"):
            grave = MmapedDict(str(folder / f"{kind}_{GRAVE}.db"))  # type: ignore[no-untyped-call]
            for key, value, *_ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
                total = grave.read_value(key)[0] + value  # type: ignore[no-untyped-call]
                grave.write_value(key, total, 0.0)  # type: ignore[no-untyped-call]
            grave.close()  # type: ignore[no-untyped-call]
        file.unlink()


def page() -> bytes:
    """The whole page, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(FromTheDatabase())
    if settings.METRICS_FOLDER:
        Path(settings.METRICS_FOLDER).mkdir(parents=True, exist_ok=True)
        bury(Path(settings.METRICS_FOLDER))
        MultiProcessCollector(registry, settings.METRICS_FOLDER)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


class Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE
    server_version, sys_version = "portal", ""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        close_old_connections()
        try:
            body = page()
        finally:
            connection.close_if_unusable_or_obsolete()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", CONTENT_TYPE_LATEST)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Being asked every fifteen seconds is no event."""


class Server(HTTPServer):
    def handle_error(self, *_: object) -> None:
        """One page that could not be made or sent is told to the log, and the next is tried."""
        log.error("no page of metrics", exc_info=True)  # noqa: LOG014 (called in a handler)


def serve(host: str, port: int) -> None:
    """Answer GET /metrics until told to stop. A port that somebody else has is waited for: a second
    portal on this machine must not end for want of a page.
    """
    while True:
        try:
            server = Server((host, port), Handler)
        except OSError as error:
            facts = {"host": host, "port": port, "why": error.strerror}
            log.warning("the port of the metrics cannot be had yet", extra={"facts": facts})
            time.sleep(TRY_AGAIN)
            continue
        with server:
            server.serve_forever()
