"""From a bare python3: what is said when it will not do, and when nothing is left to be done."""

import ast
import importlib.util
import os
import re
import sys

import pytest

from portal import bootstrap
from portal.home import ROOT


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A place for an environment, none of which is there yet."""
    monkeypatch.delenv("PORTAL_NO_BOOTSTRAP", raising=False)
    monkeypatch.setenv("PORTAL_BEGAN", "0")
    venv = tmp_path / ".venv"
    monkeypatch.setattr(bootstrap, "VENV", venv)
    monkeypatch.setattr(bootstrap, "PYTHON", venv / "bin" / "python")
    return venv


def install(venv):
    """What an installation leaves, without the packages."""
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    for name in ("requirements.txt", "requirements-dev.txt"):
        bootstrap._stamp(name).write_text(bootstrap._wanted(name))


def test_an_old_python_is_told_which_one_is_needed(environment, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13, "final", 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer"):
        bootstrap.ensure_environment()


@pytest.mark.parametrize("name", ["manage.py", "portal/bootstrap.py", "portal/__init__.py"])
def test_an_old_python_reads_far_enough_to_say_so(name):
    ast.parse((ROOT / name).read_text(), feature_version=(3, 6))


def test_without_ensurepip_an_ordinary_user_is_told_the_one_line(environment, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    line = rf"sudo apt install python3\.{sys.version_info.minor}-venv\n"
    with pytest.raises(SystemExit, match=line):
        bootstrap.ensure_environment()


def test_what_cannot_be_written_is_named(environment, monkeypatch):
    monkeypatch.setattr(
        bootstrap, "_install_once", raises(PermissionError(13, "Permission denied"))
    )
    with pytest.raises(SystemExit, match=r"\.venv cannot be made: .*Permission denied"):
        bootstrap.ensure_environment()


def test_a_managed_environment_is_left_alone(environment, monkeypatch):
    monkeypatch.setenv("PORTAL_NO_BOOTSTRAP", "1")
    bootstrap.ensure_environment()
    assert not environment.exists()


def test_what_is_installed_is_not_installed_again(environment, monkeypatch):
    install(environment)
    monkeypatch.setattr(bootstrap, "_install", raises(AssertionError("installed again")))
    monkeypatch.setattr(sys, "prefix", str(environment))
    bootstrap.ensure_environment(dev=True)


def test_a_changed_requirement_is_installed_into_the_same_environment(environment):
    install(environment)
    stamp = bootstrap._stamp("requirements.txt")
    stamp.write_text(f"{environment}\nanother hash\n")
    assert not bootstrap._is_installed("requirements.txt")
    assert bootstrap._environment_is_whole()


def test_a_moved_environment_is_made_anew(environment):
    install(environment)
    for stamp in environment.glob("*.installed"):
        stamp.write_text(stamp.read_text().replace(str(environment), "/somewhere/else"))
    assert not bootstrap._is_installed("requirements.txt")
    assert not bootstrap._environment_is_whole()


def test_an_environment_whose_python_is_gone_is_made_anew(environment):
    install(environment)
    (environment / "bin" / "python").unlink()
    (environment / "bin" / "python").symlink_to("/no/such/python")
    assert not bootstrap._is_installed("requirements.txt")
    assert not bootstrap._environment_is_whole()


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "requirements-uv.txt"]
)
def test_a_lock_has_hashes_and_no_address(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", each) for each in pins(text).values())


def test_the_development_lock_holds_the_other_whole():
    runtime, dev = (
        pins((ROOT / name).read_text()) for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert {name: dev.get(name) for name in runtime} == runtime


def pins(text):
    """Each package with its version and the hashes below it."""
    entries = re.split(r"\n(?=\S)", text.strip())
    return {entry.partition("==")[0]: entry for entry in entries}


def raises(error):
    def raise_it(*_, **__):
        raise error

    return raise_it
