"""Many hands at once: threads with connections of their own that act at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from django.db import connection

from tenants.context import HasKey, inside

MOST = 20  # threads, each with a connection
PATIENCE = 60  # seconds; whoever does not come has failed


class Hands:
    """`with Hands() as hands:`; the threads and their connections are kept from race to race."""

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(MOST)
        return self

    def __exit__(self, *_: object) -> None:
        barrier = threading.Barrier(MOST)

        def close() -> None:
            barrier.wait(PATIENCE)  # so that each thread closes its own
            connection.close()

        for each in [self._pool.submit(close) for _ in range(MOST)]:
            each.result()
        self._pool.shutdown()

    def race(self, tenant: HasKey, acts: Sequence[Callable[[], Any]]) -> list[Any]:
        """What came of these acts, all done at the same moment inside the shop."""
        acts_of = [acts[hand::MOST] for hand in range(min(MOST, len(acts)))]
        barrier = threading.Barrier(len(acts_of))

        def work(mine: Sequence[Callable[[], Any]]) -> list[Any]:
            with inside(tenant):
                connection.ensure_connection()
                barrier.wait(PATIENCE)
                return [act() for act in mine]

        done = [self._pool.submit(work, mine) for mine in acts_of]
        return [outcome for each in done for outcome in each.result()]
