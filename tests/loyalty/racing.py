"""Many hands at once, on connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from tenants.context import inside


def race(shop: Any, acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do all of these at one moment inside the shop: what each returned, or raised."""
    barrier, outcomes = threading.Barrier(len(acts)), [None] * len(acts)

    def work(place: int) -> None:
        try:
            with inside(shop.tenant):
                connection.ensure_connection()
                barrier.wait()
                try:
                    outcomes[place] = acts[place]()
                except Exception as error:  # noqa: BLE001 (the test looks at it)
                    outcomes[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
