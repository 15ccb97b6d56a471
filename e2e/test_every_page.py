"""Every page, by day and night, in both directions, on phone, tablet and desk: for everybody."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from e2e.conftest import assert_accessible, press
from loyalty import purchases, refunds
from tenants import limits
from tenants.context import inside

DAY = pytest.param({"language": "", "dark": False}, id="day")
NIGHT = pytest.param({"language": "?lang=ar", "dark": True}, id="night-arabic")
LOOKS = [DAY, NIGHT]


def on(*sizes):
    """Each size and each look once in every run, all pairs of them in the thorough one."""
    first, second = sizes
    pairs = [(first, NIGHT), (second, DAY), (first, DAY), (second, NIGHT)]
    return pytest.mark.parametrize(
        ("size", "look"),
        [
            pytest.param(
                size,
                *look.values,
                id=f"{size}-{look.id}",
                marks=[pytest.mark.thorough] if number > 1 else [],
            )
            for number, (size, look) in enumerate(pairs)
        ],
    )


@pytest.fixture
def sold(shop) -> None:
    """A sale, and one that was taken back."""
    with inside(shop.tenant):
        for n, total in enumerate((2450, 900)):
            at = timezone.now()
            sale = purchases.record(shop.member, total, at=at, by=shop.till, key=str(uuid4()))
            if n:
                refunds.void(sale.purchase, at=at, by=shop.till, key=str(uuid4()))


@on("phone", "tablet")
def test_the_till(till, shop, sold, size, look):
    page = till(size, **look)
    assert_accessible(page)
    press(page, "56")
    press(page, "7")
    page.locator(".hit").wait_for()
    assert_accessible(page)
    page.locator(".hit").click()
    page.locator("#sale").wait_for()
    assert_accessible(page)
    press(page, "24")
    page.locator("#quote button:enabled").wait_for()
    assert_accessible(page)
    page.locator("#quote button").click()
    page.locator(".receipt").wait_for()
    assert_accessible(page)
    page.locator(".bar a").click()
    page.locator(".answer .ledger").wait_for()
    assert_accessible(page)
    page.locator(".bar form button").click()
    page.locator(".crew").wait_for()
    press(page, "0000")
    page.locator("#tries svg").wait_for()
    assert_accessible(page)


@on("phone", "desk")
def test_the_portal(owner, shop, sold, size, look):
    page = owner(size, **look)
    assert_accessible(page)
    page.goto("/manage/members/")
    assert_accessible(page)
    page.goto("/manage/members/?q=nobody-at-all")
    assert_accessible(page)
    page.goto(f"/manage/members/{shop.member.pk}/")
    page.locator(".timeline summary").first.click()
    assert_accessible(page)


@pytest.mark.parametrize("look", LOOKS)
def test_the_card(open_browser, card, shop, sold, look):
    shown = card(**look)
    cookies = shown.context.cookies()
    page = open_browser(shop, "phone", dark=look["dark"])  # axe needs a script, the card does not
    page.context.add_cookies(cookies)
    page.goto(f"/c{look['language']}")
    page.locator("summary").first.click()
    assert_accessible(page)
    page.goto(f"/{look['language']}")
    assert_accessible(page)


@on("phone", "desk")
def test_the_doors_and_the_pages_of_error(open_browser, shop, size, look):
    page = open_browser(shop, size, dark=look["dark"])
    for path in (
        "/till/",
        "/accounts/login/",
        "/accounts/link/none/",
        "/till/pair/none/",
        "/c/none/",
        "/nowhere/",
    ):
        page.goto(f"{path}{look['language']}")
        assert_accessible(page)


@on("phone", "desk")
def test_the_page_that_says_it_was_too_much(open_browser, shop, size, look, monkeypatch):
    slow = limits.Rate(per_minute=1, burst=1)
    monkeypatch.setitem(limits.PLANS, "free", dict.fromkeys(limits.POLICIES, slow))
    limits.admit(shop.tenant.pk, "free", "public")
    page = open_browser(shop, size, dark=look["dark"])
    answer = page.goto(f"/{look['language']}")
    wait = int(answer.header_value("Retry-After"))
    assert 1 < wait <= 60, "what is left of a minute, however long the browser took to ask"
    expect(page.locator(".form .btn")).to_be_visible()
    expect(page.locator(".say")).to_contain_text(f" {wait} ")
    assert_accessible(page)


@pytest.mark.parametrize("look", LOOKS)
def test_the_site(open_browser, live_server, shop, look):
    page = open_browser(shop, "desk", dark=look["dark"])
    page.goto(f"http://localhost:{live_server.thread.port}/{look['language']}")
    assert_accessible(page)


def test_members_are_found_while_one_types(owner, shop):
    page = owner()
    page.goto("/manage/members/")
    page.keyboard.press("/")
    page.keyboard.type("amina")
    page.wait_for_url("**/manage/members/?q=amina")
    expect(page.locator(".people tbody tr")).to_have_count(1)
    page.keyboard.type("xyz")
    expect(page.get_by_role("heading", name="Nobody for")).to_be_visible()
    page.go_back()
    expect(page.locator(".people tbody tr")).to_have_count(1)
