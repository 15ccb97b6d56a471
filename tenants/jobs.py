"""Work for later, fair between shops: put in by the transaction of its cause, done inside its shop.

Each shop has a queue of its own, and a job's priority is minus the number of jobs that wait in it:
the first job of one shop comes before the second of another, whoever put in a thousand.

A job is done at least once: a worker may be killed after the work and before it could say so. So a
task is idempotent: done twice, it leaves what doing it once leaves. Its arguments are JSON and name
rows by their ids; a personal datum is never among them, because the queue outlives the person.

A suspended shop's jobs are done: what was accepted is finished, only its doors are closed. The jobs
of a shop that is not there any more are dropped, and the log says so.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from tenants import usage
from tenants.context import OutsideTenant, current, enter, inside, required, tenant_id
from tenants.failpoints import failpoint
from tenants.ids import uuid7
from tenants.logs import coming_from, place, routed
from tenants.models import Tenant
from tenants.tally import Tally, tallied

P = ParamSpec("P")
log = logging.getLogger("portal.jobs")

# After 4 s, 16 s, 64 s, 4 min, 17 min and 68 min; then never again, with an error in the log.
RETRIES = RetryStrategy(max_attempts=6, exponential_wait=4)
HOUSE = "house"  # the queue of what is no shop's: another among them, as fair as any
LATER = -1_000_000  # the priority of what may wait until nobody wants anything
LEVELS = {
    "done": logging.INFO,
    "again": logging.WARNING,
    "dropped": logging.WARNING,
    "failed": logging.ERROR,
}
PUT_IN = """
    SELECT unnest(procrastinate_defer_jobs_v1(ARRAY[(
        %(queue)s, %(task)s, %(base)s - (
            SELECT count(*) FROM procrastinate_jobs
             WHERE queue_name = %(queue)s AND status = 'todo')::integer,
        NULL, NULL, %(args)s::jsonb, NULL)::procrastinate_job_to_defer_v1]))
"""


@dataclass(frozen=True, slots=True)
class Task(Generic[P]):
    """What `enqueue` takes. Calling it does the work here and now."""

    name: str
    function: Callable[P, object]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> object:
        return self.function(*args, **kwargs)


@dataclass(frozen=True, slots=True)
class Done:
    """How one try at a job went: "done", "again" (it failed and comes again), "failed" (for good)
    or "dropped" (its shop is gone).
    """

    task: str
    outcome: str
    seconds: float


finished: list[Callable[[Done], None]] = []  # told of each try, in the worker


def task(*, name: str, retry: RetryStrategy = RETRIES) -> Callable[[Callable[P, object]], Task[P]]:
    """Make a function a task: `@task(name="loyalty.tidy")`. It runs inside the shop it is about.

    The name is written into the queue: renaming a task loses the jobs that wait.
    """

    def register(function: Callable[P, object]) -> Task[P]:
        def run(context: JobContext, tenant: str, request: str, arguments: dict[str, Any]) -> None:
            def act() -> str:
                if tenant != HOUSE and not Tenant.objects.filter(pk=tenant).exists():
                    return "dropped"
                function(**arguments)  # type: ignore[call-arg]
                return "done"

            with enter(None) if tenant == HOUSE else inside(UUID(tenant)):
                _try(act, context, request, retry)

        app.task(name=name, retry=retry, pass_context=True)(run)
        return Task(name, function)

    return register


def enqueue(task: Task[P], /, *args: P.args, **arguments: P.kwargs) -> int:
    """Put in a job for the shop that we are inside, in the transaction we are in; returns its id.

    Rolled back, there is no job. Raises OutsideTenant outside, TypeError for arguments that are
    not JSON.
    """
    if args:
        raise TypeError("a job's arguments have names")
    required()
    return _put_in(task.name, arguments, 0)


def enqueue_for_the_house(task: Task[P], /, *_: P.args, **arguments: P.kwargs) -> int:
    """Put in a job of no shop, from the apex: it runs as nobody, and reaches no shop's rows.

    Raises OutsideTenant inside a shop, whose jobs are its own.
    """
    if current() is not None:
        raise OutsideTenant("a job of the house is put in outside every shop")
    return _put_in(task.name, arguments, 0)


def enqueue_for_all(task: Task[P], /, *_: P.args, **arguments: P.kwargs) -> int:
    """Put in one job for every shop, to be done when nothing else waits; returns how many.

    One job a shop and not one long loop: a shop that fails or takes long is its own affair.
    """
    tenants = list(Tenant.objects.values_list("pk", flat=True))
    for tenant in tenants:
        with inside(tenant):
            _put_in(task.name, arguments, LATER)
    return len(tenants)


def enqueue_where_it_is(hours: Collection[int], task: Task[...], *, at: dt.datetime) -> int:
    """Put in one job for every shop whose clock shows one of these hours at `at`, which it is told;
    to be done when nothing else waits. Returns how many. Asked once an hour, each shop has it once
    an hour of its own.
    """
    put_in = 0
    for tenant, zone in list(Tenant.objects.values_list("pk", "zone")):
        if at.astimezone(ZoneInfo(zone)).hour in hours:
            with inside(tenant):
                _put_in(task.name, {"at": at.isoformat()}, LATER)
            put_in += 1
    return put_in


def periodic(
    cron: str, *, name: str
) -> Callable[[Callable[[dt.datetime], object]], Task[[dt.datetime]]]:
    """Make a function a task of no shop that comes at the times of `cron` (UTC), which it is given.

    What failed is not tried again before its next time.
    """

    def register(function: Callable[[dt.datetime], object]) -> Task[[dt.datetime]]:
        def run(context: JobContext, timestamp: int) -> None:
            def act() -> str:
                function(dt.datetime.fromtimestamp(timestamp, dt.UTC))
                return "done"

            _try(act, context, uuid7().hex, None)

        deferred = app.task(name=name, queueing_lock=name, pass_context=True)(run)
        app.periodic(cron=cron)(deferred)
        return Task(name, function)

    return register


def _put_in(name: str, arguments: dict[str, Any], base: int) -> int:
    # By Django's own connection even in a worker, where procrastinate's would be another one, and
    # so another transaction.
    scope = current()
    queue, request = (str(tenant_id()) if scope else HOUSE), place().request_id
    args = json.dumps({"tenant": queue, "request": request, "arguments": arguments})
    with connection.cursor() as cursor:
        cursor.execute(PUT_IN, {"queue": queue, "task": name, "base": base, "args": args})
        (job,) = cursor.fetchone()
    failpoint("after_enqueue")
    return int(job)


def _try(
    act: Callable[[], str], context: JobContext, request: str, retry: RetryStrategy | None
) -> None:
    """Do the work once: with the id of the request that caused it, counted and told in one line."""
    job, began = context.job, time.perf_counter()
    outcome, error = "failed", None
    with coming_from(request, ""), tallied() as tally:
        routed(f"job {job.task_name}")
        try:
            failpoint("before_job")
            outcome = act()
            failpoint("after_job")
        except Exception as caught:
            error = caught
            comes_again = retry and retry.get_retry_decision(exception=caught, job=job)
            outcome = "again" if comes_again else "failed"
            raise
        finally:
            _tell(Done(job.task_name, outcome, time.perf_counter() - began), job, tally, error)


def _tell(done: Done, job: Job, tally: Tally, error: Exception | None) -> None:
    milliseconds = round(done.seconds * 1000)
    facts = {"task": done.task, "job": job.id, "attempt": job.attempts + 1, "ms": milliseconds}
    log.log(LEVELS[done.outcome], done.outcome, extra={"facts": facts}, exc_info=error)
    if (scope := current()) and scope.tenant_id:
        usage.count(scope.tenant_id, milliseconds=milliseconds, tally=tally)
    for told in finished:
        told(done)
