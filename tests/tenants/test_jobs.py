"""Jobs: put in with their cause, done in their shop, fair between shops, lost with no worker."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app
from psycopg.rows import namedtuple_row

from loyalty import tasks as loyalty_tasks
from loyalty.models import Operation
from loyalty.tasks import (
    forget_operations,
    forget_operations_of_all,
    look_back_where_it_is_night,
)
from portal.home import ROOT
from tenants import jobs, tasks, usage
from tenants.context import OutsideTenant, inside
from tenants.ids import uuid7
from tenants.logs import coming_from
from tenants.models import OneTimeSecret
from tenants.secrets import mint
from tenants.testing import make

AT = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


COLUMNS = (
    "id, queue_name, task_name, priority, args, status, attempts, scheduled_at > now() AS later"
)


# What a worker puts in by itself for shops where it is time.
BY_THE_HOUR = {
    task.name
    for task in (
        loyalty_tasks.sweep,
        loyalty_tasks.celebrate,
        loyalty_tasks.check_books,
        loyalty_tasks.sum_up_days,
        loyalty_tasks.end_unbound,
        loyalty_tasks.erase_leaving,
        loyalty_tasks.start_draft,
    )
}


class Queue:
    """The queue as the worker's login sees it, and a worker."""

    def __init__(self, connection_):
        self.connection = connection_
        query = "SELECT worker_id FROM procrastinate_register_worker_v1()"
        self.worker = connection_.execute(query).fetchone().worker_id

    def all(self, *names):
        """The jobs that we put in; a worker's own periodic ones, and what those put in for each
        shop, come when they please.
        """
        query = f"SELECT {COLUMNS} FROM procrastinate_jobs ORDER BY id"  # noqa: S608
        rows = self.connection.execute(query).fetchall()
        return [row for row in rows if row.task_name in names or self.is_ours(row)]

    @staticmethod
    def is_ours(row):
        return row.queue_name != "default" and row.task_name not in BY_THE_HOUR

    def set(self, **values):
        for name, value in values.items():
            query = f"UPDATE procrastinate_jobs SET {name} = %s WHERE queue_name <> 'default'"  # noqa: S608
            self.connection.execute(query, [value])

    def take(self):
        """The shop whose job a worker would take now; it is done at once."""
        query = "SELECT id, queue_name FROM procrastinate_fetch_job_v2(NULL, %s)"
        job = self.connection.execute(query, [self.worker]).fetchone()
        done = "SELECT procrastinate_finish_job_v1(%s, 'succeeded', false)"
        self.connection.execute(done, [job.id])
        return job.queue_name

    def rescue(self):
        """Let the rescue be among what waits, if a worker has not put it in by itself."""
        name = tasks.rescue_stalled_jobs.name
        if not any(job.task_name == name and job.status == "todo" for job in self.all(name)):
            tasks.rescue_stalled_jobs.defer(timestamp=0)

    def work(self):
        """Do what waits, as the worker does, until nothing is due."""
        connector = PsycopgConnector(conninfo=os.environ["DATABASE_WORKER_URL"])

        async def run():
            async with app.open_async():
                await app.run_worker_async(
                    wait=False, install_signal_handlers=False, listen_notify=False, concurrency=1
                )

        # In a thread of its own: Playwright leaves a loop that runs in the one of the tests.
        # Without what is due by the clock: a test that runs at seven past is like any other.
        with (
            app.replace_connector(connector),
            patch.object(app.periodic_registry, "periodic_tasks", {}),
            ThreadPoolExecutor(1) as thread,
        ):
            thread.submit(asyncio.run, run()).result()


@pytest.fixture
def queue(transactional_db, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)  # threads come and go here
    url = os.environ["DATABASE_WORKER_URL"]
    with psycopg.connect(url, autocommit=True, row_factory=namedtuple_row) as connection_:
        yield Queue(connection_)


def worker_process(**environment):
    """A worker of its own, as the Procfile has it, until nothing is due; gives its status."""
    told = {"PORTAL_LOGIN": "worker", "PORTAL_ASSUME_ROLE": "", "PORTAL_NO_BOOTSTRAP": "1"}
    command = [sys.executable, "manage.py", "procrastinate", "worker", "--one-shot"]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | told | environment,
        capture_output=True,
        timeout=60,
        check=False,
    ).returncode


def now():
    return dt.datetime.now(dt.UTC).isoformat()


def old_operation(key="k"):
    """A command that was carried out long ago."""
    long_ago = AT - dt.timedelta(days=3650)
    pk = uuid7().int & ~(0xFFFF_FFFF_FFFF << 80) | int(long_ago.timestamp() * 1000) << 80
    return make(Operation, pk=type(uuid7())(int=pk), key=key, at=long_ago)


def test_a_job_is_put_in_with_its_cause_or_not_at_all(two, queue):
    with inside(two[0]):
        with pytest.raises(LookupError), transaction.atomic():
            _ = jobs.enqueue(forget_operations, at="2030-01-01"), {}["a cause that fails"]
        assert queue.all() == []
        with transaction.atomic(), coming_from("r-1", "203.0.113.7"):
            jobs.enqueue(forget_operations, at="2030-01-01")
            assert queue.all() == []
    me = str(two[0].pk)
    args = {"tenant": me, "request": "r-1", "arguments": {"at": "2030-01-01"}}
    (job,) = queue.all()
    assert (job.queue_name, job.task_name, job.priority, job.args) == (
        me,
        forget_operations.name,
        0,
        args,
    )


def test_outside_a_shop_nothing_is_put_in(two):
    with pytest.raises(OutsideTenant):
        jobs.enqueue(forget_operations, at="2030-01-01")


def test_arguments_are_named_and_json(two):
    with inside(two[0]):
        with pytest.raises(TypeError):
            jobs.enqueue(forget_operations, "2030-01-01")
        with pytest.raises(TypeError):
            jobs.enqueue(forget_operations, at=uuid7())


def test_the_web_sees_no_arguments(two):
    with inside(two[0]):
        jobs.enqueue(forget_operations, at="2030-01-01")
    with connection.cursor() as cursor, pytest.raises(DatabaseError, match="permission denied"):
        cursor.execute("SELECT args FROM procrastinate_jobs")


def test_a_thousand_jobs_of_one_shop_delay_the_next_shop_by_two_at_most(two, queue):
    big, small = two
    with inside(big), transaction.atomic():
        for _ in range(1000):
            jobs.enqueue(forget_operations, at="2030-01-01")
    order = [queue.take() for _ in range(3)]
    with inside(small):
        jobs.enqueue(forget_operations, at="2030-01-01")
    order += [queue.take() for _ in range(3)]
    assert order.index(str(small.pk)) - 3 <= 2
    assert set(order[:3]) == {str(big.pk)}


def test_shops_with_many_jobs_take_turns(two, queue):
    with transaction.atomic():
        for tenant in two:
            with inside(tenant):
                for _ in range(20):
                    jobs.enqueue(forget_operations, at="2030-01-01")
    order = [queue.take() for _ in range(40)]
    for turn in range(20):
        assert set(order[2 * turn : 2 * turn + 2]) == {str(tenant.pk) for tenant in two}


def test_tidying_waits_until_nobody_wants_anything(two, queue):
    assert jobs.enqueue_for_all(forget_operations, at="2030-01-01") == 2
    with inside(two[1]):
        for _ in range(3):
            jobs.enqueue(tasks.tidy, at="2030-01-01")
    order = [queue.take() for _ in range(5)]
    assert order[:3] == [str(two[1].pk)] * 3
    assert set(order[3:]) == {str(tenant.pk) for tenant in two}


def test_each_shop_is_tidied_by_a_job_of_its_own(two, queue):
    tasks.tidy_all(AT)
    forget_operations_of_all(AT)
    told = {(job.queue_name, job.task_name) for job in queue.all()}
    names = {str(tenant.pk) for tenant in two}
    assert told == {(n, t) for n in names for t in ("tenants.tidy", "loyalty.forget_operations")}


def test_the_books_of_a_shop_are_looked_at_in_its_own_night(two, queue):
    for hour in range(24):
        look_back_where_it_is_night(AT + dt.timedelta(hours=hour))
    names = ("loyalty.check_books", "loyalty.sum_up_days")
    told = [(job.queue_name, job.task_name, job.args["arguments"]) for job in queue.all(*names)]
    at = {"at": (AT + dt.timedelta(hours=1)).isoformat()}  # five in Dubai
    assert sorted(told) == sorted((str(t.pk), name, at) for t in two for name in names)


def test_tidying_leaves_what_is_still_needed(in_cafe):
    subject = uuid7()
    mint("pair", subject, dt.timedelta(minutes=5), at=AT - dt.timedelta(hours=1))
    mint("pair", subject, dt.timedelta(minutes=5), at=AT)
    tasks.tidy(AT.isoformat())
    assert [each.expires_at for each in OneTimeSecret.objects.all()] == [
        AT + dt.timedelta(minutes=5)
    ]


def test_a_worker_does_each_job_in_its_own_shop(two, queue, told):
    for tenant in two:
        with inside(tenant):
            old_operation()
            make(Operation, key="new")
    with inside(two[0]), coming_from("cause-1", ""):
        jobs.enqueue(forget_operations, at=now())
    queue.work()
    with inside(two[0]):
        assert [each.key for each in Operation.objects.all()] == ["new"]
    with inside(two[1]):
        assert Operation.objects.count() == 2
    (line,) = [line for line in told if line.get("task") == "loyalty.forget_operations"]
    assert (line["tenant"], line["request"]) == (str(two[0].pk), "cause-1")
    assert (line["event"], line["attempt"]) == ("done", 1)
    assert line["route"] == "job loyalty.forget_operations"


def test_what_fails_comes_again_later_and_is_told_once(two, queue, told):
    with inside(two[0]):
        jobs.enqueue(forget_operations, at="no time at all")
    queue.work()
    (job,) = queue.all()
    assert (job.status, job.attempts, job.later) == ("todo", 1, True)
    (line,) = [line for line in told if "error" in line]
    assert (line["event"], line["level"]) == ("again", "warning")
    assert line["error"]["class"] == "builtins.ValueError"
    assert "no time at all" not in json.dumps(line)


def test_what_failed_too_often_stays_failed_with_an_error_in_the_log(two, queue, told):
    with inside(two[0]):
        jobs.enqueue(forget_operations, at="no time at all")
    queue.set(attempts=6)
    queue.work()
    assert [job.status for job in queue.all()] == ["failed"]
    (line,) = [line for line in told if "error" in line]
    assert (line["event"], line["level"], line["attempt"]) == ("failed", "error", 7)


def test_the_job_of_a_killed_worker_is_done_by_another(two, queue, told):
    with inside(two[0]):
        old_operation()
        jobs.enqueue(forget_operations, at=now())
    assert worker_process(PORTAL_FAILPOINTS="before_job=kill@1") == -signal.SIGKILL
    assert [job.status for job in queue.all()] == ["doing"]
    # What it put in by the clock before it died: at some minutes, jobs for every shop.
    queue.connection.execute(
        "UPDATE procrastinate_jobs SET status = 'cancelled'"
        " WHERE queue_name = 'default' AND status = 'todo'"
    )
    two_minutes_later = (
        "UPDATE procrastinate_workers SET last_heartbeat = now() - '2 min'::interval"
    )
    queue.connection.execute(two_minutes_later)
    queue.rescue()
    queue.work()
    assert [(job.status, job.attempts) for job in queue.all()] == [("succeeded", 2)]
    with inside(two[0]):
        assert not Operation.objects.exists()
    assert [line["task"] for line in told if line["event"] == "rescued"] == [forget_operations.name]


def test_a_job_that_kills_its_workers_is_given_up(two, queue, told):
    with inside(two[0]):
        jobs.enqueue(forget_operations, at="2030-01-01")
    queue.set(status="doing", attempts=tasks.LIVES - 1)
    queue.rescue()
    queue.work()
    assert [job.status for job in queue.all()] == ["failed"]
    assert [line["level"] for line in told if line["event"].startswith("given up")] == ["error"]


def test_jobs_that_are_over_are_removed(two, queue):
    with inside(two[0]):
        numbers = [jobs.enqueue(forget_operations, at="2030-01-01") for _ in range(4)]
    ended = [("succeeded", 2), ("failed", 2), ("failed", 15), ("succeeded", 0)]
    status_of = "UPDATE procrastinate_jobs SET status = %s WHERE id = %s"
    days_ago = (
        "UPDATE procrastinate_events SET at = now() - make_interval(days => %s) WHERE job_id = %s"
    )
    for number, (status, days) in zip(numbers, ended, strict=True):
        queue.connection.execute(status_of, [status, number])
        queue.connection.execute(days_ago, [days, number])
    tasks.remove_old_jobs.defer(timestamp=0)
    queue.work()
    assert [job.id for job in queue.all()] == [numbers[1], numbers[3]]


def test_a_job_of_a_suspended_shop_is_done_and_of_one_that_is_gone_dropped(two, queue, told):
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("UPDATE tenants_tenant SET state = 'suspended' WHERE slug = 'anna'")
    with inside(two[0]):
        old_operation()
        jobs.enqueue(forget_operations, at=now())
    gone = uuid7()
    with inside(gone):
        jobs.enqueue(forget_operations, at="no time at all")
    queue.work()
    with inside(two[0]):
        assert not Operation.objects.exists()
    assert [line["tenant"] for line in told if line["event"] == "dropped"] == [str(gone)]
    assert {job.status for job in queue.all()} == {"succeeded"}


def test_what_a_job_costs_is_counted_for_its_shop(two, queue):
    with inside(two[0]):
        old_operation()
        jobs.enqueue(forget_operations, at=now())
    queue.work()
    counts = usage.counted(two[0].pk)
    assert (counts.requests, counts.rows) == (0, 2)  # the shop, and what was forgotten
