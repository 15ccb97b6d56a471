"""A Chromium for the browser tests: one that you name, Playwright's, the machine's, or a new one.

A candidate counts once it was launched. Some are stubs that only ask to be installed otherwise
(Ubuntu's apt package), and a downloaded one may lack libraries of the system.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

NAMED = "PLAYWRIGHT_CHROMIUM"
NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "microsoft-edge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


class NoBrowser(Exception):
    """There is none and none could be installed; the message names the ways out."""


def ensure() -> str:
    """The path of a Chromium that was just launched, installed first if need be."""
    can_install = os.geteuid() == 0 and shutil.which("apt-get") is not None
    # The Node.js that Playwright brings needs libatomic, which a minimal Debian lacks.
    if not _playwright("--version") and not (can_install and _apt("libatomic1")):
        raise NoBrowser(
            "Playwright does not start here. On Debian and Ubuntu, run once:\n\n"
            "    sudo apt install libatomic1 chromium\n"
        )
    if named := os.environ.get(NAMED):
        if path := _first_that_launches(iter([named])):
            return path
        raise NoBrowser(f"{NAMED} is {named}, which cannot be launched.")
    return _find() or _install(can_install=can_install)


def _find() -> str | None:
    return _first_that_launches(iter(["", *NAMES]))


def _install(*, can_install: bool) -> str:
    _say("No Chromium can be launched here; Playwright tries to download one ...")
    if _playwright("install", "chromium"):
        if can_install:
            _playwright("install-deps", "chromium")
    elif can_install:
        _say("It could not; installing the system's package chromium ...")
        _apt("chromium")
    if path := _find():
        return path
    raise NoBrowser(
        "The browser tests need a Chromium, and none could be installed. Three ways out:\n\n"
        "    sudo apt install chromium      (or install Google Chrome)\n"
        f"    {NAMED}=/path/to/chromium python3 manage.py test\n"
        "    python3 manage.py test tests/  (everything else)\n"
    )


def _first_that_launches(candidates: Iterator[str]) -> str | None:
    """The first of these programs that starts as a browser; an empty name is Playwright's own."""
    from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 (not installed for `up`)

    with sync_playwright() as playwright:
        for name in candidates:
            path = shutil.which(name or playwright.chromium.executable_path)
            if path:
                try:
                    playwright.chromium.launch(executable_path=path, timeout=30_000).close()
                except Error:
                    continue
                return path
    return None


def _playwright(*arguments: str) -> bool:
    command = [sys.executable, "-m", "playwright", *arguments]
    return not subprocess.run(command, check=False, capture_output=True).returncode


def _apt(package: str) -> bool:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    subprocess.run(["apt-get", "update", "-qq"], check=False, env=env, capture_output=True)
    return not subprocess.run(install, check=False, env=env, capture_output=True).returncode


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
