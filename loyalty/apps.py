from __future__ import annotations

from django.apps import AppConfig


class LoyaltyConfig(AppConfig):
    name = "loyalty"

    def ready(self) -> None:
        from loyalty import (  # noqa: PLC0415 (whoever writes must know what is kept)
            habits,  # noqa: F401
            overview,  # noqa: F401
            segments,  # noqa: F401
            showcase,  # noqa: F401
        )
