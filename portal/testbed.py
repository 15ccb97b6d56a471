"""The servers of the tests: a real PostgreSQL and Valkey in a folder of their own, thrown away.

TEST_DATABASE_URL, TEST_DATABASE_OWNER_URL, TEST_DATABASE_WORKER_URL and TEST_REDIS_URL name others
instead; `manage.py roles --tests` makes the roles there.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from portal.embedded import URLS, Services, home

THOROUGH = "PORTAL_THOROUGH"  # 1: the tests that take minutes too
COUNTS = "PORTAL_TEST_COUNTS"  # a file where portal.testing tells portal.suite how many passed


class Servers:
    """Started once by the command that runs the tests, and held by each of its processes."""

    def __init__(self) -> None:
        self.services = Services(home() / "test", throwaway=True)

    def start(self) -> None:
        self.services.start(
            postgres=not os.environ.get("TEST_DATABASE_URL"),
            valkey=not os.environ.get("TEST_REDIS_URL"),
        )

    def release(self) -> None:
        self.services.release()

    def environment(self, database: str, *, cache: int = 0) -> dict[str, str]:
        """The variables that lead the portal's settings to this database and this cache."""
        redis = os.environ.get("TEST_REDIS_URL") or self.services.redis_url
        return {
            **{name: self._url(login, name, database) for login, name in URLS.items()},
            "REDIS_URL": f"{redis}?db={cache}",
        }

    def _url(self, login: str, name: str, database: str) -> str:
        url = urlsplit(os.environ.get(f"TEST_{name}") or self.services.database_url(login))
        # By hand, because urlunsplit drops the empty host of a URL that leads to a socket.
        query = f"?{url.query}" if url.query else ""
        return f"{url.scheme}://{url.netloc}/{database}{query}"
