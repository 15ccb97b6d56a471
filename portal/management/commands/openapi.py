"""manage.py openapi: what the API says of itself, as docs/openapi.json keeps it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from portal.api.openapi import schema


class Command(BaseCommand):
    help = "Print the description of the API (OpenAPI 3.1): manage.py openapi > docs/openapi.json"

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(schema(), indent=1, sort_keys=True))
