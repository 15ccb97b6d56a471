"""Host → tenant → scope, for every request: sync, async and streaming."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

from tenants import hosts
from tenants.context import Scope, bound, enter, inside
from tenants.models import Tenant

View = Callable[[HttpRequest], HttpResponse]


class TenantMiddleware:
    """Sets `request.tenant` (None on the apex) and runs everything below inside that tenant.

    An unknown host gets settings.TENANTS_UNKNOWN_HOST, a suspended shop's host
    settings.TENANTS_SUSPENDED: both are views (dotted paths), so that this floor knows no page.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.unknown: View = import_string(settings.TENANTS_UNKNOWN_HOST)
        self.suspended: View = import_string(settings.TENANTS_SUSPENDED)
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if iscoroutinefunction(self):
            return self._later(request)  # type: ignore[attr-defined,no-any-return]
        answer = self._admit(request)
        if isinstance(answer, HttpResponse):
            return answer
        if answer is None:
            return self.get_response(request)  # type: ignore[no-any-return]
        with inside(answer) as scope:
            return streamed(self.get_response(request), scope)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        answer = await sync_to_async(self._admit)(request)
        if isinstance(answer, HttpResponse):
            return answer
        if answer is None:
            return await self.get_response(request)  # type: ignore[no-any-return]
        with inside(answer) as scope:
            return streamed(await self.get_response(request), scope)

    def _admit(self, request: HttpRequest) -> HttpResponse | Tenant | None:
        """The tenant to be inside, None for the apex, or the answer itself."""
        host = hosts.parse(request.META.get("HTTP_HOST", ""), settings.BASE_DOMAIN)
        request.tenant = None  # type: ignore[attr-defined]
        if host.kind is hosts.Kind.MOVED:
            tenant = hosts.directory.find(host.name) if host.name else None
            if tenant or not host.name:
                return HttpResponsePermanentRedirect(hosts.url_of(tenant, request.get_full_path()))
        if host.kind is hosts.Kind.APEX:
            request.urlconf = settings.APEX_URLCONF
            return None
        found = hosts.directory.find(host.name) if host.kind is hosts.Kind.TENANT else None
        if found is None:
            return self.unknown(request)
        request.tenant = found  # type: ignore[attr-defined]
        if found.is_suspended:
            return self.suspended(request)
        return found


def streamed(response: HttpResponseBase, scope: Scope) -> HttpResponseBase:
    """A streaming body runs after the middleware has returned: each chunk is made in `scope`."""
    body: Any = response
    if response.streaming:
        if body.is_async:
            body.streaming_content = _chunks_later(body.streaming_content, scope)
        else:
            body.streaming_content = bound(body.streaming_content, scope)
    return response


async def _chunks_later(chunks: Any, scope: Scope) -> AsyncIterator[bytes]:
    chunks = aiter(chunks)
    while True:
        with enter(scope):
            try:
                chunk = await anext(chunks)
            except StopAsyncIteration:
                return
        yield chunk
