"""How long a stranger waits: `up` to its first page, and `test`, on clean clones, cold and warm.

    python3 bench/up.py [--test] [--cached]

Cold: nothing but python3, and no cache of packages (--cached keeps those of the machine). Warm: the
same again. As root it also plays an ordinary user, the account `nobody`.
"""

from __future__ import annotations

import argparse
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 120  # seconds
CARD = re.compile(r"a card +http://(?P<host>[^/]+)(?P<path>/\S+)")


@dataclass(frozen=True)
class Stranger:
    """Somebody with a machine; `uv` if that is on the PATH, `user` if it is not ourselves."""

    name: str
    uv: bool
    user: str | None = None

    def run(self, clone: Path, *command: str, cached: bool) -> subprocess.Popen[bytes]:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PORTAL_", "DATABASE_", "REDIS_", "PYTEST_", "VIRTUAL_ENV"))
        }
        environment["HOME"] = str(clone.parent)
        if not self.uv:
            environment["PATH"] = "/usr/local/bin:/usr/bin:/bin"
        if not cached:
            environment |= {"UV_NO_CACHE": "1", "PIP_NO_CACHE_DIR": "1"}
        return subprocess.Popen(
            ["python3", *command],
            cwd=clone,
            env=environment,
            stdout=(clone.parent / "log").open("ab"),
            stderr=subprocess.STDOUT,
            **({"user": self.user, "extra_groups": []} if self.user else {}),
        )


def strangers() -> Iterator[Stranger]:
    if shutil.which("uv"):
        yield Stranger("uv on PATH", uv=True)
    yield Stranger("pip only", uv=False)
    if os.geteuid() == 0:
        yield Stranger("pip only, ordinary user", uv=False, user="nobody")


def clone_for(stranger: Stranger) -> Path:
    """The files that a commit of this tree would have, in a folder of the stranger's own."""
    clone = Path(tempfile.mkdtemp(prefix="portal-bench-")) / "portal"
    clone.parent.chmod(0o755)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listed, cwd=ROOT, text=True).split("\0"):
        if name and (ROOT / name).exists():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    if stranger.user:
        owner = pwd.getpwnam(stranger.user).pw_uid
        for path in (clone.parent, clone, *clone.rglob("*")):
            os.chown(path, owner, -1)
    return clone


def up(stranger: Stranger, clone: Path, *, cached: bool) -> float:
    """Seconds from the command to the page of a card, whose link `up` shows when all is there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    log = clone.parent / "log"
    log.write_bytes(b"")
    began = time.monotonic()
    process = stranger.run(clone, "manage.py", "up", "--port", str(port), cached=cached)
    try:
        while not (card := CARD.search(log.read_text(errors="replace"))):
            if process.poll() is not None or time.monotonic() - began > PATIENCE:
                fail(clone)
            time.sleep(0.02)
        open_page(port, card["host"], card["path"])
        seconds = time.monotonic() - began
    finally:
        process.send_signal(signal.SIGINT)
    if process.wait(60):
        fail(clone)
    return seconds


def open_page(port: int, host: str, path: str) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Host": host})
    status = connection.getresponse().status
    connection.close()
    if status != HTTPStatus.OK:
        sys.exit(f"{host}{path} answered {status}.")


def test(stranger: Stranger, clone: Path, *, cached: bool) -> float:
    began = time.monotonic()
    process = stranger.run(clone, "manage.py", "test", cached=cached)
    if process.wait():
        fail(clone)
    return time.monotonic() - began


def fail(clone: Path) -> None:
    sys.exit((clone.parent / "log").read_text(errors="replace")[-6000:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test", action="store_true", help="measure `test` too")
    parser.add_argument("--cached", action="store_true", help="keep the caches of uv and pip")
    chosen = parser.parse_args()
    print(
        f"{'seconds':<26}{'up cold':>9}{'warm':>7}" + f"{'test cold':>11}{'warm':>7}" * chosen.test
    )
    for stranger in strangers():
        clone = clone_for(stranger)
        try:
            figures = [up(stranger, clone, cached=chosen.cached) for _ in range(2)]
            if chosen.test:
                figures += [test(stranger, clone, cached=chosen.cached) for _ in range(2)]
            widths = (9, 7, 11, 7)
            line = "".join(
                f"{figure:{width}.1f}" for figure, width in zip(figures, widths, strict=False)
            )
            print(f"{stranger.name:<26}{line}", flush=True)
        finally:
            shutil.rmtree(clone.parent, ignore_errors=True)


if __name__ == "__main__":
    main()
