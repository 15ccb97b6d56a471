"""Jobs: how long the next shop waits behind a shop with a thousand, and what putting in costs.

    python -m bench.jobs

The rival is the same queue in the order of arrival: every priority is zero, as procrastinate has it
unless told otherwise. A real worker with the Procfile's four places does the jobs, 10 ms each.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
from statistics import median
from typing import Any

from bench.stage import analyze, as_owner, stage, table
from portal.home import ROOT

BIG, SMALL, EACH = 1000, 20, 0.010  # jobs of the busy shop, other shops, seconds of a job
PLACES = 4
SPEED = 2000  # jobs to measure the speed with
SAMPLES = 200


def main() -> None:
    os.environ["CONN_MAX_AGE"] = "0"  # a worker's threads come and go here
    logging.disable(logging.INFO)
    with stage() as environment:
        from procrastinate import PsycopgConnector
        from procrastinate.contrib.django import app

        from loyalty.tasks import forget_operations
        from tenants import jobs

        order: list[tuple[str, float]] = []

        @jobs.task(name="bench.work")
        def work() -> None:
            time.sleep(EACH)
            from tenants.context import tenant_id

            order.append((str(tenant_id()), time.perf_counter()))

        @jobs.task(name="bench.nothing")
        def nothing() -> None:
            pass

        connector = PsycopgConnector(conninfo=environment["DATABASE_WORKER_URL"])

        def run() -> float:
            """Let a worker do what waits; gives the seconds it took."""

            async def until_done() -> None:
                async with app.open_async():
                    await app.run_worker_async(
                        wait=False,
                        concurrency=PLACES,
                        install_signal_handlers=False,
                        listen_notify=False,
                    )

            began = time.perf_counter()
            with app.replace_connector(connector):
                asyncio.run(until_done())
            return time.perf_counter() - began

        big, *small = shops(1 + SMALL)
        rows = [("", f"{'fair':>8} {'in order of arrival':>20}", "")]
        delays: dict[bool, Any] = {}
        for fair in (True, False):
            put_in(big, small, work, environment, fair=fair)
            order.clear()
            began, whole = time.perf_counter(), run()
            own = [n for n, (shop, _) in enumerate(order) if shop != str(big.pk)]
            last = max(at for shop, at in order if shop != str(big.pk)) - began
            delays[fair] = (own[0], own[-1] - (SMALL - 1), last, whole)
        fair_, arrival = delays[True], delays[False]
        for what, number, goal in (
            ("jobs before the first other shop's", 0, "goal ≤ 2"),
            (f"jobs of the busy shop before the last of {SMALL} other shops", 1, ""),
        ):
            rows.append((what, f"{fair_[number]:>8} {arrival[number]:>20}", goal))
        for what, number in (("seconds until the last other shop is served", 2), ("all, s", 3)):
            rows.append((what, f"{fair_[number]:>8.2f} {arrival[number]:>20.2f}", ""))
        table(f"One shop with {BIG} jobs of 10 ms, then {SMALL} shops with one each", rows)

        costs = [cost(big, nothing, waiting, environment) for waiting in (0, 10_000)]
        empty(environment)
        for tenant in small:
            fill(tenant, forget_operations, SPEED // SMALL, at="2026-01-01")
        speed = a_second(environment)
    table(
        "Putting in, and speed",
        [
            ("enqueue in a transaction, 0 waiting", f"{costs[0][0]:.0f} µs", ""),
            ("enqueue in a transaction, 10,000 waiting", f"{costs[1][0]:.0f} µs", ""),
            ("procrastinate's own defer, 0 waiting", f"{costs[0][1]:.0f} µs", ""),
            ("procrastinate's own defer, 10,000 waiting", f"{costs[1][1]:.0f} µs", ""),
            (f"jobs of one DELETE, {SMALL} shops, one worker process", f"{speed:.0f} a second", ""),
        ],
    )


def shops(number: int) -> list[Any]:
    from tenants.testing import make_tenant

    return [make_tenant(f"shop-{each}") for each in range(number)]


def put_in(
    big: Any, small: list[Any], work: Any, environment: dict[str, str], *, fair: bool
) -> None:
    """The busy shop's jobs first, then one of each other shop."""
    empty(environment)
    fill(big, work, BIG)
    for tenant in small:
        fill(tenant, work, 1)
    if not fair:
        with as_owner(environment) as connection:
            connection.execute("UPDATE procrastinate_jobs SET priority = 0")
    analyze(environment)


def fill(tenant: Any, task: Any, number: int, **arguments: str) -> None:
    from django.db import transaction

    from tenants import jobs
    from tenants.context import inside

    with inside(tenant), transaction.atomic():
        for _ in range(number):
            jobs.enqueue(task, **arguments)


def a_second(environment: dict[str, str]) -> float:
    """Jobs a second of a worker of its own, from its first to its last."""
    worker = ["procrastinate", "worker", "--concurrency", "4", "--one-shot"]
    subprocess.run(
        [sys.executable, "manage.py", *worker],
        cwd=ROOT,
        env={**os.environ, **environment, "PORTAL_LOGIN": "worker", "CONN_MAX_AGE": "60"},
        stderr=subprocess.DEVNULL,
        check=True,
    )
    query = "SELECT extract(epoch FROM max(at) - min(at)) FROM procrastinate_events WHERE type = %s"
    with as_owner(environment) as connection:
        row = connection.execute(query, ["succeeded"]).fetchone()
    return SPEED / float(str(row[0])) if row else 0.0


def empty(environment: dict[str, str]) -> None:
    with as_owner(environment) as connection:
        connection.execute("TRUNCATE procrastinate_jobs, procrastinate_events CASCADE")


def cost(tenant: Any, task: Any, waiting: int, environment: dict[str, str]) -> tuple[float, float]:
    """µs to put in one job, ours and procrastinate's own, each within a transaction."""
    from django.db import transaction
    from procrastinate.contrib.django import app

    from tenants import jobs
    from tenants.context import inside

    empty(environment)
    with as_owner(environment) as connection:
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, args)"
            " SELECT %s, 'bench.nothing', 0, '{}' FROM generate_series(1, %s)",
            [str(tenant.pk), waiting],
        )
    analyze(environment)
    own = app.tasks["bench.nothing"].configure(queue=str(tenant.pk))
    took: tuple[list[float], list[float]] = ([], [])
    ways = (lambda: jobs.enqueue(task), lambda: own.defer(tenant="", request="", arguments={}))
    with inside(tenant):
        for _ in range(SAMPLES):
            for seconds, way in zip(took, ways, strict=True):
                with transaction.atomic():
                    began = time.perf_counter()
                    way()
                    seconds.append(time.perf_counter() - began)
                    transaction.set_rollback(True)
    return median(took[0]) * 1e6, median(took[1]) * 1e6


if __name__ == "__main__":
    main()
