"""`manage.py test`: everything that must be right, in one command, with one summary at its end.

The checks that need no browser and little memory run one after the other beside pytest. Arguments
go to pytest; those that choose tests (a path, -k) leave everything but pytest out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from portal import browser
from portal.embedded import EmbeddedError
from portal.home import ROOT
from portal.testbed import COUNTS, THOROUGH, Servers

SHOWN = 80  # lines of what a failed step said: its end
PYTEST = [sys.executable, "-m", "pytest"]


@dataclass(frozen=True)
class Step:
    name: str
    command: Sequence[str]


@dataclass(frozen=True)
class Outcome:
    name: str
    status: int
    seconds: float
    said: str = ""


def main(arguments: Sequence[str]) -> int:
    """Run it all, or what `arguments` choose, and return the exit status."""
    thorough = "--thorough" in arguments
    rest = [argument for argument in arguments if argument != "--thorough"]
    os.environ.pop("PORTAL_BEGAN", None)  # not that of an `up` that a test starts
    os.environ["PORTAL_NO_BOOTSTRAP"] = "1"
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    if thorough:
        os.environ[THOROUGH] = "1"
    try:
        return _some(rest) if chooses(rest) else _everything(rest)
    except (browser.NoBrowser, EmbeddedError) as error:
        sys.stderr.write(f"\n{error}\n")
        return 1


def chooses(arguments: Sequence[str]) -> bool:
    """Whether pytest's arguments name tests: `-k word`, `tests/test_rules.py::test_one`."""
    return any(
        argument in ("-k", "-m", "--lf", "--ff")
        or argument.startswith("-k")
        or (not argument.startswith("-") and (ROOT / argument.partition("::")[0]).exists())
        for argument in arguments
    )


def _some(arguments: Sequence[str]) -> int:
    paths = [argument for argument in arguments if (ROOT / argument.partition("::")[0]).exists()]
    if not paths or any("e2e" in path for path in paths):
        os.environ[browser.NAMED] = browser.ensure()
    return subprocess.run([*PYTEST, *arguments], cwd=ROOT, check=False).returncode


def _everything(arguments: Sequence[str]) -> int:
    began = time.monotonic()
    servers = Servers()
    servers.start()
    try:
        with ThreadPoolExecutor(1) as beside:
            environment = os.environ | servers.environment("portal")
            checks = beside.submit(lambda: [_run(step, environment) for step in steps()])
            os.environ[browser.NAMED] = browser.ensure()
            tests, counts = _pytest(arguments)
            outcomes = [*checks.result(), tests]
    finally:
        servers.release()
    for outcome in outcomes:
        if outcome.status and outcome.said:
            said = outcome.said.rstrip().splitlines()
            say("\n".join(["", f"--- {outcome.name} ---", *said[-SHOWN:]]))
    say("\n".join(table(outcomes, counts, time.monotonic() - began)))
    return 1 if any(outcome.status for outcome in outcomes) else 0


def steps() -> Iterator[Step]:
    """The checks beside the tests, the quickest first."""
    templates = [str(path) for path in sorted((ROOT / "templates").rglob("*.html"))]
    yield Step("format", ["ruff", "format", "--check", "--output-format", "concise", "."])
    yield Step("lint", ["ruff", "check", "--output-format", "concise", "."])
    yield Step("templates", ["djade", "--check", "--target-version", "5.2", *templates])
    yield Step("vendored", [sys.executable, "script/vendor.py", "--check"])
    yield Step("imports", ["lint-imports"])
    manage = [sys.executable, "manage.py"]
    yield Step("checks", [*manage, "check", "--fail-level", "WARNING"])
    yield Step("migrations", [*manage, "makemigrations", "--check", "--dry-run"])
    yield Step("types", ["mypy"])


def _run(step: Step, environment: Mapping[str, str]) -> Outcome:
    began = time.monotonic()
    done = subprocess.run(
        step.command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Outcome(step.name, done.returncode, time.monotonic() - began, done.stdout)


def _pytest(arguments: Sequence[str]) -> tuple[Outcome, Mapping[str, int]]:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts.json"
        done = subprocess.run(
            [*PYTEST, "-n", str(os.cpu_count() or 1), "--dist", "loadgroup", *arguments],
            cwd=ROOT,
            env=os.environ | {COUNTS: str(counts)},
            check=False,
        )
        found = json.loads(counts.read_text()) if counts.exists() else {}
    return Outcome("tests", done.returncode, time.monotonic() - began), found


def table(outcomes: Sequence[Outcome], counts: Mapping[str, int], seconds: float) -> Iterator[str]:
    """The summary; its last line is what test runners of other kinds read."""
    yield ""
    for outcome in outcomes:
        verdict = "FAILED" if outcome.status else "ok"
        yield f"  {outcome.name:<12} {verdict:<8} {outcome.seconds:6.1f} s"
    yield f"  {'all':<21} {seconds:6.1f} s\n"
    passed, failed = counts.get("passed", 0), counts.get("failed", 0) + counts.get("error", 0)
    skipped = f", {counts['skipped']} skipped" if counts.get("skipped") else ""
    yield f"{passed} passed, {failed} failed{skipped}"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
