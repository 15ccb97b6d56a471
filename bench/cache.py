"""What the tenants' cache costs and saves: a look-up beside the card page, and the owner's home
with and without it.

    python -m bench.cache

Limits are off (bench.flood has theirs).
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import Any

from bench.cpu import HOST, Backends, Page, measured, web
from bench.stage import analyze, interleaved, stage, table
from portal.home import ROOT

ROUNDS, EACH = 9, 300  # of calls in this process
PAGES = 7  # rounds of bench.cpu.EACH requests
MEMBERS, SALES, DAYS = 1_000, 10_000, 60  # of a busy shop
BATCH = 500


@dataclass
class Busy:
    tenant: Any
    card: str
    session: str
    now: dt.datetime


def main() -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "bench.settings", "RATE_LIMITS": "0"}
    with stage() as environment:
        collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
        subprocess.run(collect, cwd=ROOT, check=True)
        shop = busy_shop(environment)
        analyze(environment)
        calls = in_process(shop)
        with web(environment) as (port, pid):
            pages = over_http(shop, port, pid, Backends(environment))
    card = pages["card"][0]
    table(
        "One call: CPU in the web's process, and its share of the card page's",
        [(what, us(seconds), f"{seconds / card:.1%}") for what, seconds in calls.items()],
    )
    kept, anew = pages["home"], pages["home anew"]
    table(
        f"A page: CPU of web and PostgreSQL together ({MEMBERS} members, {SALES} sales)",
        [
            *(
                (name, us(spent), f"{us(time)} by the clock")
                for name, (spent, time) in pages.items()
            ),
            ("home anew ÷ home, CPU", f"{anew[0] / kept[0]:.1f} ×", ""),
            ("home anew ÷ home, clock", f"{anew[1] / kept[1]:.1f} ×", ""),
        ],
    )


def us(seconds: float) -> str:
    return f"{seconds * 1e6:,.1f} µs" if seconds < 1e-4 else f"{seconds * 1e6:,.0f} µs"


def busy_shop(environment: dict[str, str]) -> Busy:
    from django.db import connection
    from django.test import Client
    from django.utils import timezone

    from loyalty import enrolment, purchases
    from loyalty.opening import open_shop
    from loyalty.sales import Sale
    from tenants import secrets
    from tenants.actors import Actor
    from tenants.context import inside

    now = timezone.now()
    opened = open_shop(
        "bench", name="Bench", email="a@b.example", owner_name="A", country="AE", at=now
    ).opened
    with inside(opened.tenant):
        by = Actor.importing("bench")
        members = [
            enrolment.enrol(name="Amina", card=f"c{n}", at=now, by=by) for n in range(MEMBERS)
        ]
        sales = [
            Sale(
                members[n * 7 % MEMBERS].pk, 2450, now - dt.timedelta(days=DAYS) * n / SALES, f"{n}"
            )
            for n in range(SALES)
        ]
        for first in range(0, SALES, BATCH):
            if first in (0, BATCH):  # plans of an empty table are nobody's
                analyze(environment)
                connection.close()
            purchases.record_all(sales[first : first + BATCH], by=by)
        card = enrolment.new_link(members[0])
        link = secrets.mint(secrets.SIGN_IN, opened.owner.user_id, dt.timedelta(hours=1), at=now)
    client = Client(HTTP_HOST=HOST)
    client.post(f"/accounts/link/{link}/")
    return Busy(opened.tenant, card, client.cookies["sessionid"].value, now)


def in_process(shop: Busy) -> dict[str, float]:
    """CPU seconds of one call of each."""
    from loyalty import overview
    from tenants import changes, shops
    from tenants.cache import client, mine
    from tenants.context import inside
    from tenants.models import Location, Shop
    from tenants.reads import Kept

    number = Kept("bench", int, seconds=60, of=[Location])
    front = Kept("bench-front", shops.ShopFront, seconds=60, of=[Shop])
    absent = (str(n) for n in count())
    written = {(shop.tenant.pk, table) for table in overview.HOME.tables}

    ways: dict[str, Callable[[], object]] = {
        "PING, by redis-py": lambda: client().ping(),
        "Django's cache: get": lambda: mine().get("bench"),
        "Kept, from Valkey: a number": lambda: number.get(lambda: 7),
        "Kept, from Valkey: the shop's front": lambda: front.get(shops._read),
        "Kept, from Valkey: home, of 6 tables": lambda: overview.overview(shop.now),
        "Kept, remembered: the shop's front": shops.front,
        "after a commit: tell 6 tables": lambda: changes.tell(written),
        "a miss, as Django's cache tells it": lambda: mine().get(next(absent)),
    }
    with inside(shop.tenant):
        mine().set("bench", 7, 600)
        return dict(zip(ways, interleaved(ROUNDS, EACH, *ways.values()), strict=True))


def over_http(
    shop: Busy, port: int, pid: int, backends: Backends
) -> dict[str, tuple[float, float]]:
    """CPU seconds and seconds by the clock of one request of each."""
    from loyalty import overview
    from tenants import changes

    home = Page(port, "/manage/", cookie=f"sessionid={shop.session}")
    written = {(shop.tenant.pk, table) for table in overview.HOME.tables}

    def anew() -> bytes:
        changes.tell(written)
        return home()

    card = Page(port, "/c", cookie=f"card={shop.card}")
    ways: dict[str, Callable[[], object]] = {"card": card, "home": home, "home anew": anew}
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(PAGES):
        for name, way in ways.items():
            home.connection.close()  # granian ends one that was idle while the others were measured
            card.connection.close()
            seen[name].append(measured(way, pid, backends))
    return {
        name: (median(spent for spent, _ in all_), median(time for _, time in all_))
        for name, all_ in seen.items()
    }


if __name__ == "__main__":
    main()
