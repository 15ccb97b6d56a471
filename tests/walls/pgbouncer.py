"""A PgBouncer in transaction mode before the tests' PostgreSQL: more clients than connections.

It refuses to run as root, so as root it runs as the account that the servers have, which PostgreSQL
lets in (portal/postgres.py).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from portal.home import account_name, service_account

CONNECTIONS = 2  # to PostgreSQL, for each login
PORT = 6432
PATIENCE = 20  # seconds until it must answer
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
LOGINS = ("DATABASE_URL", "DATABASE_WORKER_URL")

CONFIGURATION = """
[databases]
* = {server}

[pgbouncer]
unix_socket_dir = {folder}
unix_socket_mode = 0700
listen_port = {port}
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
ignore_startup_parameters = options,extra_float_digits
logfile = {folder}/log
"""


def program() -> str:
    """PgBouncer's path. As root it is installed for the run; else the test is skipped."""
    found = shutil.which("pgbouncer", path=PATH)
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
        found = shutil.which("pgbouncer", path=PATH)
    if not found:
        pytest.skip("There is no pgbouncer here. On Debian and Ubuntu: sudo apt install pgbouncer")
    return found


def _install() -> None:
    """By one of the tests' processes, while the others wait."""
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with (Path(tempfile.gettempdir()) / "portal-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if shutil.which("pgbouncer", path=PATH):
            return
        for arguments in (
            ["update", "-qq"],
            ["install", "-y", "-qq", "--no-install-recommends", "pgbouncer"],
        ):
            subprocess.run(["apt-get", *arguments], check=False, env=env, capture_output=True)


@contextmanager
def pgbouncer(database: dict[str, str]) -> Iterator[dict[str, str]]:
    """One that leads to the server of these URLs; gives URLs that lead to it."""
    path, account = program(), service_account()
    folder = Path(tempfile.mkdtemp(prefix="portal-pgbouncer-"))
    try:
        _configure(folder, database)
        for each in (folder, *folder.iterdir()):
            os.chown(each, account.get("user", -1), account.get("group", -1))
        process = subprocess.Popen(
            [path, "-q", str(folder / "ini")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **account,
        )
        try:
            _wait(process, folder)
            yield {name: _through(database[name], folder) for name in LOGINS}
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder)


def _configure(folder: Path, database: dict[str, str]) -> None:
    url = urlsplit(database["DATABASE_URL"])
    host = parse_qs(url.query).get("host", [url.hostname or ""])[0]
    server = f"host={host} port={url.port or 5432}"
    users = (urlsplit(database[name]) for name in LOGINS)
    lines = (f'"{user.username}" "{unquote(user.password or "")}"\n' for user in users)
    (folder / "users").write_text("".join(lines))
    text = CONFIGURATION.format(server=server, folder=folder, port=PORT, connections=CONNECTIONS)
    (folder / "ini").write_text(text)


def _through(url: str, folder: Path) -> str:
    parts = urlsplit(url)
    host = quote(str(folder), safe="")
    return f"postgresql://{parts.username}@:{PORT}{parts.path}?host={host}"


def _wait(process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (folder / f".s.PGSQL.{PORT}").exists():
        said = ""
        with suppress(OSError):
            said = (folder / "log").read_text()
        assert process.poll() is None, f"PgBouncer (as {account_name()}) ended:\n{said}"
        assert time.monotonic() < deadline, f"PgBouncer does not answer:\n{said}"
        time.sleep(0.02)
