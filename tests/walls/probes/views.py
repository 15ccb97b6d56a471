"""Views by way of the middleware: at once and async, two shops' requests in turns on one loop."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from django.test import Client, override_settings

from tenants.models import Tenant
from tests.walls import urls
from tests.walls.asgi import Answer, ask, served
from tests.walls.looking import APP, Pair, probe

PATIENCE = 20  # seconds until a probe gives up
TENANTS_ALONE = ["tenants.middleware.TenantMiddleware"]  # all async, with nothing adapted


@probe(APP)
def pages(pair: Pair) -> list[str]:
    faults = []
    for tenant in (*pair.both, *pair.both):
        answer = Client(HTTP_HOST=f"{tenant.slug}.localhost").get("/page/")
        faults += answer.json()
    return faults


@probe(APP)
def async_pages(pair: Pair) -> list[str]:
    with override_settings(MIDDLEWARE=TENANTS_ALONE):
        return told(asyncio.run(in_turns(pair, "/page-later/")))


@probe(APP)
def async_pages_below_the_whole_portal(pair: Pair) -> list[str]:
    return told(asyncio.run(in_turns(pair, "/page-later/")))


async def in_turns(pair: Pair, path: str) -> list[Answer]:
    """What each shop answers, their views waiting for each other between looks.

    Whoever is done, well or not, is waited for no more: a thread that waits outlives its loop.
    """
    app, meeting = served(), asyncio.Barrier(2)

    async def turn() -> None:
        with suppress(asyncio.BrokenBarrierError):
            await meeting.wait()

    async def request(tenant: Tenant) -> Answer:
        try:
            return await ask(app, f"{tenant.slug}.localhost", path)
        finally:
            await meeting.abort()

    urls.turns[:] = [turn]
    try:
        async with asyncio.timeout(PATIENCE):
            return list(await asyncio.gather(*map(request, pair.both)))
    finally:
        urls.turns.clear()


def told(answers: list[Answer]) -> list[str]:
    """The faults that the answers tell, a line of JSON each, and those of who received them."""
    faults = []
    for answer in answers:
        faults += answer.leaks
        if answer.status != 200:
            faults.append(f"the answer was {answer.status}")
        for line in answer.body.decode().splitlines():
            faults += json.loads(line)
    return faults
