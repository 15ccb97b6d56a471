"""Tasks of two shops in turns on one event loop, and so on one thread's connection."""

from __future__ import annotations

import asyncio

from asgiref.sync import sync_to_async
from django.db import connection

from tenants.context import TenantMismatch, current, inside
from tenants.models import Location, Tenant
from tests.walls.looking import APP, Pair, look, probe, strange

PATIENCE = 20  # seconds until a probe gives up
ROUNDS = 2


@probe(APP)
def tasks_on_one_loop(pair: Pair) -> list[str]:
    async def all_of_it() -> list[str]:
        meeting = asyncio.Barrier(2)
        async with asyncio.timeout(PATIENCE):
            told = await asyncio.gather(*(_task(tenant, meeting) for tenant in pair.both))
        faults = [fault for faults in told for fault in faults]
        if current() is not None:
            faults.append(f"the loop is in {current()}")
        await sync_to_async(_close)()
        return faults

    return asyncio.run(all_of_it())


def _close() -> None:
    connection.close()  # of the thread that this runs in


async def _task(tenant: Tenant, meeting: asyncio.Barrier) -> list[str]:
    faults = []
    with inside(tenant):
        for _ in range(ROUNDS):
            faults += strange([each async for each in Location.objects.all()], tenant.pk)
            await meeting.wait()
            faults += await sync_to_async(look)(tenant.pk)
            await meeting.wait()
            faults += await _half_read(tenant, meeting)
            await meeting.wait()
    return faults


async def _half_read(tenant: Tenant, meeting: asyncio.Barrier) -> list[str]:
    """Two cursors are open on one connection, and each is read on in its own scope."""
    rows = aiter(Location.objects.order_by("pk").aiterator(chunk_size=1))
    seen = [await anext(rows)]
    await meeting.wait()
    try:
        seen += [each async for each in rows]
    except TenantMismatch as error:
        return [f"its own cursor was refused: {error}"]
    return strange(seen, tenant.pk)
