"""manage.py metrics: the page that Prometheus reads, on a port of its own."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.metrics_page import serve


class Command(BaseCommand):
    help = "Serve /metrics on PORTAL_METRICS_HOST and PORTAL_METRICS_PORT until told to stop."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        serve(settings.METRICS_HOST, settings.METRICS_PORT)
