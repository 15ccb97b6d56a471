"""manage.py demo: two shops to look at, and (--links) fresh ways into them."""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from loyalty import demo
from loyalty.models import Account
from portal.greeting import Demo, Shop
from portal.links import to_a_card, to_the_portal, to_the_till
from tenants import hosts
from tenants.context import inside
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Seed the demo shops with real sales (once), and mint sign-in links to them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="replay all 69,659 sales in `demo`")
        parser.add_argument("--links", action="store_true", help="print links as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        totals = {}
        for slug, total in demo.seed(at=timezone.now(), everything=options["all"]):
            totals[slug] = total.recorded
            if options["all"]:
                self.stdout.write(f"{slug}: {total.seen:,} sales")
        if totals:
            told = ", ".join(f"{slug} {count:,}" for slug, count in totals.items())
            self.stdout.write(f"Sales replayed: {told} ({time.monotonic() - began:.1f} s)")
        if options["links"]:
            shops = [
                self._links(tenant, shop) for shop in demo.SHOPS if (tenant := _tenant(shop.slug))
            ]
            self.stdout.write(json.dumps(Demo(apex=hosts.url_of(None), shops=shops)))

    def _links(self, tenant: Tenant, shop: demo.DemoShop) -> Shop:
        now = timezone.now()
        with inside(tenant):
            busiest = Account.objects.order_by("-last_activity").values_list("member", flat=True)
            return Shop(
                slug=tenant.slug,
                name=shop.name,
                url=hosts.url_of(tenant),
                owner=to_the_portal(tenant, at=now),
                till=to_the_till(tenant, at=now),
                card=to_a_card(tenant, busiest[:1].get(), at=now),
                person=shop.till_person,
                pin=demo.PIN,
            )


def _tenant(slug: str) -> Tenant | None:
    return Tenant.objects.filter(slug=slug).first()
