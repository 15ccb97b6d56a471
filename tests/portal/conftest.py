"""Browsers of the tests: a stranger's, the owner's, a till's, a customer's."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from loyalty import profiles
from loyalty.enrolment import new_link
from loyalty.profiles import Profile
from tenants import secrets
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import Letter
from tests.conftest import PIN, Shop

HOUR = dt.timedelta(hours=1)
PIECE = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def stranger(cafe) -> Client:
    return Client(HTTP_HOST=cafe.host)


@pytest.fixture
def owner(cafe) -> Client:
    """The owner's browser, signed in with her link."""
    client = Client(HTTP_HOST=cafe.host)
    assert client.post(f"/accounts/link/{sign_in_link(cafe)}/").status_code == 303
    return client


@pytest.fixture
def device(cafe) -> Client:
    """A paired tablet that nobody has unlocked."""
    client = Client(HTTP_HOST=cafe.host)
    client.cookies["device"] = cafe.token
    return client


@pytest.fixture
def till(device, cafe) -> Client:
    """The tablet, with the cashier standing before it."""
    answer = device.post("/till/person/", {"person": cafe.cashier.pk, "pin": PIN})
    assert answer.status_code == 303
    return device


@pytest.fixture
def customer(cafe) -> Client:
    client = Client(HTTP_HOST=cafe.host)
    with inside(cafe.tenant):
        client.cookies["card"] = new_link(cafe.member)
    return client


def sign_in_link(shop) -> str:
    with inside(shop.tenant):
        return secrets.mint(secrets.SIGN_IN, shop.owner.user_id, HOUR, at=timezone.now())


@pytest.fixture
def statements():
    """`with statements() as seen:`: what happens meanwhile, as "SELECT tenants_device".

    Without BEGIN, COMMIT and SAVEPOINT, and without the scope that travels in a statement's
    message.
    """

    @contextmanager
    def watched() -> Iterator[list[str]]:
        seen: list[str] = []
        with CaptureQueriesContext(connection) as captured:
            yield seen
        seen += [name for q in captured if (name := named(q["sql"]))]

    return watched


def named(sql: str) -> str:
    """What a statement does, and to which table; "" for what only frames statements."""
    plain = re.sub(r"^(SET LOCAL [^;]*;\s*)+", "", sql.strip())
    verb = plain.split(" ", 1)[0].upper()
    if verb in ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET"):
        return ""
    outer = plain
    while (shorter := re.sub(r"\([^()]*\)", "", outer)) != outer:  # what is asked beside
        outer = shorter
    table = re.search(r'(?:FROM|INTO|UPDATE) "(\w+)"', outer)
    return f"{verb} {table[1] if table else plain}"


@pytest.fixture
def fresh_owner(owner, cafe) -> Client:
    """The owner, who has just proved once more who she is."""
    prove(owner, cafe)
    return owner


def prove(client: Client, shop, staff=None) -> None:
    """Whoever is signed in at this browser has just proved who she is (portal.guards.freshly)."""
    with inside(shop.tenant):
        session = client.session
        session["account_authentication_methods"] = [{"method": "code", "at": time.time()}]
        session["account_authentication_methods_user"] = str((staff or shop.owner).user_id)
        session.save()


def letters_to(shop, address: str) -> list:
    """The letters of a shop to this address, the latest last."""
    with inside(shop.tenant):
        return list(Letter.objects.filter(to=address).order_by("pk"))


def code_of(letter) -> str:
    """The code in a letter: three letters, a dash, three letters."""
    return re.search(r"[A-Z]{3}-[A-Z]{3}", letter.text)[0]


def give_address(shop: Shop) -> None:
    """Its member can be mailed and texted."""
    with inside(shop.tenant):
        profiles.change(
            shop.member,
            Profile("Amina", "0501234567", "amina@x.example"),
            version=1,
            at=timezone.now(),
            by=Actor.of_staff(shop.owner),
        )
