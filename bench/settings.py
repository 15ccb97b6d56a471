"""The portal's settings, with the empty view of bench.urls, and without what a bench takes away."""

import os

from portal.settings import *  # noqa: F403
from portal.settings import MIDDLEWARE

ROOT_URLCONF = "bench.urls"
if os.environ.get("BENCH_BULKHEAD") == "0":
    MIDDLEWARE.remove("portal.bulkhead.BulkheadMiddleware")
