"""manage.py demo: two shops to look at, and (--links) fresh ways into them."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from loyalty import demo
from loyalty.models import Member
from portal.greeting import Demo, Shop
from tenants import hosts, secrets
from tenants.context import inside
from tenants.models import Location, Staff, Tenant

LINKS_LIVE = dt.timedelta(days=1)


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
            owner = Staff.objects.filter(role=Staff.Role.OWNER).order_by("id").first()
            location = Location.objects.order_by("id").first()
            member = Member.objects.order_by("-accounts__last_activity").first()

            def link(purpose: str, subject: Any, path: str) -> str:
                secret = secrets.mint(purpose, subject, LINKS_LIVE, at=now)
                return hosts.url_of(tenant, path.format(secret))

            return Shop(
                slug=tenant.slug,
                name=shop.name,
                url=hosts.url_of(tenant),
                owner=link(secrets.SIGN_IN, owner.user_id, "/accounts/link/{}/"),
                till=link(secrets.PAIR, location.pk, "/till/pair/{}/"),
                card=link(secrets.CARD, member.pk, "/c/{}/"),
                person=shop.till_person,
                pin=demo.PIN,
            )


def _tenant(slug: str) -> Tenant | None:
    return Tenant.objects.filter(slug=slug).first()
