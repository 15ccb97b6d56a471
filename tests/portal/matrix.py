"""Who may do what at which URL: one row a URL, in words that a person can check.

A row says, for each method, which roles are let in; everybody else must meet the door of that face
(or a 403, where it is about her rights and not about who she is). A URL that names something says
what of (`of`): the same URL is then asked for one's own, the neighbour's, and for what is nowhere.
The last two must be answered alike, to the byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from django.urls import reverse

from tenants.ids import uuid7
from tenants.testing import Route, routes

# Roles, from nobody to everything.
STRANGER, CARD, LOCKED, TILL = "stranger", "card", "locked till", "till"
CLERK, MANAGER, OWNER = "signed-in cashier", "manager", "owner"
KEY, MEMBER, SECRET = "api token", "member token", "secret key"
PEOPLE = (STRANGER, CARD, LOCKED, TILL, CLERK, MANAGER, OWNER)
PROGRAMS = (KEY, MEMBER, SECRET)
ROLES = (*PEOPLE, *PROGRAMS)

ANYBODY = frozenset(ROLES)
CREW = frozenset({TILL})
PAIRED = frozenset({LOCKED, TILL})
COLLEAGUES = frozenset({CLERK, MANAGER, OWNER})
MANAGERS = frozenset({MANAGER, OWNER})
OWNERS = frozenset({OWNER})
HOLDER = frozenset({CARD})
SERVERS = frozenset({KEY})
HOUSES = frozenset({SECRET})
TOKENS = frozenset({KEY, MEMBER})
MEMBERS = frozenset({MEMBER})
NOBODY: frozenset[str] = frozenset()

# What became of a request.
IN, DOOR, FORBIDDEN, UNKNOWN = "in", "door", "403", "401"
NOWHERE, NO_METHOD = "404", "405"
SHOP, APEX = "portal.urls", "portal.site.urls"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

# What differs between any two answers to the same question.
CHANGING = re.compile(
    rb'name="csrfmiddlewaretoken" value="[^"]*"|data-csrf="[^"]*"|content="[^"]*" name="csrf"'
    rb'|"instance": ?"[^"]*"|value="[0-9a-f-]{36}" name="key"|name="key" value="[^"]*"'
    rb"|\d\d:\d\d(?::\d\d)?"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One URL. `of` names, for each argument, the thing of a shop that it is about; `fixed` are
    arguments that are about nobody's. `body` is what a POST needs to get as far as its thing.

    `gone` are the answers where the thing is nowhere. `refused` says what becomes of a role (or of
    "POST role") that a rule of its own turns away; `leaves` that who is let in may be led to a
    door, as by signing out.
    """

    may: dict[str, frozenset[str]]
    of: dict[str, str] = field(default_factory=dict)
    fixed: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    gone: tuple[str, ...] = (NOWHERE,)
    refused: dict[str, str] = field(default_factory=dict)
    leaves: bool = False


def row(
    get: frozenset[str] = NOBODY,
    post: frozenset[str] = NOBODY,
    *,
    of: str = "",
    argument: str = "pk",
    gone: str = NOWHERE,
    patch: frozenset[str] = NOBODY,
    delete: frozenset[str] = NOBODY,
    **more: Any,
) -> Row:
    may = {"GET": get, "POST": post, "PATCH": patch, "DELETE": delete}
    told = {method: who for method, who in may.items() if who}
    return Row(told, {argument: of} if of else {}, gone=(gone,), **more)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a browser, or a program: what comes with each of her requests."""

    name: str
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, host: str, method: str, path: str, body: dict[str, Any]) -> Any:
        """In a browser of its own, so that no request knows of another."""
        client = Client(HTTP_HOST=host, raise_request_exception=False)
        for name, value in self.cookies.items():
            client.cookies[name] = value
        ask = getattr(client, method.lower())
        if path.startswith("/api/"):
            keyed = {"Idempotency-Key": str(uuid7()), **self.headers}
            if method in ("GET", "DELETE"):
                return ask(path, headers=keyed)
            return ask(path, json.dumps(body), "application/json", headers=keyed)
        if method in ("GET", "POST"):
            return ask(path, {} if method == "GET" else body, headers=self.headers)
        return ask(path, headers=self.headers)


@dataclass(frozen=True, slots=True)
class Url:
    """A named URL of one host, with its row."""

    urlconf: str
    name: str
    row: Row
    arguments: tuple[str, ...]

    def path(self, values: dict[str, Any]) -> str:
        return reverse(self.name, urlconf=self.urlconf, kwargs=values)

    @property
    def face(self) -> str:
        if self.urlconf == APEX:
            return "apex"
        return self.name.partition(":")[0] if ":" in self.name else ""


def found(urlconf: str) -> dict[str, tuple[str, ...]]:
    """Every URL below an urlconf by its name, with the names of its arguments."""
    told: dict[str, tuple[str, ...]] = {}
    for route in routes(urlconf):
        told.setdefault(route.name or f"nameless {route.pattern}", arguments_of(route))
    return told


def arguments_of(route: Route) -> tuple[str, ...]:
    named = re.findall(r"\(\?P<(\w+)>", route.pattern)
    return tuple(dict.fromkeys([*route.converters, *named]))


def urls(urlconf: str, table: dict[str, Row]) -> Iterator[Url]:
    for name, arguments in found(urlconf).items():
        if name in table:
            yield Url(urlconf, name, table[name], arguments)


def outcome(answer: Any, face: str) -> str:
    """What became of a request, in one word."""
    status = answer.status_code
    if status in (301, 302, 303, 307, 308):
        return DOOR if answer.headers["Location"].partition("?")[0] in DOORS[face] else IN
    if status in (401, 403, 404, 405):
        return str(status)
    return IN if status < 500 else str(status)


DOORS = {
    "": {"/accounts/login/"},
    "manage": {"/accounts/login/"},
    "till": {"/till/"},
    "card": {"/", "/c/back"},
    "api": set(),
    "apex": {"/start/"},
}


def expected(url: Url, method: str, role: str) -> set[str]:
    """What may become of a role's request for what is her own shop's."""
    of_its_own = url.row.refused.get(f"{method} {role}") or url.row.refused.get(role)
    if method not in url.row.may:
        return {NO_METHOD, of_its_own or NO_METHOD, *refusals(url, role)}
    if of_its_own:
        return {of_its_own}
    if role in url.row.may[method]:
        return {IN, DOOR} if url.row.leaves else {IN}
    return refusals(url, role)


def refusals(url: Url, role: str) -> set[str]:
    """How each face says no to a role that it does not let in."""
    if url.face == "api":
        return {FORBIDDEN} if role in TOKENS else {UNKNOWN}
    signed_in = role in COLLEAGUES and url.face in ("manage", "")
    return {FORBIDDEN} if signed_in else {DOOR}


def bare(answer: Any, values: Iterable[Any]) -> tuple[int, bytes]:
    """Status and bytes, without what changes by itself and without what was asked for."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    body = CHANGING.sub(b"", body)
    for value in values:
        if isinstance(value, int):
            continue
        body = body.replace(str(value).encode(), b"")
    return answer.status_code, body
