"""Reads the log of a run: whether each line is one, tells where it belongs, and keeps secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

JWT = re.compile(r"\bey[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
PHONE = re.compile(r"\+\d{8,15}\b|\b05\d{8}\b")
HEX = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def secrets_of(shops: Iterable[dict[str, Any]]) -> list[str]:
    """What must never be told of them: names, numbers, tokens, links, PINs."""
    found = []
    for shop in shops:
        found += [*shop["canaries"], shop["pin"]]
        for till in shop["tills"]:
            found += [till["token"], till["card"], till["link"]]
    return found


def wrong_in(lines: Sequence[str], secrets: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """(what is wrong, the line) of each that is."""
    told = re.compile("|".join(map(re.escape, secrets)) or "$^")
    for line in lines:
        try:
            fields = json.loads(line)
        except ValueError:
            yield "no JSON", line
            continue
        if found := told.search(line) or JWT.search(line) or EMAIL.search(line):
            yield f"tells {found[0]}", line
        elif found := PHONE.search(HEX.sub("", line)):
            yield f"tells the phone {found[0]}", line
        yield from ((what, line) for what in _missing(fields))


def _missing(fields: dict[str, Any]) -> Iterator[str]:
    for name in ("at", "level", "logger", "event"):
        if not fields.get(name):
            yield f"has no {name}"
    if fields.get("logger") == "portal.request":
        if not fields.get("request"):
            yield "has no request"
        if not fields.get("tenant") and _is_of_a_shop(fields):
            yield "has no tenant"


def _is_of_a_shop(fields: dict[str, Any]) -> bool:
    """Not a name that nobody has, nor a time when nobody could be asked whose it is."""
    return fields.get("status") not in (404, 429, 503)
