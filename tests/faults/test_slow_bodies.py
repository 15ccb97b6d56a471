"""Forty clients whose bodies never end do not stop the till: alone, and behind nginx."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress

import pytest

from portal.home import ROOT
from tests.faults.load import Load
from tests.faults.test_reload import open_shop
from tests.test_embedded import until

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(sys.platform != "linux", reason="`up` is drilled on Linux"),
]
SLOW = 40
MEASURED = 200  # requests


@pytest.fixture
def portal(up):
    up.environment["RATE_LIMITS"] = "0"
    with up.running():
        yield up


def test_slow_bodies_do_not_stop_the_portal(portal):
    compare("alone", portal.port, open_shop(portal))


def test_slow_bodies_do_not_stop_it_behind_nginx(portal, tmp_path):
    program = nginx()
    host = open_shop(portal)
    with running_nginx(program, tmp_path, portal.port) as port:
        compare("behind nginx", port, host)


def test_the_example_is_one_that_nginx_takes(tmp_path):
    program = nginx()
    conf = rendered(tmp_path, upstream=8000, port=free_port())
    done = subprocess.run([program, "-t", "-c", conf], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def compare(name: str, port: int, host: str) -> None:
    """p99 with the slow ones and without, in turns, so that both see the same machine."""
    measure(Load(port, host, rate=15))  # whose first requests find nothing warm
    calm, slow = Load(port, host, rate=15), Load(port, host, rate=15)
    measure(calm)
    with slow_bodies(port, host):
        measure(slow)
    sys.stdout.write(
        f"\n{name}: p99 {calm.percentile(0.99) * 1000:.0f} ms calm, "
        f"{slow.percentile(0.99) * 1000:.0f} ms beside {SLOW} slow bodies; "
        f"p50 {calm.percentile(0.5) * 1000:.0f} and {slow.percentile(0.5) * 1000:.0f} ms\n"
    )
    assert slow.failed == calm.failed == []
    assert slow.percentile(0.99) < max(2 * calm.percentile(0.99), 0.5)


def measure(load: Load) -> None:
    with load.running():
        until(lambda: len(load.seconds) >= MEASURED, seconds=60)


@contextmanager
def slow_bodies(port: int, host: str):
    """SLOW connections that have sent the head of a form and a letter of its body; every other of
    them one with a logo, which is taken apart as it comes.
    """
    forms = (
        ("/accounts/login/", "application/x-www-form-urlencoded"),
        ("/manage/settings/", "multipart/form-data; boundary=l"),
    )
    heads = [
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n"
        f"Content-Type: {kind}\r\n\r\nl"
        for path, kind in forms
    ]
    with ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(SLOW)
        ]
        for number, line in enumerate(lines):
            line.sendall(heads[number % len(heads)].encode())
        yield
        for line in lines:  # all of them are still being waited for
            line.setblocking(False)
            with suppress(BlockingIOError):
                assert line.recv(1) is None, "it was answered"


def nginx() -> str:
    """Where nginx is; installed for this run where we may."""
    if not shutil.which("nginx") and os.geteuid() == 0 and shutil.which("apt-get"):
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "nginx-light"],
        ):
            subprocess.run(command, env=env, capture_output=True, check=False)
    found = shutil.which("nginx")
    if not found:
        pytest.skip("nginx is not here, and apt-get could not install it")
    return found


def rendered(folder, *, upstream: int, port: int) -> str:
    """docs/nginx.conf with places and ports of this test, over plain http."""
    key, certificate = folder / "key.pem", folder / "fullchain.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=loyalty.example", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    text = (ROOT / "docs/nginx.conf").read_text()
    for old, new in (
        ("127.0.0.1:8000", f"127.0.0.1:{upstream}"),
        ("/etc/ssl/loyalty.example", str(folder)),
        ("loyalty.example *.loyalty.example", "localhost *.localhost"),
        # The clients of the test speak http: what is served there is what https serves.
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port};"),
        ("    ssl_certificate", "    # ssl_certificate"),
        ("listen 443 ssl default_server;", f"listen 127.0.0.1:{free_port()} default_server;"),
        ("listen 80 default_server;", f"listen 127.0.0.1:{free_port()} default_server;"),
        ("    ssl_reject_handshake on;\n", ""),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("$host;", "$http_host;"),  # the test's address has a port
    ):
        assert old in text, old
        text = text.replace(old, new)
    conf = folder / "nginx.conf"
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf.write_text(
        f"daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log warn;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}\n{text}\n}}\n"
    )
    return str(conf)


@contextmanager
def running_nginx(program: str, folder, upstream: int):
    folder.chmod(0o755)
    port = free_port()
    with subprocess.Popen(
        [program, "-c", rendered(folder, upstream=upstream, port=port)]
    ) as server:
        try:
            until(lambda: answers(port))
            yield port
        finally:
            server.terminate()


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
