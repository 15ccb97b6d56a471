"""manage.py verify_ledger [--shop SLUG …]: walk the books of the shops and say what is wrong."""

from __future__ import annotations

import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from loyalty import books, rollups
from loyalty.models import Entry
from tenants.context import inside
from tenants.models import Tenant


class Command(BaseCommand):
    help = (
        "Check the books of every shop, or of one: sums, lots, allocations, sales, vouchers, stock,"
        " closed cards, daily figures. The exit status is 1 if anything is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--shop", action="append", default=[], help="a shop's slug, any number; default: all"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = Tenant.objects.order_by("slug")
        if wanted := options["shop"]:
            tenants = tenants.filter(slug__in=wanted)
            if unknown := set(wanted) - {tenant.slug for tenant in tenants}:
                raise CommandError(f"There is no shop {min(unknown)!r}.")
        shops = wrong = 0
        for tenant in tenants:
            shops += 1
            wrong += self._check(tenant)
        self.stdout.write(f"{shops} shops, {wrong} faults")
        if wrong:
            sys.exit(1)

    def _check(self, tenant: Tenant) -> int:
        """Tell the faults of a shop; returns how many."""
        began, wrong = time.monotonic(), 0
        with inside(tenant):
            entries = Entry.objects.count()
            for fault in (*books.walk(timezone.now()), *rollups.verify()):
                self.stdout.write(f"{tenant.slug}: {fault}")
                wrong += 1
        seconds = time.monotonic() - began
        self.stdout.write(f"{tenant.slug}: {entries:,} entries, {wrong} faults, {seconds:.1f} s")
        return wrong
