"""manage.py open_shop SLUG --name … --email …: a new shop, ready to work."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from loyalty.opening import open_shop
from loyalty.presets import PRESETS
from tenants import hosts
from tenants.limits import DEFAULT_PLAN, PLANS
from tenants.models import Country
from tenants.onboarding import BadName
from tenants.pins import BadPin

WHY = {
    "form": "write 3 to 63 of a-z, 0-9 and hyphens inside",
    "reserved": "it is reserved",
    "taken": "another shop has it",
}


class Command(BaseCommand):
    help = "Open a shop: tenant, domain, owner, location and a program from a preset, or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="its address: SLUG.<domain>")
        parser.add_argument("--name", required=True, help="what the shop is called")
        parser.add_argument("--email", required=True, help="the owner's address")
        parser.add_argument("--owner", default="", help="the owner's name")
        parser.add_argument("--country", default="AE", help="ISO 3166 code, for currency and zone")
        parser.add_argument("--zone", default="", help="time zone, if not the country's")
        parser.add_argument("--pin", default="", help="the owner's PIN at the till, 4 to 6 digits")
        parser.add_argument("--preset", default="points", choices=sorted(PRESETS))
        parser.add_argument("--plan", default=DEFAULT_PLAN, choices=sorted(PLANS))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            opened = open_shop(
                options["slug"],
                name=options["name"],
                email=options["email"],
                owner_name=options["owner"] or options["name"],
                country=options["country"].upper(),
                zone=options["zone"],
                preset=options["preset"],
                pin=options["pin"],
                plan=options["plan"],
                at=timezone.now(),
            ).opened
        except BadName as error:
            raise CommandError(
                f"{error.slug!r} cannot be the address: {WHY[error.code]}."
            ) from None
        except BadPin as error:
            raise CommandError(f"{error}.") from None
        except Country.DoesNotExist:
            raise CommandError(
                f"No country {options['country']!r}: write its ISO code, as in AE."
            ) from None
        self.stdout.write(f"{opened.shop.name} is open: {hosts.url_of(opened.tenant)}")
