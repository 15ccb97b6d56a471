"""What Prometheus is told of requests and jobs, counted in each process and added up by the page.

Series are bounded by the code and never by the number of shops: no label here names one. Where
PROMETHEUS_MULTIPROC_DIR names a folder, processes keep their counts in files there, which
portal.metrics_page reads; where it names none, nobody counts.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from django.conf import settings

from tenants import jobs
from tenants.breaker import valkey

log = logging.getLogger("portal.metrics")
RESERVED = 256 * 1024  # bytes of each file: more than all series take
KINDS = ("counter", "histogram", "gauge_livemax")
METHODS = frozenset({"GET", "HEAD", "POST"})  # the rest is told as "other"
WHOLE = frozenset({429, 503})  # statuses that are told as themselves, the rest as "2xx" …
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
JOB_SECONDS = (0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0)


class Instruments:
    """The counters of this process. prometheus_client is read in when the first one is needed."""

    def __init__(self, folder: Path) -> None:
        reserve(folder)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # it is asked at the import
        from prometheus_client import Counter, Gauge, Histogram  # noqa: PLC0415

        self.requests = Counter(
            "portal_requests", "Requests answered", ["route", "method", "status"], registry=None
        )
        self.seconds = Histogram(
            "portal_request_seconds",
            "Seconds to answer a request",
            ["route"],
            buckets=REQUEST_SECONDS,
            registry=None,
        )
        self.jobs = Counter("portal_jobs", "Tries at a job", ["task", "outcome"], registry=None)
        self.job_seconds = Histogram(
            "portal_job_seconds",
            "Seconds that a try at a job took",
            ["task"],
            buckets=JOB_SECONDS,
            registry=None,
        )
        self.breaker = Gauge(
            "portal_breaker_open",
            "1 where a process does without a server",
            ["server"],
            registry=None,
            multiprocess_mode="livemax",
        ).labels("valkey")
        self.is_open: bool | None = None  # what the breaker was told last


class Mine:
    """The instruments of this process, made when the first of them is needed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made: Instruments | None = None
        self.is_able = True

    def get(self) -> Instruments | None:
        if self.made is None and self.is_able and settings.METRICS_FOLDER:
            with self.lock:
                self._make()
        return self.made

    def _make(self) -> None:
        try:
            if self.made is None:
                self.made = Instruments(Path(settings.METRICS_FOLDER))
        except OSError as error:  # a full disk ends no request
            self.is_able = False
            log.warning("this process counts nothing", exc_info=error)

    def begin_anew(self) -> None:
        """A child counts in files of its own; the library opens them, here they get their size."""
        self.lock = threading.Lock()
        if self.made is not None:
            try:
                reserve(Path(settings.METRICS_FOLDER))
            except OSError:
                self.made, self.is_able = None, False


_mine = Mine()
os.register_at_fork(after_in_child=_mine.begin_anew)


def observe(route: str, method: str, status: int, seconds: float) -> None:
    """Count one request. `route` is the pattern that matched ("till/members/<uuid:pk>/") or a word
    for none: never a path, of which there is no end.
    """
    if instruments := _mine.get():
        method = method if method in METHODS else "other"
        told = str(status) if status in WHOLE else f"{status // 100}xx"
        instruments.requests.labels(route, method, told).inc()
        instruments.seconds.labels(route).observe(seconds)
        if valkey.is_open is not instruments.is_open:
            instruments.is_open = valkey.is_open
            instruments.breaker.set(valkey.is_open)


def observe_job(done: jobs.Done) -> None:
    """Count one try at a job: told by tenants.jobs (portal.apps)."""
    if instruments := _mine.get():
        instruments.jobs.labels(done.task, done.outcome).inc()
        instruments.job_seconds.labels(done.task).observe(done.seconds)


def reserve(folder: Path) -> None:
    """Make this process' files at their full size.

    prometheus_client maps files with holes into memory, and the first write into a hole ends the
    process (SIGBUS) where the disk is full. So told here, by an OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        with (folder / f"{kind}_{os.getpid()}.db").open("ab") as file:
            if hasattr(os, "posix_fallocate"):  # Linux
                os.posix_fallocate(file.fileno(), 0, RESERVED)
