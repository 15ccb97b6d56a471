"""A sale while the network or the database is away: nothing typed is lost, nothing counts twice."""

from __future__ import annotations

import itertools
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection
from playwright.sync_api import expect

from e2e.conftest import assert_accessible, find, press
from e2e.test_a_sale import balance
from loyalty.models import Purchase
from tenants.context import inside
from tests.test_embedded import until

SALES = "**/purchases/"


@pytest.fixture
def keys():
    """The keys of the sales that the browser sent, in order."""
    return []


def ready(page, amount="24"):
    find(page)
    press(page, amount)
    page.get_by_role("button", name=f"Award {amount} points").wait_for()
    return page.locator("#sale input[name=key]").input_value()


def note(page, keys):
    def sent(request):
        if request.method == "POST" and request.url.endswith("/purchases/"):
            keys.append(dict(part.split("=") for part in request.post_data.split("&"))["key"])

    page.on("request", sent)


def award(page):
    page.get_by_role("button", name="Award 24 points").click()


def test_a_sale_is_sent_again_by_itself_with_the_same_key(till, shop, console, keys):
    page = till()
    key = ready(page)
    note(page, keys)
    broken = [True]
    page.route(SALES, lambda route: route.abort() if broken else route.continue_())
    award(page)
    expect(page.locator("#trouble")).to_contain_text("Saving")
    expect(page.locator("#read")).to_have_value("24")
    expect(page.locator("till-desk")).to_have_attribute("inert", "")
    broken.clear()
    expect(page.locator("#strip")).to_contain_text("+24")
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.get_by_label("Last digits of the phone").last).to_be_focused()
    assert len(keys) > 1
    assert set(keys) == {key}
    assert balance(shop) == 24
    console.clear()  # the browser, too, tells of what we broke


@pytest.mark.thorough
def test_an_answer_that_was_lost_is_asked_for_again_and_counts_once(till, shop, console, keys):
    page = till()
    ready(page)
    note(page, keys)
    turns, host = itertools.count(), page.evaluate("location.host")

    def lose(route):
        if next(turns) < 1:
            # The server does it, and nobody hears of that. Only browsers know *.localhost.
            url = route.request.url.replace(shop.host, "127.0.0.1")
            route.fetch(url=url, headers=route.request.all_headers() | {"host": host})
            route.abort()
        else:
            route.continue_()

    page.route(SALES, lose)
    award(page)
    expect(page.locator("#strip")).to_contain_text("+24")
    assert len(set(keys)) == 1
    assert balance(shop) == 24
    with inside(shop.tenant):
        assert Purchase.objects.count() == 1
    console.clear()


@pytest.mark.thorough
def test_after_half_a_minute_it_says_so_and_offers_a_button(till, shop, console, keys):
    page = till()
    page.clock.install()
    ready_with_clock(page)
    note(page, keys)
    page.route(SALES, lambda route: route.fulfill(status=503, headers={"Retry-After": "2"}))
    award(page)
    expect(page.locator("#trouble")).to_contain_text("Saving")
    until(lambda: page.clock.run_for(4_000) or len(keys) == 6, seconds=60)
    expect(page.locator("#trouble")).to_contain_text("Not sent yet.")
    expect(page.locator("#read")).to_have_value("24")
    assert page.evaluate("document.querySelector('till-desk').inert") is False
    assert (len(keys), len(set(keys))) == (6, 1)
    assert_accessible(page)
    page.unroute(SALES)
    page.get_by_role("button", name="Try again").click()
    page.clock.run_for(1_000)
    expect(page.locator("#strip")).to_contain_text("+24")
    assert balance(shop) == 24
    console.clear()


def ready_with_clock(page):
    press(page, "4567")
    page.clock.run_for(1_000)  # for the delays of typing and of a customer who is found alone
    page.wait_for_load_state("networkidle")
    page.clock.run_for(1_000)
    page.locator("#sale").wait_for()
    press(page, "24")
    page.clock.run_for(1_000)
    page.get_by_role("button", name="Award 24 points").wait_for()


@pytest.mark.thorough
def test_too_much_at_once_waits_as_long_as_it_is_told(till, shop, console, keys):
    page = till()
    ready(page)
    note(page, keys)
    turns = itertools.count()
    page.route(
        SALES,
        lambda route: (
            route.fulfill(status=429, headers={"Retry-After": "2"})
            if next(turns) < 1
            else route.continue_()
        ),
    )
    began = page.evaluate("performance.now()")
    award(page)
    expect(page.locator("#trouble")).to_contain_text("Too much at once")
    expect(page.locator("#strip")).to_contain_text("+24")
    assert page.evaluate("performance.now()") - began > 2_000
    assert len(keys) == 2
    assert balance(shop) == 24
    console.clear()


@pytest.mark.parametrize(
    ("size", "look"),
    [
        pytest.param("tablet", {}, id="tablet"),
        pytest.param(
            "phone",
            {"language": "?lang=ar", "dark": True},
            id="phone-night-arabic",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_while_the_database_is_away_the_sale_waits_and_then_counts_once(
    till, shop, console, size, look
):
    """A real fault and a real 503: nobody gets into the database, and who was in it is out."""
    page = till(size, **look)
    find(page)
    press(page, "24")
    page.locator("#act button:enabled").wait_for()
    with closed_database():
        with page.expect_response(SALES) as answered:
            page.locator("#act button").click()
        assert answered.value.status == 503
        assert answered.value.headers["retry-after"] == "2"
        expect(page.locator("#trouble")).to_be_visible()
        expect(page.locator("#read")).to_have_value("24")
    page.locator(".receipt").wait_for()
    assert balance(shop) == 24
    console.clear()


@contextmanager
def closed_database():
    name = connection.settings_dict["NAME"]
    with psycopg.connect(
        host=connection.settings_dict["HOST"], dbname="portal", user="portal_owner", autocommit=True
    ) as other:
        other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        ending = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
        other.execute(ending, [name])
        try:
            yield
        finally:
            other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            connection.close()
