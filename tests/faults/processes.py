"""Processes by their place in the family, read from /proc."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path


def family(pid: int) -> list[int]:
    """The process and all below it, parents first."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def command_of(pid: int) -> str:
    """Its command line; "" if it is gone or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def about(word: str) -> list[int]:
    """All whose command line or environment names `word`: what a run left behind."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(word) in told and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


def send(number: signal.Signals, *pids: int) -> None:
    """A signal to each; who is gone does not mind."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
