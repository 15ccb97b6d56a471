"""What a shop's neighbours feel while it is flooded: p99 of three shops, under flood ÷ calm.

    python -m bench.flood [seconds] [rounds] [set-up …]

The web server as in the Procfile. Three shops are used at eight requests a second together (card,
till, front); a fourth is asked for its list of members 200 times a second. Each set-up is calm,
then flooded, in turns; a set-up whose calm p99 moves by more than 30 % is void, and so are its
figures. Latency counts from when a request was due.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from statistics import median, quantiles

from bench.cpu import web
from bench.load import Ask, Told, asked
from bench.stage import analyze, stage, table
from portal.home import ROOT

VICTIMS, CALM_RATE, FLOOD_RATE = 3, 8, 200  # shops; requests a second
MEMBERS = 2_000  # of the flooded shop
VOID = 0.30

# The set-ups, by what stands in the way of the flood.
SETUPS = {
    "limits and bulkhead": {},
    "limits alone": {"BENCH_BULKHEAD": "0"},
    "bulkhead alone": {"RATE_LIMITS": "0"},
    "neither": {"RATE_LIMITS": "0", "BENCH_BULKHEAD": "0"},
}


def main() -> None:
    given = sys.argv[1:]
    seconds, rounds = (int(each) for each in given[:2] or (30, 3))
    setups = {name: how for name, how in SETUPS.items() if name in (given[2:] or SETUPS)}
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    with stage() as environment, ExitStack() as servers:
        collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
        subprocess.run(collect, cwd=ROOT, check=True)
        calm_asks = [ask for number in range(VICTIMS) for ask in used(f"victim-{number}")]
        flood_ask = [members_of("flooded")]
        analyze(environment)
        ports = {
            name: servers.enter_context(web({**environment, **how}, workers=2))[0]
            for name, how in setups.items()
        }
        seen = {name: Seen() for name in setups}
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as load:
            for port in ports.values():  # nothing is cold any more
                load.submit(asked, port, calm_asks, 2 * CALM_RATE, 5, 0).result()
            for number in range(rounds):
                for name, port in ports.items():
                    for flooded in (False, True):
                        seed = number * 2 + flooded
                        calm = load.submit(asked, port, calm_asks, CALM_RATE, seconds, seed)
                        if flooded:
                            flood = load.submit(
                                asked, port, flood_ask, FLOOD_RATE, seconds, seed
                            ).result()
                            seen[name].flood += flood.statuses
                        seen[name].add(calm.result(), flooded=flooded)
    for name, each in seen.items():
        table(f"{name}, {rounds} × {seconds} s", each.rows())


class Seen:
    """What the victims of one set-up felt, round by round."""

    def __init__(self) -> None:
        self.calm: list[list[float]] = []
        self.flooded: list[list[float]] = []
        self.statuses: Counter[int] = Counter()
        self.flood: Counter[int] = Counter()

    def add(self, told: Told, *, flooded: bool) -> None:
        (self.flooded if flooded else self.calm).append(told.seconds)
        self.statuses += told.statuses

    def rows(self) -> list[tuple[str, str, str]]:
        calm, flooded = [p99(each) for each in self.calm], [p99(each) for each in self.flooded]
        moved = max(calm) / min(calm) - 1
        ratio = median(f / c for c, f in zip(calm, flooded, strict=True))
        pooled = p99([s for each in self.flooded for s in each]) / p99(
            [s for each in self.calm for s in each]
        )
        errors = sum(count for status, count in self.statuses.items() if status != 200)
        return [
            ("p99 under flood ÷ calm, median of rounds", f"{ratio:.2f} ×", "goal ≤ 2"),
            ("p99 under flood ÷ calm, all together", f"{pooled:.2f} ×", "goal ≤ 2"),
            ("errors of the victims", f"{errors} of {self.statuses.total()}", "goal 0"),
            ("calm p99 moved by", f"{moved:.0%}", "void" if moved > VOID else "valid"),
            ("p99 calm; flooded", f"{milliseconds(calm)}; {milliseconds(flooded)}", "ms"),
            ("median calm; flooded", f"{middles(self.calm)}; {middles(self.flooded)}", "ms"),
            ("the flood was answered", str(dict(self.flood)), ""),
        ]


def p99(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[98]


def milliseconds(seconds: list[float]) -> str:
    return ", ".join(f"{each * 1000:.0f}" for each in seconds)


def middles(rounds: list[list[float]]) -> str:
    return milliseconds([median(each) for each in rounds])


def used(slug: str) -> list[Ask]:
    """A shop whose card, till and front are asked for."""
    from django.test import Client
    from django.utils import timezone

    from loyalty import enrolment, purchases
    from loyalty.opening import open_shop
    from tenants.actors import Actor
    from tenants.context import inside
    from tenants.devices import pair
    from tenants.pins import set_pin

    now, host = timezone.now(), f"{slug}.localhost"
    email = f"a@{slug}.example"
    opened = open_shop(slug, name=slug, email=email, owner_name="A", country="AE", at=now).opened
    with inside(opened.tenant):
        by = Actor.of_staff(opened.owner)
        set_pin(opened.owner, "2468")
        _, token = pair("Counter", opened.location, at=now)
        member = enrolment.enrol(name="Amina", card="1234", at=now, by=by)
        for number in range(20):
            purchases.record(member, 2450, at=now, by=by, key=str(number))
        link = enrolment.new_link(member)
    client = Client(HTTP_HOST=host)
    client.cookies["device"] = token
    client.post("/till/person/", {"person": opened.owner.pk, "pin": "2468"})
    session = client.cookies["sessionid"].value
    return [
        Ask(host, "/c", f"card={link}"),
        Ask(host, "/till/", f"device={token}; sessionid={session}"),
        Ask(host, "/"),
    ]


def members_of(slug: str) -> Ask:
    """A shop with many members, its owner signed in, and her list of them."""
    from django.test import Client
    from django.utils import timezone

    from loyalty.enrolment import Newcomer, enrol_all
    from loyalty.opening import open_shop
    from tenants import secrets
    from tenants.actors import Actor
    from tenants.context import inside

    now = timezone.now()
    email = f"a@{slug}.example"
    opened = open_shop(slug, name=slug, email=email, owner_name="A", country="AE", at=now).opened
    with inside(opened.tenant):
        people = [(Newcomer(name=f"Name {n}", card=str(10_000 + n)), now) for n in range(MEMBERS)]
        enrol_all(people, by=Actor.importing("bench"), source="import")
        day = dt.timedelta(days=1)
        secret = secrets.mint(secrets.SIGN_IN, opened.owner.user_id, day, at=now)
    client = Client(HTTP_HOST=f"{slug}.localhost")
    assert client.post(f"/accounts/link/{secret}/").status_code == 303
    session = client.cookies["sessionid"].value
    return Ask(f"{slug}.localhost", "/manage/members/", f"sessionid={session}")


if __name__ == "__main__":
    main()
