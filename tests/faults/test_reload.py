"""New code comes in under load, and no request fails."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import pytest

from portal.home import ROOT
from tests.faults.load import Load
from tests.test_drills import Up, cmdline
from tests.test_embedded import until

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]
RELOADS = 5


def manage(portal: Up, *arguments):
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=portal.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def workers(portal: Up, name: bytes) -> set[int]:
    """The processes that do the work, without those that watch over them."""
    return {
        pid
        for pid in portal.processes()
        if name in (line := line_of(pid)) and b"portal.leash" not in line
    }


def line_of(pid: int) -> bytes:
    with suppress(OSError):
        return cmdline(pid)
    return b""  # it has ended meanwhile


def open_shop(portal: Up) -> str:
    shop = ("open_shop", "cafe", "--name", "Cafe", "--email", "o@cafe.example")
    done = manage(portal, *shop)
    assert done.returncode == 0, done.stderr
    return f"cafe.localhost:{portal.port}"


@contextmanager
def heard(process):
    """What it says, taken at once: nobody who waits for a full pipe would heed a signal."""
    lines: list[str] = []
    ear = threading.Thread(target=lambda: lines.extend(process.stdout))
    ear.start()
    yield lines
    process.send_signal(signal.SIGTERM)
    ear.join()


def test_no_request_fails_while_workers_are_exchanged(up):
    up.environment |= {"WEB_CONCURRENCY": "2", "RATE_LIMITS": "0"}
    with up.running() as process, heard(process) as said:
        # Two processors carry this beside two workers that load; a shop asks the database too.
        load = Load(up.port, f"localhost:{up.port}", rate=10)
        shop = Load(up.port, open_shop(up), rate=2)
        with load.running(), shop.running():
            until(lambda: len(load.seconds) > 30)
            for _ in range(RELOADS):
                before = workers(up, b"granian")
                done = manage(up, "reload")
                assert done.returncode == 0, done.stderr
                # All but the one that watches over them.
                until(lambda old=before: len(workers(up, b"granian") & old) == 1, seconds=120)
            asked = len(load.seconds)
            until(lambda: len(load.seconds) > asked + 30)
        sys.stdout.write(
            f"\n{RELOADS} reloads: {len(load.seconds)} + {len(shop.seconds)} requests, "
            f"{len(load.failed)} + {len(shop.failed)} failed, "
            f"p50 {load.percentile(0.5) * 1000:.0f} ms, p99 {load.percentile(0.99) * 1000:.0f} ms\n"
        )
        assert load.failed == shop.failed == []
    told = [line.partition(" | ")[2] for line in said if re.match(r" +(web|worker) \| ", line)]
    assert len(told) >= len(load.seconds) + len(shop.seconds)
    assert [line for line in told if not line.startswith("{")] == []


def test_the_worker_begins_anew_and_the_portal_goes_on(up):
    with up.running():
        until(lambda: workers(up, b"procrastinate"))
        before = workers(up, b"procrastinate")
        assert manage(up, "reload").returncode == 0
        until(lambda: workers(up, b"procrastinate") - before, seconds=60)
        until(lambda: not workers(up, b"procrastinate") & before, seconds=60)
        assert up.answers()


def test_where_nothing_runs_it_says_what_to_do(up):
    done = manage(up, "reload")
    assert done.returncode == 1
    assert "systemctl reload" in done.stderr
