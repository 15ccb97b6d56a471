"""A request to the portal as an async server makes it, and what it could see while it listens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.handlers.asgi import ASGIHandler

from tenants.context import current

App = Callable[..., Awaitable[None]]


@dataclass
class Answer:
    status: int = 0
    body: bytes = b""
    chunks: int = 0
    leaks: list[str] = field(default_factory=list)


def served() -> App:
    """Django's async handler, with the middleware of the settings as they are now."""
    return ASGIHandler()


async def ask(app: App, host: str, path: str) -> Answer:
    """GET the path; each chunk is received outside every tenant, or that is a leak."""
    answer, asked = Answer(), asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not asked.is_set():
            asked.set()
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.Event().wait()  # a client that stays
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
        if body := message.get("body"):
            answer.body += body
            answer.chunks += 1
        if current() is not None:
            answer.leaks.append(f"the server was in {current()}")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", host.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await app(scope, receive, send)
    return answer
