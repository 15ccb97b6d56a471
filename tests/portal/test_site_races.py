"""Two taps on the apex, in the order that would do harm: a shop belongs to whoever proved her
address.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client

from tenants.models import SignUp, SiteLetter, Tenant
from tests.portal.test_site_start import EMAIL, GREEN, begin, code_of, ready

pytestmark = pytest.mark.django_db(transaction=True)
HERS = "victim@aroma.example"


@pytest.fixture
def apex(settings) -> Client:
    settings.RATE_LIMITS = False
    return Client(HTTP_HOST="localhost")


def second_tap(apex) -> Client:
    """Another tab of the same browser."""
    other = Client(HTTP_HOST="localhost")
    other.cookies = apex.cookies
    return other


@contextmanager
def just_before(words, act):
    """`act()` happens once, on a connection of its own, right before the first statement with all
    these words.
    """
    done = []

    def alone():
        try:
            done.append(act())
        finally:
            connection.close()

    def wrapper(execute, sql, params, many, context):
        if not done and all(word in sql for word in words):
            with ThreadPoolExecutor(1) as pool:
                pool.submit(alone).result()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield
    assert done


def codes_to(email: str) -> list[str]:
    return [code_of(each) for each in SiteLetter.objects.filter(to=email).order_by("made_at")]


def age_letters() -> None:
    SignUp.objects.update(code_sent_at=None)


def test_a_letter_on_its_way_proves_no_address_that_was_typed_meanwhile(apex):
    begin(apex)
    age_letters()
    change = lambda: begin(second_tap(apex), email=HERS)  # noqa: E731
    with just_before(('UPDATE "tenants_signup"', '"code_hash" ='), change):
        assert apex.post("/start/code/again/").status_code == 429
    assert SignUp.objects.get().email == HERS
    for code in codes_to(EMAIL):
        apex.post("/start/code/", {"code": code})
    assert SignUp.objects.get().confirmed_at is None
    assert apex.get("/start/address/")["Location"] == "/start/code/"


def test_the_letter_to_the_address_that_stands_still_opens_it(apex):
    begin(apex)
    age_letters()
    change = lambda: begin(second_tap(apex), email=HERS)  # noqa: E731
    with just_before(('UPDATE "tenants_signup"', '"code_hash" ='), change):
        apex.post("/start/code/again/")
    (code,) = codes_to(HERS)
    assert apex.post("/start/code/", {"code": code})["Location"] == "/start/address/"


@pytest.mark.parametrize("back", [False, True])
def test_a_shop_does_not_open_for_an_address_that_nobody_proved(apex, back):
    ready(apex)

    def change():
        begin(second_tap(apex), email=HERS)
        if back:
            begin(second_tap(apex), email=EMAIL)
        return True

    with just_before(('"tenants_signup"', "FOR UPDATE"), change):
        answer = apex.post("/start/brand/", GREEN)
    assert answer["Location"] == "/start/code/"
    assert not Tenant.objects.exists()
    assert apex.get("/start/open/")["Location"] == "/start/code/"


def test_another_currency_meanwhile_sends_back_to_the_program(apex):
    ready(apex)
    change = lambda: begin(second_tap(apex), country="KW")  # noqa: E731
    with just_before(('"tenants_signup"', "FOR UPDATE"), change):
        assert apex.post("/start/brand/", GREEN)["Location"] == "/start/program/"
    assert not Tenant.objects.exists()


@pytest.mark.thorough
def test_whatever_is_tapped_at_once_what_is_proved_was_written_to(settings):
    settings.RATE_LIMITS = False
    apex = Client(HTTP_HOST="localhost")
    begin(apex)

    def tap(act):
        try:
            return act(second_tap(apex)).status_code
        finally:
            connection.close()

    for turn in range(8):
        begin(apex, email=f"mine-{turn}@aroma.example")
        age_letters()
        acts = [
            lambda tab: tab.post("/start/code/again/"),
            lambda tab, to=f"hers-{turn}@aroma.example": begin(tab, email=to),
            lambda tab: tab.post("/start/code/again/"),
        ]
        with ThreadPoolExecutor(len(acts)) as pool:
            assert set(pool.map(tap, acts)) <= {303, 429}
        for code in codes_to(f"mine-{turn}@aroma.example"):
            apex.post("/start/code/", {"code": code})
        row = SignUp.objects.get()
        assert row.confirmed_at is None or row.email.startswith("mine")
