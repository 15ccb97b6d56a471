"""Answers in pieces: read half-way, then another shop works, then read on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

from django.test import Client, override_settings

from tenants.context import bound, scope_of
from tenants.models import Location, Tenant
from tests.walls.looking import APP, Pair, look, look_in, nobody, probe, strange
from tests.walls.probes.views import TENANTS_ALONE, in_turns, told


@probe(APP)
def streams_in_turns(pair: Pair) -> list[str]:
    """Two half-read answers on one connection, and whoever reads them is nobody."""
    bodies = [_body(tenant) for tenant in pair.both]
    faults = []
    open_bodies = list(bodies)
    while open_bodies:
        for body in list(open_bodies):
            line = next(body, None)
            if line is None:
                open_bodies.remove(body)
            else:
                faults += json.loads(line)
            faults += nobody() + look_in(pair.boris) + look_in(pair.anna)
    return faults


def _body(tenant: Tenant) -> Iterator[bytes]:
    answer = Client(HTTP_HOST=f"{tenant.slug}.localhost").get("/stream/")
    if not answer.streaming:
        raise AssertionError(f"the answer was {answer.status_code}")
    return iter(answer.streaming_content)


@probe(APP)
def async_streams_in_turns(pair: Pair) -> list[str]:
    with override_settings(MIDDLEWARE=TENANTS_ALONE):
        answers = asyncio.run(in_turns(pair, "/stream-later/"))
    return told(answers) + [
        f"a stream came in {answer.chunks} pieces" for answer in answers if answer.chunks < 3
    ]


@probe(APP)
def async_streams_below_the_whole_portal(pair: Pair) -> list[str]:
    return told(asyncio.run(in_turns(pair, "/stream-later/")))


@probe(APP)
def a_generator_read_elsewhere(pair: Pair) -> list[str]:
    def lines(tenant: Tenant) -> Iterator[list[str]]:
        for each in Location.objects.order_by("pk"):
            yield strange([each], tenant.pk) + look(tenant.pk)

    faults = []
    for first, second in zip(
        *(bound(lines(tenant), scope_of(tenant)) for tenant in pair.both), strict=True
    ):
        faults += first + second + nobody()
    return faults
