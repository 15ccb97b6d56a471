"""The API as one thing: how it reads, what it answers, what it says of itself."""

from __future__ import annotations

from ninja import NinjaAPI

from portal.api.bodies import Strict
from portal.api.problems import handle

DESCRIPTION = """\
The members, points and rewards of one shop, for the shop's own systems.

A secret key is exchanged for a token at `POST /tokens`; everything else is asked with that token.
Money is decimal text with its currency, times are RFC 3339 in UTC, errors are RFC 9457. Every POST
that moves points needs an `Idempotency-Key`: sent again, it tells what it did the first time.
Fields and choices may be added; a client ignores what it does not know.
"""

api = NinjaAPI(
    title="LoyalAura API",
    version="1.0.0",
    description=DESCRIPTION,
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
    parser=Strict(),
    servers=[{"url": "/api/v1"}],
)
handle(api)
for name in ("tokens", "members", "points", "shop"):
    api.add_router("", f"portal.api.views.{name}.router")
