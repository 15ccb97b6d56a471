"""The scope, its keys and the middleware that sets it."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from tenants import ids
from tenants.context import (
    OutsideTenant,
    bound,
    current,
    inside,
    platform,
    required,
    scope_of,
    tenant_id,
)
from tenants.middleware import TenantMiddleware


def run(coroutine):
    """In a thread of its own: journeys in a browser leave an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def test_nobody_is_the_default():
    assert current() is None
    with pytest.raises(OutsideTenant):
        required()


def test_platform_is_no_tenant(db):
    with platform("a test"), pytest.raises(OutsideTenant):
        tenant_id()


def test_tasks_keep_their_own_scope():
    one, two = ids.uuid7(), ids.uuid7()

    async def look(pk):
        with inside(pk):
            await asyncio.sleep(0)
            return tenant_id()

    async def both():
        return await asyncio.gather(look(one), look(two))

    assert run(both()) == [one, two]


def test_keys_sort_in_the_order_they_were_made_and_tell_when():
    before = time.time()
    keys = [ids.uuid7() for _ in range(10_000)]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert {key.version for key in keys} == {7}
    made = ids.made_at(keys[0])
    assert dt.timedelta(0) <= made - dt.datetime.fromtimestamp(before - 0.001, dt.UTC)


def test_items_are_made_in_one_scope_and_read_in_another():
    one, two = ids.uuid7(), ids.uuid7()
    made = (tenant_id() for _ in range(2))
    with inside(two):
        for item in bound(made, scope_of(one)):
            assert (item, tenant_id()) == (one, two)


def middleware(view):
    return TenantMiddleware(view)


def request(host):
    return RequestFactory().get("/", headers={"host": host})


def test_a_view_runs_inside_its_tenant_and_nothing_lingers(cafe):
    seen = []

    def view(request):
        seen.append((tenant_id(), request.tenant.slug))
        return HttpResponse()

    middleware(view)(request("cafe.localhost"))
    assert seen == [(cafe.tenant.pk, "cafe")]
    assert current() is None


def test_a_streaming_body_is_made_inside_its_tenant(cafe, spa):
    def view(request):
        return StreamingHttpResponse(str(tenant_id()) for _ in range(3))

    one = middleware(view)(request("cafe.localhost"))
    two = middleware(view)(request("spa.localhost"))
    chunks = [(next(iter(one)), next(iter(two))) for _ in range(1)]
    assert chunks == [(str(cafe.tenant.pk).encode(), str(spa.tenant.pk).encode())]
    assert current() is None


def test_an_async_view_runs_inside_its_tenant(cafe):
    from tenants import hosts

    hosts.directory.find("cafe")  # the look-up itself needs a thread with a connection

    async def view(request):
        await asyncio.sleep(0)

        async def body():
            for _ in range(2):
                await asyncio.sleep(0)
                yield str(tenant_id())

        return StreamingHttpResponse(body())

    async def read():
        response = await middleware(view)(request("cafe.localhost"))
        return [chunk async for chunk in response.streaming_content]

    assert run(read()) == [str(cafe.tenant.pk).encode()] * 2
