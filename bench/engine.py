"""What the engine costs: a sale and a redemption beside the same written by hand in SQL; and what
history costs: many lots, many entries, a night's sweep, a walk through the books.

    python -m bench.engine [SALES]

CPU is that of this process and of the database's process that serves it. By hand is bench.by_hand.
"""

from __future__ import annotations

import itertools
import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from bench.by_hand import ByHand
from bench.replay import memory
from bench.stage import analyze, as_owner, cpu, stage, table

ROUNDS, EACH = 9, 100
SALES = 20_000
COST = 3
LOTS, HISTORY = (3, 300), (10, 100_000)
DAY = timedelta(days=1)


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else SALES
    logging.disable(logging.WARNING)
    with stage() as environment:
        from tenants.context import inside

        shop = Shop()
        with inside(shop.tenant):
            beside_hand(shop, environment)
            many_lots(shop)
            long_history(shop, environment)
        night(shop, environment, wanted)


class Shop:
    """A shop with a reward, a clerk and members."""

    def __init__(self) -> None:
        from django.utils import timezone

        from loyalty.models import Reward
        from loyalty.opening import open_shop
        from tenants.actors import Actor
        from tenants.context import inside

        self.now = timezone.now()
        made = open_shop(
            "bench", name="Bench", email="a@b.example", owner_name="A", country="AE", at=self.now
        )
        self.tenant, self.program = made.opened.tenant, made.program
        self.place, self.owner = made.opened.location, made.opened.owner
        self.by = Actor.of_staff(self.owner)
        self.count = itertools.count()
        with inside(self.tenant):
            self.reward = Reward.objects.create(
                program=self.program, kind="item", name="Coffee", cost=COST, value=300
            )

    def member(self, sales: int, total: int = 2450) -> Any:
        from loyalty.enrolment import enrol

        member = enrol(card=f"c{next(self.count)}", at=self.now, by=self.by)
        for _ in range(sales):
            self.sell(member, total)
        return member

    def sell(self, member: Any, total: int = 2450) -> None:
        from loyalty.purchases import record

        record(member, total, at=self.now, by=self.by, key=f"s{next(self.count)}")

    def redeem(self, member: Any) -> None:
        from loyalty.redemptions import redeem

        key = f"r{next(self.count)}"
        redeem(member, self.reward, at=self.now, by=self.by, key=key)


def beside_hand(shop: Shop, environment: dict[str, str]) -> None:
    """Our verbs and the hand-written ones, each on members of its own, in turns."""
    from loyalty.models import Account
    from tenants.tally import tallied

    buyer, rival = shop.member(5), shop.member(5)
    spender, other_spender = (shop.member(5, total=500_000) for _ in range(2))
    accounts = dict(Account.objects.values_list("member", "pk"))
    hand = ByHand(environment["DATABASE_URL"], shop.tenant.pk, shop.place.pk, shop.owner.pk)
    analyze(environment)
    spend, reward = accounts[other_spender.pk], shop.reward.pk
    pairs: list[tuple[str, Callable[[], Any], Callable[[], Any]]] = [
        (
            "purchase",
            lambda: shop.sell(buyer),
            lambda: hand.sell(accounts[rival.pk], 2450, shop.now),
        ),
        ("redeem", lambda: shop.redeem(spender), lambda: hand.redeem(spend, reward, shop.now)),
    ]
    for what, own, other in pairs:
        (mine, by_hand) = costs((own, backend()), (other, hand.pid))
        with tallied() as tally:
            own()
        table(
            f"{what}: the verb ÷ the same transaction written by hand in SQL",
            [
                ("in the database, CPU", f"{mine[1] / by_hand[1]:.1f} ×", "goal ≤ 3"),
                ("in all, CPU", f"{sum(mine[:2]) / sum(by_hand[:2]):.1f} ×", "goal ≤ 8"),
                ("in all, time", f"{mine[2] / by_hand[2]:.1f} ×", ""),
                ("statements: verb, by hand", f"{tally.statements}, {other()}", ""),
                ("CPU, ours: here, database", micro(*mine[:2]), "µs"),
                ("CPU, by hand: here, database", micro(*by_hand[:2]), "µs"),
            ],
        )
    hand.connection.close()


def many_lots(shop: Shop) -> None:
    """The same sale, undone each time, of members with few and many open lots."""
    few, many = (shop.member(n) for n in LOTS)
    rows = []
    for what, verb, goal in (("purchase", shop.sell, "goal ≤ 1.2"), ("redeem", shop.redeem, "")):
        ways = [(undone(verb, member), backend()) for member in (few, many)]
        less, more = (sum(cost[:2]) for cost in costs(*ways))
        rows.append((what, f"{more / less:.2f} ×", goal))
        rows.append((f"{what}: CPU with {LOTS[0]}, {LOTS[1]}", micro(less, more), "µs"))
    table(f"With {LOTS[1]} open lots ÷ with {LOTS[0]}, CPU", rows)


def long_history(shop: Shop, environment: dict[str, str]) -> None:
    """The balance of accounts with few and very many entries."""
    from loyalty.state import state_of
    from tenants.tally import tallied

    members = [shop.member(10) for _ in HISTORY]
    for member, wanted in zip(members, HISTORY, strict=True):
        with as_owner(environment) as connection:
            connection.execute(ENTRIES, {"member": member.pk, "more": wanted - 10})
    analyze(environment)
    with tallied() as tally:
        state_of(members[0], at=shop.now)
    ways = [(reader(state_of, member, shop.now), backend()) for member in members]
    short, long = (sum(cost[:2]) for cost in costs(*ways))
    table(
        "A balance",
        [
            ("statements, rows", f"{tally.statements}, {tally.rows}", "one row"),
            (
                f"with {HISTORY[1]:,} entries ÷ with {HISTORY[0]}, CPU",
                f"{long / short:.2f} ×",
                "goal ≤ 1.1",
            ),
            ("CPU", micro(short, long), "µs"),
        ],
    )


def night(shop: Shop, environment: dict[str, str], wanted: int) -> None:
    """The walk through the books and the sweep of a shop whose points all end."""
    from loyalty import books, demo, exchange, programs, sweeping
    from loyalty.models import Allocation, Entry, Lot, Member, Purchase
    from loyalty.opening import open_shop
    from tenants.context import inside

    opened = open_shop(
        "night", name="Night", email="a@b.example", owner_name="A", country="US", at=shop.now
    )
    ending = datetime(2030, 1, 1, tzinfo=UTC)
    with inside(opened.opened.tenant):
        policy = {"expiry": {"mode": "lot", "days": 5_000}}
        programs.set_policy(opened.program, policy, at=shop.now, by=shop.by)
        read = exchange.read(demo.CDNOW, zone=ZoneInfo("UTC"), decimals=2)
        for _ in exchange.replay(itertools.islice(read, wanted), name="cdnow", at=shop.now):
            pass
        analyze(environment)
        tables = (Member, Purchase, Entry, Lot, Allocation)
        walks = [timed(lambda: list(books.walk())) for _ in range(2)]
        rows = sum(model.objects.count() for model in tables)
        assert walks[-1].found == []
        first = timed(lambda: sweeping.sweep(shop.now - 9_000 * DAY))
        swept = timed(lambda: sweeping.sweep(ending))
        analyze(environment)
        after = timed(lambda: list(books.walk(ending)))
        assert after.found == []
        more = sum(model.objects.count() for model in tables)
        expired = Entry.objects.filter(kind=Entry.Kind.EXPIRE).count()
    table(
        f"A night of a shop with {wanted:,} sales",
        [
            ("verify", f"{rows / walks[1].seconds:,.0f} rows / s", f"{rows:,} rows"),
            ("verify, our CPU of its time", f"{walks[1].cpu / walks[1].seconds:.0%}", ""),
            ("verify, memory more", f"{walks[1].memory} MB", "flat"),
            ("verify after the sweep", f"{more / after.seconds:,.0f} rows / s", f"{more:,} rows"),
            (
                "sweep",
                f"{swept.found.accounts / swept.seconds:,.0f} accounts / s",
                f"{swept.found.accounts:,}",
            ),
            ("entries that it wrote", f"{expired / swept.seconds:,.0f} / s", f"{expired:,}"),
            ("sweep, memory more", f"{swept.memory} MB", "flat"),
            ("a sweep that finds nothing due", f"{first.seconds * 1e3:.0f} ms", ""),
        ],
    )


# How it is measured


class Timed:
    """What a piece of work gave, its seconds by the clock, our CPU seconds, megabytes more."""

    def __init__(self, work: Callable[[], Any]) -> None:
        before, began, used = memory(), time.perf_counter(), time.process_time()
        self.found = work()
        self.seconds, self.cpu = time.perf_counter() - began, time.process_time() - used
        self.memory = memory() - before


timed = Timed
Cost = tuple[float, float, float]  # seconds a call: our CPU, the database's CPU, by the clock


def costs(*ways: tuple[Callable[[], object], int]) -> list[Cost]:
    """Medians of each way, in turns; a way comes with the database's process that serves it."""
    seen: list[list[Cost]] = [[] for _ in ways]
    for way, _ in ways:
        for _ in range(EACH):
            way()
    for _ in range(ROUNDS):
        for found, (way, pid) in zip(seen, ways, strict=True):
            before, began, used = cpu(pid), time.perf_counter(), time.thread_time()
            for _ in range(EACH):
                way()
            told = time.thread_time() - used, cpu(pid) - before, time.perf_counter() - began
            found.append((told[0] / EACH, told[1] / EACH, told[2] / EACH))
    return [(*(median(each) for each in zip(*found, strict=True)),) for found in seen]


def undone(verb: Callable[[Any], None], member: Any) -> Callable[[], None]:
    """The verb, taken back at once, so that the member stays as she is."""
    from django.db import transaction

    class Back(Exception):
        pass

    def act() -> None:
        with suppress(Back), transaction.atomic():
            verb(member)
            raise Back

    return act


def reader(read: Callable[..., object], member: Any, at: datetime) -> Callable[[], object]:
    return lambda: read(member, at=at)


def backend() -> int:
    from django.db import connection

    connection.ensure_connection()
    return int(connection.connection.info.backend_pid)


def micro(*seconds: float) -> str:
    return ", ".join(f"{each * 1e6:.0f}" for each in seconds)


ENTRIES = """
    INSERT INTO loyalty_entry (id, tenant_id, account_id, kind, amount, occurred_at, reason)
    SELECT gen_random_uuid(), a.tenant_id, a.id, 'adjust', CASE WHEN n %% 2 = 0 THEN 1 ELSE -1 END,
           now() - n * interval '1 minute', ''
      FROM loyalty_account a, generate_series(1, %(more)s) n WHERE a.member_id = %(member)s
"""


if __name__ == "__main__":
    main()
