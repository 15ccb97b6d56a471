"""What the worker does by itself: about the jobs, about all shops, and the tidying of each shop."""

from __future__ import annotations

import datetime as dt
import logging

from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.jobs import Status

from tenants import guesses, jobs, secrets, signups, tokens, usage
from tenants.models import Letter, Session

log = logging.getLogger("portal.jobs")
SILENT = 60  # seconds without a heartbeat: that worker is gone
LIVES = 7  # times a job may be taken before it is held to be what kills its workers
FINISHED_KEPT, FAILED_KEPT = 24, 14 * 24  # hours


@app.periodic(cron="* * * * *")
@app.task(name="tenants.rescue", queueing_lock="tenants.rescue", pass_context=True)
async def rescue_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Give the jobs of workers that died to those that live. Jobs may run twice, so they are
    idempotent. One that was lost with its worker LIVES times is given up.
    """
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=SILENT):
        facts = {"job": job.id, "task": job.task_name, "attempt": job.attempts + 1}
        if job.attempts + 1 < LIVES:
            await manager.retry_job(job)
            log.warning("rescued", extra={"facts": facts})
        else:
            await manager.finish_job(job, Status.FAILED, delete_job=False)
            log.error("given up: its workers die", extra={"facts": facts})


@app.periodic(cron="41 * * * *")
@app.task(
    name="tenants.remove_old_jobs", queueing_lock="tenants.remove_old_jobs", pass_context=True
)
async def remove_old_jobs(context: JobContext, timestamp: int) -> None:
    """Delete jobs that are over: the done ones after a day, what failed after a fortnight."""
    manager = context.app.job_manager
    await manager.delete_old_jobs(FINISHED_KEPT)
    await manager.delete_old_jobs(
        FAILED_KEPT, include_failed=True, include_cancelled=True, include_aborted=True
    )


@jobs.periodic("17 * * * *", name="tenants.forget_sessions")
def forget_expired_sessions(at: dt.datetime) -> None:
    """Delete sessions that are over: they open nothing, but they name people."""
    gone, _ = Session.objects.filter(expire_date__lt=at).delete()
    if gone:
        log.info("sessions forgotten", extra={"facts": {"count": gone}})


@jobs.periodic("19 2 * * *", name="tenants.forget_sign_ups")
def forget_sign_ups(at: dt.datetime) -> None:
    """Delete what the apex need not know any longer: sign-ups, letters, counts."""
    gone = signups.forget_old(at)
    if gone:
        log.info("sign-ups forgotten", extra={"facts": {"count": gone}})


@jobs.periodic("23 2 * * *", name="tenants.tidy_all")
def tidy_all(at: dt.datetime) -> None:
    """Each night, one job a shop."""
    jobs.enqueue_for_all(tidy, at=at.isoformat())


@jobs.task(name="tenants.tidy")
def tidy(at: str) -> None:
    """Delete what nobody needs any longer of a shop: opened doors, old counts."""
    then = dt.datetime.fromisoformat(at)
    secrets.forget_old(then)
    guesses.forget_old(then)
    tokens.forget_old(then)
    usage.forget_old(then)
    Letter.objects.filter(made_at__lt=then - signups.LETTERS_KEPT).delete()
