from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        from portal import metrics  # noqa: PLC0415 (models are loaded by now)
        from tenants import jobs, tally  # noqa: PLC0415

        tally.slow_after = settings.SLOW_QUERY_MS / 1000
        jobs.finished.append(metrics.observe_job)
