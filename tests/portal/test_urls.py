"""Every URL, found by itself: what belongs to a neighbour is answered like what is nowhere."""

from __future__ import annotations

import datetime as dt
import re
from functools import partial

import pytest
from django.test import Client
from django.urls import converters

from loyalty.enrolment import new_link
from loyalty.numbers import new_code
from loyalty.purchases import record
from tenants import secrets
from tenants.context import inside
from tenants.ids import uuid7
from tenants.testing import make, owned_models, routes
from tests.conftest import NOW, PIN

# What differs between any two answers: tokens of forms, keys minted for them, numbers of requests.
CHANGING = re.compile(
    rb'name="csrfmiddlewaretoken" value="[^"]*"|data-csrf="[^"]*"|content="[^"]*" name="csrf"'
    rb'|name="key" value="[^"]*"|value="[0-9a-f-]{36}" name="key"|"instance": "[^"]*"'
)
FEW = 3
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def theirs(spa):
    """Everything of the spa that a URL could name, by the kind of its converter."""
    with inside(spa.tenant):
        record(spa.member, 5000, at=NOW, by=spa.till, key="k")
        ids = [
            model._base_manager.order_by("pk").first() or make(model) for model in owned_models()
        ]
        made = [secrets.mint(p, spa.member.pk, HOUR, at=NOW) for p in ("sign-in", "pair", "card")]
        made += [new_link(spa.member), spa.token]
    return {"uuid": [row.pk for row in ids], "str": made, "code": [spa.member.code]}


@pytest.fixture
def browsers(cafe, owner, till, customer, settings):
    settings.RATE_LIMITS = False  # each of them asks for what everybody in the shop could
    return {"nobody": Client(HTTP_HOST=cafe.host), "owner": owner, "till": till, "card": customer}


def variable(route):
    """The one argument of a route that names something: (name, kind), or None."""
    for name, converter in route.converters.items():
        if isinstance(converter, converters.UUIDConverter):
            return name, "uuid"
        return name, "str"
    if "(?P<code>" in route.pattern:
        return "code", "code"
    return None


def random_of(kind):
    return {"uuid": uuid7, "str": lambda: "x" * 22, "code": new_code}[kind]()


def path_of(route, name, value):
    pattern = re.sub(r"<[^>]+>", str(value), route.pattern)
    pattern = re.sub(r"\^\[mM\]/\(\?P<code>.*", f"m/{value}", pattern)
    assert name
    return f"/{pattern}"


def told(response, asked):
    """Status, headers and body; with what was asked for taken out where an answer repeats it."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    body = CHANGING.sub(b"", body).replace(str(asked).encode(), b"")
    moving = {"X-Request-ID", "Expires", "Content-Length", "RateLimit"}
    headers = {k: v.replace(str(asked), "") for k, v in response.headers.items() if k not in moving}
    return response.status_code, body, headers


VARIABLE = [
    route for route in routes("portal.urls") if variable(route) and "theme" not in route.name
]


def test_the_routes_are_found():
    names = {route.name for route in VARIABLE}
    assert {"till:member", "till:reversal", "manage:member", "card:link", "card:scanned"} <= names


@pytest.mark.parametrize("route", VARIABLE, ids=[route.name for route in VARIABLE])
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(False, id="page"),
        pytest.param(True, id="piece", marks=pytest.mark.thorough),  # the same views and rows
    ],
)
def test_the_neighbours_is_answered_like_nobodys(browsers, theirs, route, method, piece):
    name, kind = variable(route)
    headers = {"HX-Request": "true", "HX-Request-Type": "partial"} if piece else {}
    body = {"amount": "24.50", "key": str(uuid7()), "pin": PIN} if method == "post" else {}
    for who, browser in browsers.items():
        ask = partial(getattr(browser, method), data=body, headers=headers)
        random = random_of(kind)
        expected = told(ask(path_of(route, name, random)), random)
        # Whoever is turned away at the door is told before anything is looked for.
        is_at_the_door = expected[0] in (302, 303, 403, 405) and not piece
        for value in theirs[kind][: FEW if is_at_the_door else None]:
            path = path_of(route, name, value)
            assert told(ask(path), value) == expected, f"{who} {method} {path}"
