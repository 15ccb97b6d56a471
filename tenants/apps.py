from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TenantsConfig(AppConfig):
    name = "tenants"

    def ready(self) -> None:
        # Models are loaded by now. `shops`, because whoever writes must know what is kept.
        from tenants import checks, lookups, sealing, shops  # noqa: F401, PLC0415

        post_migrate.connect(sealing.seal, sender=self)
