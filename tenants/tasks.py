"""What the worker does by itself. Nothing here is about one tenant's data."""

from __future__ import annotations

import logging

from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app

from tenants.models import Session

log = logging.getLogger("portal.jobs")
SILENT = 60  # seconds without a heartbeat: that worker is gone


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="rescue_stalled_jobs", pass_context=True)
async def rescue_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Give the jobs of workers that died to those that live. Jobs may run twice, so they are
    idempotent.
    """
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=SILENT):
        await manager.retry_job(job)
        log.warning("rescued", extra={"facts": {"job": job.id, "task": job.task_name}})


@app.periodic(cron="17 * * * *")
@app.task(queueing_lock="forget_expired_sessions")
def forget_expired_sessions(timestamp: int) -> None:
    """Delete sessions that are over: they open nothing, but they name people."""
    gone, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    if gone:
        log.info("sessions forgotten", extra={"facts": {"count": gone}})
