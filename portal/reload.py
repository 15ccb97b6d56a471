"""`manage.py reload`: let new code into the `up` of this folder, without a request that fails.

The web starts each new worker before it ends an old one (granian, on SIGHUP); the others end their
work in hand and begin anew. On servers of your own systemd sends the SIGHUP (docs/operations.md).
"""

from __future__ import annotations

import os
import re
import sys

from portal.crew import RENEW
from portal.embedded import home
from portal.up import is_held


def main() -> int:
    path = home() / "up.lock"
    # The lock says that it lives, so the number in the file is its own and nobody else's.
    if not path.exists() or not is_held(path):
        sys.stderr.write(
            "No `manage.py up` runs from this folder. On servers of your own, send SIGHUP to "
            "granian: `systemctl reload` does (docs/operations.md).\n"
        )
        return 1
    found = re.search(r"^(\S+) \(process (\d+)\)", path.read_text())
    if found is None:
        sys.stderr.write("`manage.py up` has only just begun: try again in a moment.\n")
        return 1
    os.kill(int(found[2]), RENEW)
    sys.stdout.write(f"{found[1]} lets new code in.\n")
    return 0
