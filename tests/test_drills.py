"""`manage.py up` as a process: killed in every way, it leaves nothing behind and loses nothing."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from portal.home import ROOT
from tests.test_embedded import DATABASE_VARIABLES, listens, until

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]


class Up:
    """A running `up`, in a home of its own and without a demo."""

    def __init__(self, home):
        self.home = home
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
        kept = {name: value for name, value in os.environ.items() if name not in DATABASE_VARIABLES}
        for name in ("PORTAL_LOGIN", "PORTAL_ASSUME_ROLE"):
            kept.pop(name, None)
        self.environment = kept | {
            "PORTAL_HOME": str(home),
            "PORTAL_DEMO": "0",
            "PORTAL_METRICS_PORT": "0",
            "PORTAL_NO_BOOTSTRAP": "1",
            "WEB_CONCURRENCY": "1",
        }

    def start(self):
        return subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(self.port)],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @contextmanager
    def running(self):
        """One that has greeted; whatever happens, it and all that it started end."""
        with self.start() as process:
            try:
                said = []
                while "Ctrl-C stops everything" not in (said[-1] if said else ""):
                    said.append(process.stdout.readline())
                    assert said[-1], f"it ended: {''.join(said)}"
                yield process
            finally:
                process.kill()
        until(lambda: not self.processes(), seconds=30)

    def answers(self):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/livez", headers={"Host": f"localhost:{self.port}"})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def processes(self):
        """The ids of all processes that have to do with this home."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                about = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            except OSError:
                continue
            if os.fsencode(self.home) in about:
                found.append(int(process.name))
        return found


@pytest.fixture
def up():
    home = Path(tempfile.mkdtemp(prefix="portal-drill-"))
    home.chmod(0o755)
    yield Up(home)
    shutil.rmtree(home)


def test_killed_it_leaves_no_process_and_the_next_one_serves(up):
    with up.running() as first:
        assert len(up.processes()) > 4
        first.kill()
        with up.running() as second:  # at once: it waits for what the first one left
            assert up.answers()
            second.send_signal(signal.SIGTERM)
            assert second.wait(30) == 0
        assert not up.processes()
        assert not (up.home / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_to_stop_it_stops_everything_in_good_order(up, number):
    with up.running() as process:
        os.killpg(process.pid, number)  # as a terminal does: to the whole group
        assert process.wait(30) == 0
        assert process.stdout.read().endswith("Stopped.\n")
        assert not up.processes()


def test_a_second_one_says_that_one_runs(up):
    with up.running(), up.start() as second:
        said, _ = second.communicate(timeout=30)
        assert second.returncode == 1
        assert re.search(rf"already runs from this folder: http://localhost:{up.port} ", said)


def test_killed_servers_come_back_under_a_running_portal(up):
    with up.running():
        postmaster = int((up.home / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        until(lambda: not listens(up.home / "run" / ".s.PGSQL.5432"))
        until(lambda: listens(up.home / "run" / ".s.PGSQL.5432"), seconds=30)
        until(up.answers)


def test_a_process_that_ends_by_itself_ends_all_of_it(up):
    with up.running() as process:
        # The leash leads the group of its process; this is the web's.
        webs = [
            pid for pid in up.processes() if b"granian" in cmdline(pid) and b"-m" in cmdline(pid)
        ]
        os.killpg(webs[0], signal.SIGKILL)
        assert process.wait(30) == 1
        assert "web ended by itself" in process.stdout.read()
        assert not up.processes()


def test_the_page_of_metrics_tells_of_what_the_web_answered(up):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        up.environment["PORTAL_METRICS_PORT"] = str(port)
        with up.running() as process:  # the port is still ours: it waits for it
            assert get(up.port, "/", f"localhost:{up.port}")[0] == 200
            server.close()
            page = []

            def is_told():
                try:
                    page[:] = [get(port, "/metrics", "localhost")[1]]
                except OSError:
                    return False
                return b'portal_requests_total{method="GET",route="",status="2xx"} 1.0' in page[0]

            until(is_told, seconds=40)
            assert b"portal_database_up 1.0" in page[0]
            assert process.poll() is None


def get(port, path, host):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def cmdline(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes()
