"""manage.py import_sales --shop SLUG FILE: replay a file of sales through the purchase verb."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from loyalty import exchange
from tenants.context import inside
from tenants.models import Currency, Tenant

SHOWN = 20  # refused lines


class Command(BaseCommand):
    help = (
        "Import sales from a CSV (customer, date, amount, receipt) or the CDNOW text, plain or .xz."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shop", required=True, help="the shop's slug")
        parser.add_argument(
            "--name", help="what the import is called; the same name goes on (default: the file's)"
        )
        parser.add_argument("--batch", type=int, default=exchange.BATCH, help="sales a transaction")
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["shop"]).first()
        if tenant is None:
            raise CommandError(f"There is no shop {options['shop']!r}.")
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        currency = Currency.objects.get(pk=tenant.currency_id)
        lines = exchange.read(path, zone=ZoneInfo(tenant.zone), decimals=currency.digits)
        name = options["name"] or path.name.removesuffix(".xz")
        began, done = time.monotonic(), exchange.Imported()
        try:
            with inside(tenant):
                for done in exchange.replay(
                    lines, name=name, at=timezone.now(), batch=options["batch"]
                ):
                    self._show(done, began)
        except exchange.UnreadableFile as error:
            self._end_bar()
            raise CommandError(
                f"{error} The {done.seen} lines before it are done; "
                "mend the file and run this again."
            ) from None
        self._end_bar()
        self._sum_up(done, time.monotonic() - began)

    def _show(self, done: exchange.Imported, began: float) -> None:
        if sys.stderr.isatty():
            rate = done.seen / max(time.monotonic() - began, 0.001)
            self.stderr.write(f"\r{done.seen:>9,} lines  {rate:>7,.0f}/s ", ending="")

    def _end_bar(self) -> None:
        if sys.stderr.isatty():
            self.stderr.write("")

    def _sum_up(self, done: exchange.Imported, seconds: float) -> None:
        self.stdout.write(
            f"{done.recorded:,} sales recorded, {done.known:,} were there already, "
            f"{len(done.refused):,} refused; {done.points:,} points given; {seconds:.1f} s"
        )
        for number, why in done.refused[:SHOWN]:
            self.stdout.write(f"  line {number}: {why}")
