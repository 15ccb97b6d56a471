"""manage.py links SLUG: fresh ways into a shop, for its owner and for a tablet."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.links import to_the_portal, to_the_till
from tenants.context import inside
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Print one-time links into a shop: the owner's sign-in, and one that pairs a tablet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"There is no shop {options['slug']!r}.")
        now = timezone.now()
        with inside(tenant):
            self.stdout.write(f"its owner   {to_the_portal(tenant, at=now)}")
            self.stdout.write(f"its till    {to_the_till(tenant, at=now)}")
