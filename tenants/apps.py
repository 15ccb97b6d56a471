from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TenantsConfig(AppConfig):
    name = "tenants"

    def ready(self) -> None:
        from tenants import checks, lookups, sealing  # noqa: F401, PLC0415 (models are loaded by now)

        post_migrate.connect(sealing.seal, sender=self)
