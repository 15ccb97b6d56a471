"""manage.py usage: which shops ask most of the machine."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from tenants.context import platform
from tenants.models import Tenant
from tenants.usage import Counts, busiest

LINE = "{:<24} {:>10} {:>12} {:>12} {:>8} {:>8} {:>7}"
TITLES = ("shop", "requests", "ms", "rows", "429", "failed", "share")


class Command(BaseCommand):
    help = "Print the shops that took the most time, the noisiest first, with their share of all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--hours", type=int, default=24, help="back from now; default: 24")
        parser.add_argument("--top", type=int, default=20, help="how many; default: 20")

    def handle(self, *args: Any, **options: Any) -> None:
        since = timezone.now() - dt.timedelta(hours=options["hours"])
        with platform("manage.py usage"):
            top, whole = busiest(since, options["top"])
            tenants = Tenant.objects.in_bulk([each.tenant for each in top if each.tenant])
        self.stdout.write(LINE.format(*TITLES))
        for load in top:
            tenant = tenants.get(load.tenant) if load.tenant else None
            self._tell(tenant.slug if tenant else str(load.tenant), load.counts, whole.counts)
        self._tell(f"all {whole.shops}", whole.counts, whole.counts)

    def _tell(self, name: str, counts: Counts, whole: Counts) -> None:
        share = 100 * counts.milliseconds / max(whole.milliseconds, 1)
        told = (counts.requests, counts.milliseconds, counts.rows, counts.limited, counts.failed)
        self.stdout.write(LINE.format(name[:24], *told, f"{share:.1f} %"))
