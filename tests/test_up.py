"""`manage.py up`: what it refuses, what it waits for, what it leaves behind, and what it shows."""

import fcntl
import json
import os
import shutil
import signal
import socket
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from portal import up
from portal.crew import Crew, Ended, Said
from portal.greeting import greeting, links
from tests.test_embedded import DATABASE_VARIABLES, until

SHOP = {
    "slug": "demo",
    "name": "Café Aurora",
    "url": "http://demo.localhost:8000/",
    "owner": "http://demo.localhost:8000/in/owner",
    "till": "http://demo.localhost:8000/in/till",
    "card": "http://demo.localhost:8000/c/card",
    "person": "Sam",
    "pin": "2580",
}
DEMO = {"apex": "http://localhost:8000/", "shops": [SHOP]}


@pytest.fixture(autouse=True)
def home(monkeypatch):
    """A home of its own, where nothing is named from outside."""
    for name in (*DATABASE_VARIABLES, "PORT", "PORTAL_HOST", "PORTAL_DOMAIN"):
        monkeypatch.delenv(name, raising=False)
    path = Path(tempfile.mkdtemp(prefix="portal-test-"))
    path.chmod(0o755)
    monkeypatch.setenv("PORTAL_HOME", str(path))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def port():
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def locked(path, kind):
    with path.open("a") as lock:
        fcntl.flock(lock, kind)
        yield


def test_a_taken_port_is_named_with_the_way_to_another(capsys, home):
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert up.main(["--port", str(taken)]) == 1
    said = capsys.readouterr().out
    assert f"Port {taken} of 127.0.0.1 cannot be had" in said
    assert f"manage.py up --port {taken + 1}" in said
    assert not (home / "postgres").exists()


def test_a_second_up_says_where_the_first_one_is(capsys, home, port):
    address = up.Address("127.0.0.1", 8000, "localhost")
    with up.only_one(home / "up.lock", address):
        assert up.main(["--port", str(port)]) == 1
    said = capsys.readouterr().out
    assert f"already runs from this folder: http://localhost:8000 (process {os.getpid()})" in said


def test_an_up_waits_for_what_a_killed_one_left(home):
    lock = home / "up.lock"
    left, ended = threading.Event(), threading.Event()

    def leash():
        with locked(lock, fcntl.LOCK_SH):
            left.set()
            ended.wait(10)

    thread = threading.Thread(target=leash)
    thread.start()
    left.wait(10)
    threading.Timer(0.3, ended.set).start()
    with up.only_one(lock, up.Address("127.0.0.1", 8000, "localhost")):
        assert ended.is_set()
    thread.join()


def test_a_database_of_ones_own_is_named_for_every_login(capsys, monkeypatch, port, home):
    (home / "static").mkdir()
    monkeypatch.setattr(up.Run, "_collect_files", lambda run: None)
    monkeypatch.setenv("DATABASE_URL", "postgresql://portal_app@db.example/portal")
    with signals_kept():
        assert up.main(["--port", str(port)]) == 1
    assert "DATABASE_OWNER_URL and DATABASE_WORKER_URL must name it too" in capsys.readouterr().out
    assert not (home / "postgres").exists()


def test_the_crew_speaks_and_ends_with_its_status(home):
    with locked(home / "up.lock", fcntl.LOCK_EX):
        crew = Crew(home / "up.lock", {"GREETING": "hello"})
        member = crew.start("one", "sh -c 'echo $GREETING; exit 3'", once=True)
        events = [crew.next_event(20), crew.next_event(20)]
        crew.stop()
    assert events == [Said(member, "hello"), Ended(member, 3)]


def test_a_leash_ends_its_process_when_the_holder_is_gone(home):
    with locked(home / "up.lock", fcntl.LOCK_EX):
        crew = Crew(home / "up.lock", {})
        member = crew.start("long", "sh -c 'sleep 1000 & echo $!; sleep 1000'")
        said = crew.next_event(20)
        assert isinstance(said, Said)
        grandchild = int(said.line)
    until(lambda: not is_running(grandchild))
    assert member.process.wait(20) < 0  # it ended its whole group, itself included
    crew.stop()


def test_whoever_does_not_listen_is_ended_all_the_same(home, monkeypatch):
    monkeypatch.setattr("portal.crew.GRACE", 0.2)
    with locked(home / "up.lock", fcntl.LOCK_EX):
        crew = Crew(home / "up.lock", {})
        crew.start("deaf", """sh -c 'trap "" TERM; echo $$; while :; do sleep 1; done'""")
        said = crew.next_event(20)
        crew.stop()
    until(lambda: not is_running(int(said.line)))  # the kernel takes a moment to end a killed one


def test_the_procfile_has_a_web_and_others_with_the_login_that_sees_all_shops():
    processes = dict(up.procfile())
    assert list(processes) == ["web", "worker", "metrics"]
    assert processes["web"].startswith("env DATABASE_POOL=")
    assert processes["worker"].startswith("env PORTAL_LOGIN=worker ")
    assert processes["metrics"].startswith("env PORTAL_LOGIN=worker ")


def test_what_was_counted_for_prometheus_begins_anew(home):
    (home / "metrics").mkdir()
    (home / "metrics" / "counter_1.db").touch()
    with locked(home / "up.lock", fcntl.LOCK_EX):
        run = up.Run(up.Address("127.0.0.1", 8000, "localhost"), home / "up.lock")
    assert run.crew.environment["PROMETHEUS_MULTIPROC_DIR"] == str(home / "metrics")
    assert not (home / "metrics").exists()


def test_a_digest_changes_with_content_and_with_names(tmp_path, monkeypatch):
    monkeypatch.setattr(up, "ROOT", tmp_path)
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("one")
    before = up.digest(first)
    first.write_text("two")
    assert up.digest(first) != before
    first.rename(second)
    second.write_text("one")
    assert up.digest(second) != before
    assert up.digest(tmp_path / "absent") == up.digest()


def test_the_links_are_in_the_last_line_that_is_json():
    lines = ["Making a café ...", json.dumps({"apex": "", "shops": []}), json.dumps(DEMO), "Bye."]
    assert links(lines) == DEMO
    assert links(["nothing"]) is None


def test_the_greeting_shows_every_link_and_the_pin():
    shown = "\n".join(greeting("http://localhost:8000", DEMO, 2.34))
    for value in (
        *(SHOP[key] for key in ("name", "url", "owner", "till", "card", "person")),
        "2.3 s",
    ):
        assert value in shown
    assert "PIN 2580" in shown


def test_the_greeting_without_a_demo_shows_where_it_is():
    assert "The portal runs: http://localhost:8000 " in "\n".join(
        greeting("http://localhost:8000", None, 1)
    )


def is_running(pid):
    """Whether it is there and no zombie, which some systems never reap."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")  # where there is none, zombies are reaped
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@contextmanager
def signals_kept():
    """`up` takes the signals of its process, which here is the test's."""
    before = {
        each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for each, receiver in before.items():
            signal.signal(each, receiver)
