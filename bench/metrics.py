"""The page of metrics with 10,000 shops: its bytes and milliseconds; rival: a label for each shop.

python -m bench.metrics
"""

from __future__ import annotations

import atexit
import datetime as dt
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench.stage import analyze, as_owner, cpu, stage, table
from portal.home import ROOT

SHOPS, ROUTES, ROUNDS = 10_000, 60, 15
PROCESSES = 3
HOURS = 24  # of each shop, as rows of usage
COUNTING = f"""
import time, django
django.setup()
from portal.metrics import observe
for route in range({ROUTES}):
    for method in ("GET", "POST"):
        for status in (200, 404, 429):
            observe(f"some/longish/route/<uuid:pk>/{{route}}/", method, status, 0.02)
print("counted", flush=True)
time.sleep(3600)
"""


def main() -> None:
    logging.disable(logging.INFO)
    with TemporaryDirectory() as folder, stage(login="worker") as environment:
        from django.conf import settings
        from prometheus_client import CollectorRegistry, Histogram, generate_latest

        from portal.metrics_page import page

        fill(environment)
        analyze(environment)
        settings.METRICS_FOLDER = folder
        count_in_processes(environment, folder)
        text = page()
        ours, of_it = timed(page), costs(page, environment)
        registry = CollectorRegistry()
        rival = Histogram("rival_seconds", "…", ["tenant", "route"], registry=registry)
        for shop in range(SHOPS):
            for route in range(5):
                rival.labels(f"{shop:032x}", f"till/{route}/").observe(0.01)
        of_rival = generate_latest(registry)
        theirs = timed(lambda: generate_latest(registry), rounds=1)
    lines = sum(not line.startswith(b"#") for line in text.splitlines())
    table(
        f"The page of metrics, {SHOPS} shops with {HOURS} hours of usage each",
        [
            ("series", str(lines), "goal ≤ 2,000"),
            ("bytes", f"{len(text) / 1e3:.0f} kB", "goal ≤ 300 kB"),
            ("time", f"{ours * 1e3:.0f} ms", "goal ≤ 100 ms"),
            ("CPU, ours and PostgreSQL's", f"{of_it[0] * 1e3:.0f} + {of_it[1] * 1e3:.0f} ms", ""),
            ("rival, 5 routes × a label a shop: bytes", f"{len(of_rival) / 1e6:.1f} MB", ""),
            ("rival: time", f"{theirs:.1f} s", ""),
        ],
    )


def costs(way: Callable[[], Any], environment: dict[str, str]) -> tuple[float, float]:
    """CPU seconds of one call, here and in PostgreSQL."""
    query = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = %s"
    with as_owner(environment) as connection:
        rows = connection.execute(query, [connection.info.dbname]).fetchall()
    servers = [int(str(pid)) for (pid,) in rows]
    before, began = cpu(*servers), time.process_time()
    for _ in range(ROUNDS):
        way()
    here = time.process_time() - began
    return here / ROUNDS, (cpu(*servers) - before) / ROUNDS


def count_in_processes(environment: dict[str, str], folder: str) -> None:
    """PROCESSES that live and have answered every route with three statuses, by two methods."""
    told = {**os.environ, **environment, "PROMETHEUS_MULTIPROC_DIR": folder, "PORTAL_LOGIN": "app"}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTING], cwd=ROOT, env=told, stdout=subprocess.PIPE
        )
        for _ in range(PROCESSES)
    ]
    for each in running:
        assert each.stdout
        assert each.stdout.readline() == b"counted\n"
        atexit.register(each.kill)


def timed(way: Callable[[], Any], rounds: int = ROUNDS) -> float:
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        way()
        took.append(time.perf_counter() - began)
    return median(took)


def fill(environment: dict[str, str]) -> None:
    """Shops with usage, jobs that wait, and two processes that counted every route."""
    hour = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
    with as_owner(environment) as connection:
        connection.execute(
            "INSERT INTO tenants_tenant (id, slug, state, plan, country_id, currency_id, zone)"
            " SELECT gen_random_uuid(), 'shop-' || n, 'active', 'free', 'AE', 'AED', 'Asia/Dubai'"
            " FROM generate_series(1, %s) n",
            [SHOPS],
        )
        connection.execute(
            "INSERT INTO tenants_usage (id, tenant_id, hour, requests, milliseconds, statements,"
            " rows, refused, limited, failed)"
            " SELECT gen_random_uuid(), id, %s - make_interval(hours => h), 100, 1000 * random(),"
            " 500, 900, 1, 0, 0 FROM tenants_tenant, generate_series(0, %s) h",
            [hour, HOURS - 1],
        )
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
            " SELECT id::text, 'a.task', '{}' FROM tenants_tenant"
        )


if __name__ == "__main__":
    main()
