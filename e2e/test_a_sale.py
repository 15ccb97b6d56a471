"""One sale, seen from all sides of the counter."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from e2e.conftest import find, press
from loyalty import ledger
from loyalty.models import Purchase
from tenants.context import inside


def balance(shop) -> int:
    with inside(shop.tenant):
        return ledger.account_of(shop.member).balance


def test_a_sale_is_seven_taps_and_undo_is_one(till, shop):
    page = till()
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    find(page)
    expect(page.get_by_role("heading", name="Amina Rahman")).to_be_visible()
    press(page, "24")
    page.get_by_role("button", name="Award 24 points").click()
    expect(page.locator("#strip")).to_contain_text("+24 for Amina R.")
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    expect(page.get_by_label("Last digits of the phone").last).to_be_focused()
    assert balance(shop) == 24
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#strip")).to_contain_text("undone")
    assert balance(shop) == 0


@pytest.mark.thorough
def test_a_sale_appears_on_the_card_on_home_and_in_the_books(till, card, owner, shop):
    counter = till()
    find(counter)
    press(counter, "24.50")
    counter.get_by_role("button", name="Award 24 points").click()
    expect(counter.locator("#strip")).to_contain_text("+24")

    phone = card()
    expect(phone.locator(".balance b")).to_have_text("24")
    phone.locator("summary").first.click()
    expect(phone.locator(".sum").first).to_contain_text("24 \u00d7 AED\u00a01.00")

    home = owner()
    expect(home.get_by_role("heading", level=1)).to_contain_text("1 visit by")
    expect(home.locator(".events li").first).to_contain_text("Amina Rahman")
    home.get_by_role("link", name="Amina Rahman").first.click()
    home.locator(".timeline summary").first.click()
    expect(home.locator(".timeline .sum").first).to_contain_text("Points for this sale")


@pytest.mark.thorough
def test_two_quick_taps_award_once(till, shop):
    page = till()
    find(page)
    press(page, "24")
    page.get_by_role("button", name="Award 24 points").dblclick()
    expect(page.locator("#strip")).to_contain_text("+24")
    page.wait_for_load_state("networkidle")
    with inside(shop.tenant):
        assert Purchase.objects.count() == 1


def test_a_form_sent_by_two_hands_at_once_awards_once(till, shop):
    page = till()
    find(page)
    press(page, "24")
    page.get_by_role("button", name="Award 24 points").wait_for()
    page.evaluate(
        """async () => {
          const form = document.getElementById("sale");
          const send = () => fetch(form.action, {method: "POST", body: new FormData(form)});
          await Promise.all([send(), send(), send()]);
        }"""
    )
    with inside(shop.tenant):
        assert Purchase.objects.count() == 1
    assert balance(shop) == 24


def test_a_scanner_and_a_keyboard_need_no_tap(till, shop):
    page = till()
    page.locator("h1").click()  # wherever the focus was
    page.keyboard.type(f"HTTP://CAFE.LOCALHOST/M/{shop.member.code}")
    page.keyboard.press("Enter")
    page.locator("#sale").wait_for()
    page.keyboard.type("12,5")
    page.get_by_role("button", name="Award 12 points").wait_for()
    page.keyboard.press("Enter")
    expect(page.locator("#strip")).to_contain_text("+12")
    page.keyboard.press("Control+z")
    expect(page.locator("#strip")).to_contain_text("undone")


@pytest.mark.thorough
def test_escape_goes_back_to_the_next_customer(till):
    page = till()
    find(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()


@pytest.mark.thorough
def test_a_wrong_pin_says_so_and_a_right_one_opens(till):
    page = till()
    page.get_by_role("button", name=re.compile("Lock")).click()
    press(page, "0000")
    expect(page.locator("#tries")).to_contain_text("4 tries left")
    press(page, "2468")
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()


@pytest.mark.thorough
def test_a_pin_can_be_typed_on_a_keyboard_whatever_has_the_focus(till):
    page = till()
    page.get_by_role("button", name=re.compile("Lock")).click()
    page.get_by_text("Sam").first.click()
    page.keyboard.type("2468")
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()


@pytest.mark.parametrize(
    ("size", "viewport"),
    [
        ("tablet", (1024, 768)),
        pytest.param("tablet", (1180, 820), marks=pytest.mark.thorough),
        pytest.param("phone", (390, 844), marks=pytest.mark.thorough),
    ],
)
def test_a_sale_fits_on_the_screen(till, size, viewport):
    page = till(size)
    page.set_viewport_size({"width": viewport[0], "height": viewport[1]})
    page.wait_for_load_state()  # with its style sheet, which the lock does not have

    def hidden() -> int:
        return page.evaluate("document.documentElement.scrollHeight - innerHeight")

    assert hidden() <= 0
    find(page)
    press(page, "24")
    page.get_by_role("button", name="Award 24 points").wait_for()
    assert hidden() <= 0
    page.get_by_role("button", name="Award 24 points").click()
    expect(page.locator("#strip")).to_contain_text("+24")
    assert hidden() <= 0
