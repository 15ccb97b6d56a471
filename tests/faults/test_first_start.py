"""A first `up` meets a full disk, no registry, kill -9: it says so clearly, and then goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from portal.home import ROOT
from tests.faults.test_reload import line_of
from tests.test_drills import Up
from tests.test_embedded import until

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

STEPS = {
    "static files": lambda up: (up.home / "static").exists(),
    "initdb": lambda up: (up.home / "postgres.new" / "base").exists(),
    "roles": lambda up: (up.home / "postgres.new" / "pg_ident.conf").exists(),
    "servers": lambda up: (up.home / "postgres" / "postmaster.pid").exists(),
    "tables": lambda up: any(b"migrate" in line_of(pid) for pid in up.processes()),
    "tables made": lambda up: (up.home / "tables.stamp").exists(),
}


@pytest.mark.parametrize("step", STEPS)
def test_killed_in_the_middle_the_next_one_goes_on(up, step):
    process = up.start()
    until(lambda: STEPS[step](up), seconds=60)
    kill_all(up)  # at once, as a loss of power would
    process.communicate()
    with up.running():
        assert up.answers()
        assert not (up.home / "postgres.new").exists()


def kill_all(portal: Up) -> None:
    def killed() -> bool:
        pids = portal.processes()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not pids

    until(killed)


@pytest.fixture
def small_disk(up):
    """The home on a disk of its own, whose size a test chooses."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")

    def resize(megabytes: int, again: str = "") -> None:
        mount("-t", "tmpfs", "-o", f"{again}size={megabytes}m,mode=755", "tmpfs", up.home)

    try:
        resize(1)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this machine mounts no tmpfs: {error.stderr}")
    yield lambda megabytes: resize(megabytes, "remount,")
    kill_all(up)
    subprocess.run(["umount", "-l", up.home], check=True)


def mount(*arguments) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True, text=True)


@pytest.mark.parametrize("megabytes", [1, 20, 45])
def test_a_full_disk_is_named_and_with_room_it_goes_on(up, small_disk, megabytes):
    """It is met by another step at each size: files, initdb, the server's log, tables."""
    small_disk(megabytes)
    process = up.start()
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1, said
    end = said.rpartition("The disk that holds")[2]
    assert "is full. Make room" in end, said
    assert "Traceback" not in end
    small_disk(900)
    with up.running():
        assert up.answers()


@pytest.fixture
def checkout(tmp_path):
    """This code without its environment, and nothing in any cache of packages."""
    folder = tmp_path / "portal"
    folder.mkdir()
    for name in ("portal", "loyalty", "tenants"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (ROOT / "manage.py", *ROOT.glob("requirements*.txt")):
        shutil.copy(path, folder)
    return folder


def first_command(checkout, **environment) -> subprocess.Popen:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PORTAL_", "PIP_", "UV_"))}
    return subprocess.Popen(
        [getattr(sys, "_base_executable", sys.executable), "manage.py", "version"],
        cwd=checkout,
        env=kept | {"PIP_RETRIES": "0", "VIRTUAL_ENV": ""} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_without_a_registry_it_says_so_and_with_one_it_goes_on(checkout, tmp_path):
    nowhere = "http://127.0.0.1:1/simple"
    process = first_command(
        checkout,
        PIP_INDEX_URL=nowhere,
        PIP_EXTRA_INDEX_URL="",
        PIP_FIND_LINKS="",
        UV_INDEX_URL=nowhere,
        UV_DEFAULT_INDEX=nowhere,
        UV_CACHE_DIR=str(tmp_path / "uv"),
        PIP_CACHE_DIR=str(tmp_path / "pip"),
    )
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "is it reachable from here (PIP_INDEX_URL names another)" in said
    assert "Traceback" not in said.rpartition("The packages")[2]
    assert not list((checkout / ".venv").glob("*.installed"))


def test_killed_while_it_installs_the_next_one_makes_the_environment(checkout):
    process = first_command(checkout)
    until(lambda: list(checkout.glob(".venv/lib/python*/site-packages/*")), seconds=120)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (checkout / ".venv" / "requirements.txt.installed").exists()
    again = first_command(checkout)
    said, _ = again.communicate(timeout=300)
    assert again.returncode == 0, said
    assert (checkout / ".venv" / "requirements.txt.installed").exists()
