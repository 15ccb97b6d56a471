"""The faults of the matrix as scenes: each lasts as long as its `with`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from signal import SIGCONT, SIGKILL, SIGSTOP

from tests.faults import faults
from tests.faults.clients import Browser, NoAnswer
from tests.faults.desk import Desk
from tests.faults.processes import send
from tests.faults.stage import Stage
from tests.test_embedded import until

RESTARTS_EVERY = 5  # seconds
WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'portal_app'
"""


@contextmanager
def lying(stage: Stage, who: str) -> Iterator[None]:
    """Nobody starts it again meanwhile."""
    stage.let_lie.add(who)
    try:
        yield
    finally:
        stage.let_lie.discard(who)


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    send(SIGSTOP, *pids)
    try:
        yield
    finally:
        send(SIGCONT, *pids)


@contextmanager
def restarts(stage: Stage) -> Iterator[None]:
    """One after the other, with time to serve between them."""
    ended = threading.Event()

    def again() -> None:
        while not ended.wait(RESTARTS_EVERY):
            faults.restart(stage)

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def pool_in_use(stage: Stage) -> Iterator[None]:
    """Other shops' sales wait for a lock, in each connection of a small pool."""
    stage.serve(DATABASE_POOL="2")
    hogs = [Desk(stage) for _ in range(4)]
    tenants = [desk.shop["tenant"] for desk in hogs]
    ended = threading.Event()

    def sell(desk: Desk) -> None:
        browser = Browser(stage.port, desk.shop["host"], desk.browser.cookies)
        member = desk.shop["members"][0]["id"]
        while not ended.is_set():
            form = {"amount": "1.00", "key": "11111111-2222-4333-8444-555555555555"}
            try:
                browser.ask("POST", f"/till/members/{member}/purchases/", form)
            except NoAnswer:
                continue
        browser.close()

    threads = [threading.Thread(target=sell, args=(desk,)) for desk in hogs for _ in range(4)]
    query = b"SELECT FROM loyalty_account WHERE tenant_id = ANY(%s) FOR UPDATE"
    # Not as one of our roles, whose transactions may not idle for so long.
    with stage.connect("admin") as holding, holding.transaction():
        holding.execute(query, [tenants])
        for thread in threads:
            thread.start()
        try:
            until(lambda: stage.ask(WAITING, login="admin")[0][0] >= 3)
            yield
        finally:
            ended.set()
    for thread in threads:
        thread.join()
    for desk in hogs:
        desk.close()


@contextmanager
def full(stage: Stage) -> Iterator[None]:
    assert stage.disk
    with stage.connect("admin") as admin:
        admin.execute("SELECT pg_switch_wal()")
        admin.execute("CHECKPOINT")
    stage.disk.fill()
    try:
        yield
    finally:
        stage.disk.free()


@contextmanager
def hour_back(stage: Stage) -> Iterator[None]:
    stage.move_clock("-1h")
    time.sleep(1.5)  # the library reads its file once a second
    try:
        yield
    finally:
        stage.move_clock("+0")


@contextmanager
def under(stage: Stage, column: str) -> Iterator[None]:
    """A fault, from its beginning to its end."""
    with ExitStack() as stack:
        if column == "Valkey dead":
            stack.enter_context(lying(stage, "servers"))
            send(SIGKILL, stage.valkey)
        elif column == "Valkey frozen":
            stack.enter_context(frozen(stage.valkey))
        elif column == "Valkey flushed":
            faults.flush(stage)
        elif column == "PG restart":
            stack.enter_context(restarts(stage))
        elif column == "PG dead":
            stack.enter_context(lying(stage, "servers"))
            send(SIGKILL, *faults.postgres(stage))
        elif column == "worker dead":
            stack.enter_context(lying(stage, "worker"))
            send(SIGKILL, *faults.worker(stage))
        else:
            scene = {"pool full": pool_in_use, "disk full": full, "clock back": hour_back}[column]
            stack.enter_context(scene(stage))
        yield
