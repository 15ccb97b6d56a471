"""What the limiter costs: by itself, as a share of the card page, and when it says no.

    python -m bench.limits

The card page is asked of two web servers in turns, one with the limiter and one without. A refusal
must be much cheaper than a page, or a flood of refusals would be a flood all the same.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

from bench.cpu import EACH, HOST, Backends, Page, listed, measured, shop, web
from bench.stage import interleaved, stage, table
from portal.home import ROOT

ROUNDS, CALLS = 7, 500


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    with stage() as environment:
        collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
        subprocess.run(collect, cwd=ROOT, check=True)
        cookies, _ = shop()
        backends = Backends(environment)
        with (
            web(environment) as (on, on_pid),
            web({**environment, "RATE_LIMITS": "0"}) as (off, off_pid),
        ):
            card = f"card={cookies['card']}"
            limited, plain = Page(on, "/c", cookie=card), Page(off, "/c", cookie=card)
            refused = Refused(on)
            ways = [(limited, on_pid), (plain, off_pid), (refused, on_pid)]
            for way, _ in ways:
                for _ in range(EACH):
                    way()
            spent: list[list[float]] = [[] for _ in ways]
            for _ in range(ROUNDS):
                for costs, (way, pid) in zip(spent, ways, strict=True):
                    costs.append(measured(way, pid, backends)[0])
        with_limiter, without, no = map(median, spent)
        each = interleaved(ROUNDS, CALLS, *by_itself())
        clock = [by_the_clock(way) for way in by_itself()]
    valkey, local = each
    table(
        "The limiter",
        [
            ("one decision by Valkey, CPU of the web", listed(valkey), "µs"),
            ("the same in this process, Valkey away", listed(local), "µs"),
            ("both by the clock", listed(*clock), "µs"),
            ("card page with, without: CPU in all", listed(with_limiter, without), "µs"),
            ("share of the card page", f"{valkey / without:.1%}", "goal ≤ 5 %"),
            ("card page with ÷ without", f"{with_limiter / without:.2f} ×", ""),
            ("a refusal ÷ the card page", f"{no / without:.2f} ×", f"{listed(no)} µs"),
        ],
    )


def by_itself() -> list[Callable[[], object]]:
    """A decision by Valkey, and one by a bucket of this process, never refused."""
    from tenants import cache, limits
    from tenants.ids import uuid7

    key, wide = cache.key_of("limit:bench", uuid7()), limits.Rate(60_000_000, 1_000_000)
    valkey = cache.client
    return [
        lambda: limits.ask_valkey(valkey(), key, wide, 1),
        lambda: limits.own.admit(key, wide),
    ]


def by_the_clock(way: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(CALLS):
        way()
    return (time.perf_counter() - began) / CALLS


class Refused:
    """A page of the portal that was asked for too often, as a browser asks for it."""

    def __init__(self, port: int) -> None:
        from django.utils import timezone

        from loyalty.opening import open_shop

        name, at = "refused", timezone.now()
        open_shop(name, name=name, email="r@b.example", owner_name="R", country="AE", at=at)
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.headers = {"Host": f"{name}.{HOST.partition('.')[2]}", "Accept": "text/html"}
        while self() == 200:
            pass

    def __call__(self) -> int:
        self.connection.request("GET", "/accounts/login/", headers=self.headers)
        response = self.connection.getresponse()
        response.read()
        assert response.status in (200, 429), response.status
        return response.status


if __name__ == "__main__":
    main()
