"""What enforcement costs: the same page with the walls, and with hand-written filters and no RLS.

    python -m bench.walls

The rival is Django's own PostgreSQL backend, logged in as the owner (whom row-level security does
not hold), on the same tables, with `.filter(tenant=…)` written by hand on every query.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from bench.stage import analyze, interleaved, stage, table

SHOPS, MEMBERS, SALES = 40, 200, 3
ROUNDS, EACH = 21, 10
STATEMENTS = 7
Way = Callable[[], Any]


def main() -> None:
    with stage() as environment:
        from django.conf import settings
        from django.db import connection, connections

        from tenants.context import inside

        tenants = [fill(number) for number in range(SHOPS)]
        analyze(environment)
        connections.databases["stock"] = stock(settings.DATABASES["default"])
        tenant = tenants[SHOPS // 2]
        with inside(tenant):
            page, get = ways(lambda model: model.objects.all())
            hand, get_by_hand = ways(
                lambda model: model.objects.using("stock").filter(tenant=tenant), tenant
            )
            for _ in range(20):
                assert page() == hand()
            cpu = interleaved(ROUNDS, EACH, page, hand, get, get_by_hand)
            took = [*wall(page, hand, each=EACH), *wall(get, get_by_hand, each=EACH * 10)]
            trips = messages(connection, page) - STATEMENTS
    table(
        f"Enforcement ÷ hand-written filters without RLS ({SHOPS} shops × {MEMBERS} members)",
        [
            ("page of 7 queries, time", f"{took[0] / took[1]:.2f} ×", "goal ≤ 1.05"),
            ("page of 7 queries, our CPU", f"{cpu[0] / cpu[1]:.2f} ×", ""),
            ("get(pk), time", f"{took[2] / took[3]:.2f} ×", "goal ≤ 1.05"),
            ("get(pk), our CPU", f"{cpu[2] / cpu[3]:.2f} ×", ""),
            ("extra round trips of a page", str(trips), "goal 0"),
            ("(page and get, now)", f"{took[0] * 1e6:.0f} µs, {took[2] * 1e6:.0f} µs", ""),
        ],
    )


def fill(number: int) -> Any:
    """A shop with MEMBERS members who bought SALES times."""
    from loyalty.enrolment import Newcomer, enrol_all
    from loyalty.opening import open_shop
    from loyalty.purchases import record_all
    from loyalty.sales import Sale
    from tenants.actors import Actor
    from tenants.context import inside

    now, by = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC), Actor.importing("bench")
    tenant = open_shop(
        f"shop-{number}", name="Shop", email="a@b.example", owner_name="A", country="AE", at=now
    ).opened.tenant
    with inside(tenant):
        people = [(Newcomer(name=f"N{n}", card=str(n)), now) for n in range(MEMBERS)]
        members = enrol_all(people, by=by, source="import")
        minutes = dt.timedelta(minutes=1)
        record_all(
            [
                Sale(member.pk, 1000 + n, now + n * minutes, f"{n}/{m}")
                for m, member in enumerate(members)
                for n in range(SALES)
            ],
            by=by,
        )
    return tenant


def stock(ours: dict[str, Any]) -> dict[str, Any]:
    """The entry of Django's own backend on the same database, as the owner."""
    options = {k: v for k, v in ours["OPTIONS"].items() if k != "pool"}
    engine = "django.db.backends.postgresql"
    return {**ours, "ENGINE": engine, "USER": "portal_owner", "OPTIONS": options}


def ways(of: Callable[[Any], Any], tenant: Any = None) -> tuple[Way, Way]:
    """A page of STATEMENTS queries, and a get: `of(Model)` gives the rows to begin with.

    With `tenant`, joins are filtered by hand too.
    """
    from django.db.models import Sum

    from loyalty.models import Account, Entry, Member, Program, Purchase

    one = Member.objects.order_by("pk")[MEMBERS // 2]
    joined = {"account__tenant": tenant, "account__member__tenant": tenant} if tenant else {}
    bought = {"purchase__tenant": tenant} if tenant else {}
    account = {"account__tenant": tenant} if tenant else {}

    def page() -> tuple[Any, ...]:
        members = list(of(Member).order_by("name_key")[:25])
        entries = of(Entry).filter(**joined, **bought).select_related("account__member", "purchase")
        return (
            of(Program).first(),
            of(Member).count(),
            of(Account).aggregate(s=Sum("balance"))["s"],
            members,
            of(Member).filter(code=members[3].code).exists(),
            list(entries.order_by("-occurred_at", "pk")[:20]),
            of(Purchase).filter(account__member=one.pk, **account).count(),
        )

    return page, lambda: of(Member).get(pk=one.pk)


def wall(*ways: Way, each: int) -> list[float]:
    """Median seconds of one call of each way, in turns."""
    seen: list[list[float]] = [[] for _ in ways]
    for _ in range(ROUNDS * 2):
        for times, way in zip(seen, ways, strict=True):
            began = time.perf_counter()
            for _ in range(each):
                way()
            times.append((time.perf_counter() - began) / each)
    return [median(times) for times in seen]


def messages(connection: Any, way: Way) -> int:
    """How often psycopg waits for the server meanwhile: the round trips."""
    kind, waited = type(connection.connection), []
    wait = kind.wait

    def counting(self: Any, *args: Any, **options: Any) -> Any:
        waited.append(1)
        return wait(self, *args, **options)

    kind.wait = counting
    try:
        way()
    finally:
        kind.wait = wait
    return len(waited)


if __name__ == "__main__":
    main()
