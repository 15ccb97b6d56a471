"""Views that look about, at once and half-way through an answer, sync and async.

Each tells its faults as lines of JSON. Between looks they give the other shop its turn: `turns` is
what a probe puts there.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from asgiref.sync import sync_to_async
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.urls import path

from portal.urls import handler404, handler500
from tenants.models import Location
from tests.walls.looking import look, strange

__all__ = ["handler404", "handler500", "urlpatterns"]

LOOKS = 4
turns: list[Callable[[], Awaitable[object]]] = []


async def _turn() -> None:
    for turn in turns:
        await turn()


def page(request: HttpRequest) -> JsonResponse:
    return JsonResponse(look(request.tenant.pk), safe=False)


async def page_later(request: HttpRequest) -> JsonResponse:
    faults = []
    for _ in range(LOOKS):
        faults += strange([each async for each in Location.objects.all()], request.tenant.pk)
        await _turn()
        faults += await sync_to_async(look)(request.tenant.pk)
        await _turn()
    return JsonResponse(faults, safe=False)


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        for each in Location.objects.order_by("pk").iterator(chunk_size=1):
            yield f"{json.dumps(strange([each], request.tenant.pk) + look(request.tenant.pk))}\n"

    return StreamingHttpResponse(lines())


async def stream_later(request: HttpRequest) -> StreamingHttpResponse:
    async def lines() -> AsyncIterator[str]:
        async for each in Location.objects.order_by("pk").aiterator(chunk_size=1):
            faults = strange([each], request.tenant.pk)
            faults += await sync_to_async(look)(request.tenant.pk)
            yield f"{json.dumps(faults)}\n"
            await _turn()

    return StreamingHttpResponse(lines())


urlpatterns = [
    path("page/", page),
    path("page-later/", page_later),
    path("stream/", stream),
    path("stream-later/", stream_later),
]
