#!/usr/bin/env python3
"""Fetch what static/vendor/vendor.toml lists through npm, or `--check` that the files are those of
vendor.lock.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import TypedDict

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
LOCK = VENDOR / "vendor.lock"


class Package(TypedDict):
    name: str
    version: str
    licence: str
    files: dict[str, str]  # in the package → here


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail if a file differs"
    )
    if parser.parse_args().check:
        return check()
    for package in packages():
        fetch(package)
    LOCK.write_text(lock_text())
    print(f"Wrote {len(ours())} files and {LOCK.name}.")
    return 0


def packages() -> list[Package]:
    listed: list[Package] = tomllib.loads((VENDOR / "vendor.toml").read_text())["package"]
    return listed


def ours() -> list[str]:
    return sorted(name for package in packages() for name in package["files"].values())


def fetch(package: Package) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wanted = f"{package['name']}@{package['version']}"
        subprocess.run(
            ["npm", "pack", "--silent", wanted], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as tar:
            for source, name in package["files"].items():
                file = tar.extractfile(f"package/{source}")
                if file is None:
                    raise SystemExit(f"{wanted} has no {source}.")
                (VENDOR / name).write_bytes(file.read())


def lock_text() -> str:
    """One line a file, as sha256sum writes it."""
    return "".join(
        f"{hashlib.sha256((VENDOR / name).read_bytes()).hexdigest()}  {name}\n" for name in ours()
    )


def check() -> int:
    if LOCK.read_text() == lock_text():
        return 0
    print(
        "static/vendor differs from vendor.lock: run script/vendor.py and look at what changed.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
