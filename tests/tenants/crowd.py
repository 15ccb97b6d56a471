"""One of several processes that ask the limiter at once: see tests/tenants/test_limits.py.

A line in, `<tenant> <times>`, is answered by a line with how many of so many asks were admitted.
"""

from __future__ import annotations

import os
import sys
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

from tenants import cache, limits

SLOW = limits.Rate(per_minute=1, burst=int(sys.argv[1]))  # none comes back while a test runs


def main() -> None:
    limits.PLANS["slow"] = dict.fromkeys(limits.POLICIES, SLOW)
    cache.client().ping()  # connected, before the start
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        tenant, times = line.split()
        asks = (limits.admit(UUID(tenant), "slow", "public") for _ in range(int(times)))
        print(sum(each.allowed for each in asks), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
