"""At the doors of a shop: who asks for a code, and who comes from another host."""

from __future__ import annotations

import pytest

from tenants.context import inside
from tenants.models import Staff
from tenants.people import employ, user_with
from tests.conftest import NOW
from tests.portal.conftest import code_of, letters_to

LOGIN, CODE = "/accounts/login/", "/accounts/login/code/"
# What a browser says that comes from a page of ours.
OURS = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}


@pytest.fixture(autouse=True)
def _only_guesses(settings):
    settings.RATE_LIMITS = False


def ask(client, address, **more):
    return client.post(LOGIN, {"email": address, **more})


def signed_in(stranger, cafe, address, wish):
    """Where a code leads whoever wanted to go to `wish`."""
    ask(stranger, address, next=wish)
    code = code_of(letters_to(cafe, address)[-1])
    return stranger.post(CODE, {"code": code}).headers["Location"]


@pytest.fixture
def noor(cafe):
    """A cashier who signs in."""
    with inside(cafe.tenant):
        user = user_with("noor@cafe.example", "Noor")
        return employ("Noor", Staff.Role.CASHIER, user=user, at=NOW, by=cafe.till)
