"""Requests at a fixed rate, each counted from the moment it was due: a stall is not hidden."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException


@dataclass
class Load:
    """`rate` requests a second to `path` of `host`; what came back, and how late."""

    port: int
    host: str
    path: str = "/"
    rate: int = 30
    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[Load]:
        stop = threading.Event()
        with ThreadPoolExecutor(32) as hands:
            clock = threading.Thread(target=self._send, args=(hands, stop))
            clock.start()
            try:
                yield self
            finally:
                stop.set()
                clock.join()

    def _send(self, hands: ThreadPoolExecutor, stop: threading.Event) -> None:
        due = time.perf_counter()
        while not stop.wait(max(0.0, due - time.perf_counter())):
            hands.submit(self._ask, due)
            due += 1 / self.rate

    def _ask(self, due: float) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", self.path, headers={"Host": self.host})
            answer = connection.getresponse()
            answer.read()
            if answer.status >= 400:
                self.failed.append(str(answer.status))
        except (OSError, HTTPException) as error:
            self.failed.append(repr(error))
        finally:
            connection.close()
        self.seconds.append(time.perf_counter() - due)

    def percentile(self, share: float) -> float:
        """Seconds within which that share was answered."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
