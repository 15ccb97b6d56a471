"""Requests that come when they are due, whether or not the last ones were answered (open loop).

A closed loop hides a stall: while it waits it asks nothing, and counts one slow answer for many.
Each load is a process of its own, so that asking does not slow what it measures.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

PATIENCE, AT_ONCE = 10.0, 200  # seconds, and requests on their way; more than that are not sent
LEAD = 1.0  # seconds until the first is due: every process has started by then


@dataclass(frozen=True)
class Ask:
    """A GET of `path` at a shop's host, with the cookies of who asks."""

    host: str
    path: str
    cookie: str = ""

    @property
    def sent(self) -> bytes:
        lines = f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\nAccept: text/html\r\n"
        return f"{lines}Cookie: {self.cookie}\r\nConnection: close\r\n\r\n".encode()


@dataclass
class Told:
    """Seconds from when each was due, and how many of each status (0: no answer)."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


def asked(port: int, asks: Sequence[Ask], rate: float, seconds: float, seed: int) -> Told:
    """Ask at random moments, `rate` a second on average, each of `asks` in turn."""
    return asyncio.run(_asked(port, asks, rate, seconds, random.Random(seed)))  # noqa: S311


async def _asked(
    port: int, asks: Sequence[Ask], rate: float, seconds: float, chance: random.Random
) -> Told:
    told, running = Told(), set[asyncio.Task[None]]()
    began = time.perf_counter() + LEAD
    due, number = began, 0
    while (due := due + chance.expovariate(rate)) < began + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if len(running) >= AT_ONCE:
            told.statuses[-1] += 1
            continue
        task = asyncio.create_task(_ask(port, asks[number % len(asks)], due, told))
        running.add(task)
        task.add_done_callback(running.discard)
        number += 1
    await asyncio.gather(*running)
    return told


async def _ask(port: int, ask: Ask, due: float, told: Told) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(ask.sent)
                answer = await reader.read(-1)
            finally:
                writer.close()
        status = int(answer[9:12])
    except (OSError, TimeoutError, ValueError):
        status = 0
    told.seconds.append(time.perf_counter() - due)
    told.statuses[status] += 1
