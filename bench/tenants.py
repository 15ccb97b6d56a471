"""Does a shop pay for its neighbours? It is asked among 10,000 others, and alone with as many rows.

    python -m bench.tenants [TENANTS]

One database holds TENANTS shops of MEMBERS members each, with a sale, an entry and a lot for each.
Its rival holds one shop that has all those members itself: the same rows, under one tenant.
In both the same shop is asked by the real web over HTTP, in turns. CPU is that of the web's
processes and of PostgreSQL's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import psycopg
from psycopg import sql

from bench.cpu import Award, Backends, Page, listed, measured, shop, web
from bench.stage import NAME, as_owner, close_connections, stage, table
from portal.home import ROOT

TENANTS, MEMBERS = 10_000, 10
ROUNDS, WARM = 15, 60
MANY = f"{NAME}_many"
UNIQUE = {"value", "key", "ref"}  # columns that must differ from row to row within a shop
OF_MEMBER = {"member_id", "account_id", "purchase_id", "entry_id", "operation"}
Ways = dict[str, tuple[Callable[[], object], int, Backends]]


def main() -> None:
    tenants = int(sys.argv[1]) if len(sys.argv) > 1 else TENANTS
    os.environ |= {"DJANGO_SETTINGS_MODULE": "bench.settings", "RATE_LIMITS": "0"}
    with stage() as one:
        collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
        subprocess.run(collect, cwd=ROOT, check=True)
        cookies, member = shop()
        pattern()
        with copied(one) as many:
            began = time.perf_counter()
            rows = multiply(many, tenants, alone=False), multiply(one, tenants, alone=True)
            filling = time.perf_counter() - began
            with web(one) as (one_port, one_pid), web(many) as (many_port, many_pid):
                sides = {
                    "one": (one_port, one_pid, Backends(one)),
                    "many": (many_port, many_pid, Backends(many)),
                }
                ways: Ways = {}
                for side, (port, pid, backends) in sides.items():
                    card = Page(port, "/c", cookie=f"card={cookies['card']}")
                    ways[f"card, {side}"] = card, pid, backends
                    ways[f"award, {side}"] = Award(port, member, cookies), pid, backends
                cost = in_turns(ways)
    ratios = {page: cost[f"{page}, many"] / cost[f"{page}, one"] for page in ("card", "award")}
    table(
        f"One shop among {tenants:,} ÷ alone with {tenants * MEMBERS:,} members, CPU of a request",
        [
            ("card page", f"{ratios['card']:.2f} ×", "goal ≤ 1.1"),
            ("award", f"{ratios['award']:.2f} ×", "goal ≤ 1.1"),
            ("card: among many, alone", listed(cost["card, many"], cost["card, one"]), "µs"),
            ("award: among many, alone", listed(cost["award, many"], cost["award, one"]), "µs"),
            (
                "rows added: among many, alone",
                f"{rows[0]:,}, {rows[1]:,}",
                f"{filling:.0f} s to fill",
            ),
        ],
    )


def in_turns(ways: Ways) -> dict[str, float]:
    """Median CPU seconds of one call of each way."""
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for way, _, _ in ways.values():
        for _ in range(WARM):
            way()
    for number in range(ROUNDS):
        for name in ways if number % 2 else reversed(ways):
            seen[name].append(measured(*ways[name])[0])
    return {name: median(costs) for name, costs in seen.items()}


def pattern() -> None:
    """Members of the shop who will be copied: MEMBERS, who bought once."""
    from django.utils import timezone

    from loyalty import enrolment, purchases
    from tenants.actors import Actor
    from tenants.context import inside
    from tenants.models import Staff, Tenant

    now = timezone.now()
    with inside(Tenant.objects.get(slug="bench")):
        by = Actor.of_staff(Staff.objects.get())
        for number in range(MEMBERS):
            key = f"copied-{number}"
            member = enrolment.enrol(name="Amina", card=key, at=now, by=by)
            purchases.record(member, 2450, at=now, by=by, key=key, ref=key)
            enrolment.new_link(member)


@contextmanager
def copied(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """A second database with the same rows; gives the environment that leads to it."""
    close_connections()
    name, other = sql.Identifier(NAME), sql.Identifier(MANY)
    there = {key: value.replace(f"/{NAME}?", f"/{MANY}?") for key, value in environment.items()}
    there["REDIS_URL"] = there["REDIS_URL"].replace("db=14", "db=13")
    maintenance = environment["DATABASE_OWNER_URL"].replace(f"/{NAME}?", "/portal?")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(other, name))
        try:
            yield there
        finally:
            close = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            connection.execute(close.format(other))


def multiply(environment: dict[str, str], tenants: int, *, alone: bool) -> int:
    """Copy the pattern `tenants` times, each time for another tenant or, `alone`, all for the shop
    itself; returns how many rows were written.

    In the order of the pattern's rows: so those of a tenant lie as far apart as they do where all
    shops sell at once.
    """
    with as_owner(environment) as connection:
        if not alone:
            connection.execute(TENANTS_ROWS, [tenants])
            connection.execute(DOMAINS_ROWS)
        written = 0
        for model, which in copies(alone=alone):
            statement = copy_of(model, which, alone=alone)
            written += connection.execute(statement, {"n": tenants}).rowcount
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    return written


TENANTS_ROWS = """
    INSERT INTO tenants_tenant (id, slug, state, plan, country_id, currency_id, zone)
    SELECT md5('tenant' || n)::uuid, 'copy-' || n, state, plan, country_id, currency_id, zone
      FROM tenants_tenant, generate_series(1, %s) n WHERE slug = 'bench'
"""
DOMAINS_ROWS = """
    INSERT INTO tenants_domain (name, tenant_id)
    SELECT slug, id FROM tenants_tenant WHERE slug LIKE 'copy-%'
"""
KNOWN = "SELECT member_id FROM loyalty_identifier WHERE value LIKE 'copied-%%'"
HELD = f"SELECT id FROM loyalty_account WHERE member_id IN ({KNOWN})"  # noqa: S608 (our own words)


def copies(*, alone: bool) -> Iterator[tuple[Any, str]]:
    """The models whose rows are copied, and which of their rows, those that are referred to first.

    What belongs to the shop and to no member keeps its ids, which are unique within a tenant.
    """
    from loyalty import models as loyalty
    from tenants.models import Location, Shop, Staff

    if not alone:
        for model in (Shop, Location, Staff, loyalty.Program, loyalty.EarnRule):
            yield model, ""
    yield loyalty.Member, f"id IN ({KNOWN})"
    yield loyalty.Identifier, f"member_id IN ({KNOWN})"
    yield loyalty.Account, f"member_id IN ({KNOWN})"
    yield loyalty.Operation, "key LIKE 'copied-%%'"
    for model in (loyalty.Purchase, loyalty.Entry, loyalty.Lot):
        yield model, f"account_id IN ({HELD})"


def copy_of(model: Any, which: str, *, alone: bool) -> sql.Composed:
    """An INSERT of the rows `which` of the shop, %(n)s times."""
    fields = model._meta.local_concrete_fields
    values = [value_of(field, of_member=bool(which), alone=alone) for field in fields]
    return sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {values} FROM {table}, generate_series(1, %(n)s) n"
        " WHERE tenant_id = (SELECT id FROM tenants_tenant WHERE slug = 'bench') AND {which}"
        " ORDER BY id, n"
    ).format(
        table=sql.Identifier(model._meta.db_table),
        columns=sql.SQL(", ").join(sql.Identifier(field.column) for field in fields),
        values=sql.SQL(", ").join(map(sql.SQL, values)),
        which=sql.SQL(which or "true"),
    )


def value_of(field: Any, *, of_member: bool, alone: bool) -> str:
    """The copy's value of a column, as SQL."""
    column: str = field.column
    if column == "tenant_id":
        return column if alone else "md5('tenant' || n)::uuid"
    if of_member and (column == "id" or column in OF_MEMBER):
        return f"md5({column}::text || n)::uuid"
    if alone and column == "code":
        return "left(md5(code || n), 12)"
    if alone and column in UNIQUE:
        return f"{column} || '-' || n"
    return column


if __name__ == "__main__":
    main()
