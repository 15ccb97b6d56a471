"""A small disk of its own for a stage, so that it can be full: a tmpfs in a mount namespace.

Run as a program inside the namespace, it keeps the servers of a home alive until it is told to end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from portal.embedded import EmbeddedError, Services
from portal.home import ROOT
from tests.test_embedded import until

# Sockets stay where they can be seen from outside.
MOUNTED = """
mkdir -p "$1.sockets" && mount --bind "$1/run" "$1.sockets" &&
mount -t tmpfs -o "size=$2m,mode=755" none "$1" && mkdir "$1/run" &&
mount --bind "$1.sockets" "$1/run" && exec "$3" -m tests.faults.disk "$1"
"""


def why_not() -> str:
    """Why there can be no such disk here; "" if there can."""
    if os.geteuid():
        return "only root may mount a small disk"
    tried = subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else "no mount namespaces here"


class FullDisk:
    """The disk of the home `path`, with the servers on it."""

    def __init__(self, path: Path, *, megabytes: int) -> None:
        self.path, self.megabytes = path, megabytes
        self._keeper: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._keeper = subprocess.Popen(
            [
                *("unshare", "-m", "--propagation", "private", "sh", "-c", MOUNTED, "sh"),
                *(str(self.path), str(self.megabytes), sys.executable),
            ],
            cwd=ROOT,
        )
        until((self.inside / "ready").exists, 60)

    @property
    def inside(self) -> Path:
        """The home as the servers see it."""
        assert self._keeper
        return Path(f"/proc/{self._keeper.pid}/root{self.path}")

    def fill(self) -> None:
        with (self.inside / "filler").open("wb", buffering=0) as filler:
            try:
                while filler.write(bytes(1 << 16)):
                    pass
            except OSError:
                return

    def free(self) -> None:
        (self.inside / "filler").unlink(missing_ok=True)

    def stop(self) -> None:
        if self._keeper:
            self.free()
            self._keeper.terminate()
            self._keeper.wait(60)
            Path(f"{self.path}.sockets").rmdir()


def main() -> None:
    home, ended = Path(sys.argv[1]), []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    with Services(home) as services:
        (home / "ready").touch()
        while not ended:
            try:
                services.revive()
            except EmbeddedError as error:  # no room to start in, yet
                sys.stderr.write(f"{error}\n")
            time.sleep(0.1)


if __name__ == "__main__":
    main()
