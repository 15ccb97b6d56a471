"""manage.py api_key SLUG …: make a secret key of a shop's API, list its keys, retire one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tenants import keys
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import ApiKey, Tenant


class Command(BaseCommand):
    help = (
        "Make a secret key of a shop's API and print its secret, this once. With --list, the keys "
        "of the shop; with --retire PREFIX, put one out of use, and all its tokens with it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--name", default="", help="what the key is for")
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            choices=keys.SCOPES,
            metavar="SCOPE",
            help=f"what it may; again for more of them: {', '.join(keys.SCOPES)}",
        )
        parser.add_argument(
            "--origin",
            action="append",
            default=[],
            help="a site whose browsers may use its members' tokens: https://shop.example",
        )
        parser.add_argument("--list", action="store_true", help="the keys of the shop")
        parser.add_argument("--retire", default="", metavar="PREFIX", help="as --list shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"There is no shop {options['slug']!r}.")
        with inside(tenant):
            if options["list"]:
                self._list()
            elif options["retire"]:
                self._retire(options["retire"])
            else:
                self._make(options)

    def _make(self, options: dict[str, Any]) -> None:
        by = Actor.command("api_key")
        name, scopes, origins = options["name"], options["scope"], options["origin"]
        try:
            key, secret = keys.make(name, scopes, origins, at=timezone.now(), by=by)
        except keys.BadKey as error:
            raise CommandError(f"--{error.field.removesuffix('s')}: {error}") from None
        self.stdout.write(secret)
        self.stderr.write(f"The secret of {key.name!r}, shown this once: only its hash stays.")

    def _list(self) -> None:
        for key in keys.living():
            used = f"{key.last_used:%Y-%m-%d %H:%M}Z" if key.last_used else "never"
            line = f"{key.prefix}…  used {used}  {' '.join(key.scopes)}  {key.name}"
            self.stdout.write("  ".join([line, *key.origins]))

    def _retire(self, prefix: str) -> None:
        found = list(ApiKey.objects.filter(prefix=prefix.removesuffix("…")))
        if len(found) != 1:
            raise CommandError(f"There is no one key that begins with {prefix!r}.")
        keys.retire(found[0], at=timezone.now(), by=Actor.command("api_key"))
        self.stdout.write(f"{found[0].name} opens nothing any more.")
