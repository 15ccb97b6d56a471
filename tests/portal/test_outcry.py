"""Whatever a serving process says is JSON, also when it cannot begin."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys

import pytest

from portal.home import ROOT
from portal.up import procfile


def lines_of(command, **environment):
    kept = {k: v for k, v in os.environ.items() if k not in ("PORTAL_ASSUME_ROLE", "PORTAL_LOGIN")}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=kept
        | {"PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
        | {"PORTAL_NO_BOOTSTRAP": "1"}
        | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]


def test_a_warning_and_an_uncaught_error_are_lines_of_json():
    code = (
        "from portal import outcry; outcry.listen(); import sys, warnings; warnings.warn('old');"
        "print('by', 'a library', file=sys.stderr); raise ValueError('a secret')"
    )
    warned, stray, died = lines_of([sys.executable, "-c", code])
    assert (warned["level"], warned["logger"]) == ("warning", "py.warnings")
    assert (stray["logger"], stray["event"]) == ("portal.stray", "by a library")
    assert (died["level"], died["error"]["class"]) == ("critical", "builtins.ValueError")
    assert "a secret" not in json.dumps(died)


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_process_that_cannot_begin_says_why_in_json(name):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    command = ["/bin/sh", "-c", f"exec {dict(procfile())[name]}"]
    said = lines_of(command, PORTAL_DOMAIN="loyalty.example", SECRET_KEY="", PORT=port)
    assert any("needs a SECRET_KEY of its own" in line.get("reason", "") for line in said)
    assert shlex.split(command[2])
