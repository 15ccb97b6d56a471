"""A worker's jobs: each inside its shop, also after one that failed and beside others."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from django.db import DatabaseError, close_old_connections, transaction
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from tenants.context import inside, platform, tenant_id
from tenants.jobs import enqueue, task
from tests.walls.looking import WORKER, Pair, by_orm, by_sql, look, look_in, nobody, probe
from tests.walls.probes.transactions import ask

JOBS = 8
NEVER = RetryStrategy(max_attempts=1, retry_exceptions={LookupError})
told: list[str] = []
done: list[str] = []


def _look_about(tenant: str) -> None:
    if str(tenant_id()) != tenant:
        told.append(f"the job of {tenant} ran in {tenant_id()}")
    told.extend(look(UUID(tenant)))
    done.append(tenant)


@task(name="walls.look", retry=NEVER)
def looking(tenant: str) -> None:
    _look_about(tenant)
    with transaction.atomic():
        told.extend(look(UUID(tenant)))
    close_old_connections()


@task(name="walls.fail", retry=NEVER)
def failing(tenant: str) -> None:
    with transaction.atomic():
        _look_about(tenant)
        ask("SELECT 1 / 0")


@app.task(name="walls.nobody", queue="walls")
def in_no_shop() -> None:
    told.extend(nobody())
    done.append("")


@probe(WORKER)
def jobs_of_two_shops(pair: Pair) -> list[str]:
    told.clear()
    done.clear()
    for number in range(JOBS):
        tenant = pair.both[number % 2]
        with inside(tenant):
            enqueue(failing if number % 3 == 0 else looking, tenant=str(tenant.pk))
    in_no_shop.defer()
    asyncio.run(_work([*(str(tenant.pk) for tenant in pair.both), "walls"]))
    return told + ([] if len(done) == JOBS + 1 else [f"{len(done)} jobs ran"])


async def _work(queues: list[str]) -> None:
    with app.replace_connector(app.connector.get_worker_connector()) as working:
        async with working.open_async():
            await working.run_worker_async(
                queues=queues,
                wait=False,
                concurrency=3,
                listen_notify=False,
                install_signal_handlers=False,
                delete_jobs="always",
            )


@probe(WORKER)
def the_platform_and_back(pair: Pair) -> list[str]:
    """Work over all shops leaves nothing behind: not in one of them, not for nobody."""
    both: set[Any] = {tenant.pk for tenant in pair.both}
    faults = look_in(pair.anna)
    with platform("a probe"):
        for way, read in (("ORM", by_orm), ("SQL", by_sql)):
            if not both <= read():
                faults.append(f"{way}: the platform did not see all shops")
        faults += look_in(pair.boris)
    with transaction.atomic():
        faults += look_in(pair.anna)
    try:
        with platform("a probe"):
            ask("SELECT 1 / 0")
    except DatabaseError:
        faults += look_in(pair.boris)
    return faults
