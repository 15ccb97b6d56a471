from __future__ import annotations

from django.apps import AppConfig


class LoyaltyConfig(AppConfig):
    name = "loyalty"

    def ready(self) -> None:
        from loyalty import overview  # noqa: F401, PLC0415 (whoever writes must know what is kept)
