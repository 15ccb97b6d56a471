"""A customer's whole story on her own phone, without JavaScript."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from e2e.conftest import assert_accessible
from loyalty import finding, leaving, rewards
from loyalty.models import Member, Program
from loyalty.purchases import record
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import Letter

SIZE = "phone"


def sell(shop, member, total=4200, key="sale") -> None:
    with inside(shop.tenant):
        record(member, total, at=timezone.now(), by=shop.till, key=key)


def offer(shop, name="Any coffee", cost=40) -> None:
    with inside(shop.tenant):
        by = Actor.of_staff(shop.owner)
        program = Program.objects.get(status="live")
        rewards.create(program, "item", name, at=timezone.now(), by=by, cost=cost, value=1500)


def code_in_the_letter(shop) -> str:
    with inside(shop.tenant):
        letter = Letter.objects.order_by("-made_at", "-id").first()
    return re.search(r"\d{6}", f"{letter.subject} {letter.text}")[0]


def joined(shop, open_browser, number, *, name=""):
    page = open_browser(shop, SIZE, script=False)
    page.goto("/j")
    page.get_by_label("Your mobile number").fill(number)
    page.get_by_label("First name").fill(name)
    page.get_by_role("button", name="Get my card").click()
    page.wait_for_url("**/c")
    return page


def test_a_stranger_has_a_card_uses_it_and_is_forgotten(shop, open_browser):
    offer(shop)
    page = joined(shop, open_browser, "٠٥٠ ٩٩٩ ٨٨٧٧", name="Yusuf")
    expect(page.get_by_text("Show this when you pay")).to_be_visible()
    with inside(shop.tenant):
        (hit,) = finding.find_for_till("8877")
    sell(shop, hit.member)
    page.reload()
    expect(page.locator(".balance b")).to_have_text("42")
    expect(page.get_by_role("region", name="A reward is ready")).to_contain_text(
        "Any coffee is yours"
    )
    page.get_by_role("link", name="Use it").click()
    expect(page.get_by_role("heading", name="Any coffee")).to_be_visible()
    page.get_by_role("link", name="Not now").click()
    page.get_by_role("link", name="All visits").click()
    page.locator("summary", has_text="Bought for").click()
    expect(page.locator(".sum").first).to_contain_text("42 \u00d7 AED\u00a01.00")
    page.get_by_role("link", name="Back to my card").click()
    page.get_by_role("link", name="Privacy").click()
    page.get_by_role("button", name="Allow it").click()
    expect(page.get_by_text("You allowed it on")).to_be_visible()
    page.get_by_role("link", name="Leave and erase").click()
    page.get_by_label("Yes, erase everything about me").check()
    page.get_by_role("button", name="Erase me").click()
    expect(page.get_by_role("heading", name="Your card is erased on")).to_be_visible()
    page.get_by_role("button", name="Keep my card").click()
    expect(page.get_by_text("Show this at the counter")).to_be_visible()
    page.get_by_role("link", name="Privacy").click()
    page.get_by_role("link", name="Leave and erase").click()
    page.get_by_label("Yes, erase everything about me").check()
    page.get_by_role("button", name="Erase me").click()
    expect(page.get_by_role("button", name="Keep my card")).to_be_visible()
    with inside(shop.tenant):
        leaving.erase_due(timezone.now() + dt.timedelta(days=9))
        assert Member.everyone.get(pk=hit.member.pk).status == "erased"
    page.goto("/c")
    expect(page.get_by_role("heading", name="A card for regulars")).to_be_visible()


def test_whoever_had_a_card_has_both_joined_by_a_code(shop, open_browser):
    sell(shop, shop.member, 1000)
    page = joined(shop, open_browser, "050 123 4567")
    expect(page.locator(".balance b")).to_have_text("0")
    page.get_by_role("link", name="Confirm").click()
    page.get_by_role("button", name="Send me the code").click()
    page.get_by_label("The six digits").fill(code_in_the_letter(shop))
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/c")
    expect(page.locator(".balance b")).to_have_text("10")
    expect(page.get_by_text("Amina Rahman")).to_be_visible()


@pytest.mark.thorough
def test_she_comes_back_on_another_phone(shop, open_browser):
    sell(shop, shop.member, 1000)
    page = open_browser(shop, SIZE, script=False)
    page.goto("/")
    page.get_by_role("link", name="I have one already").click()
    page.get_by_label("Your mobile number").fill("050 123 4567")
    page.get_by_role("button", name="Send me the code").click()
    page.get_by_label("The six digits").fill("000 000")
    page.get_by_role("button", name="Open my card").click()
    expect(page.get_by_text("That is not the code.")).to_be_visible()
    page.get_by_label("The six digits").fill(code_in_the_letter(shop))
    page.get_by_role("button", name="Open my card").click()
    page.wait_for_url("**/c")
    expect(page.locator(".balance b")).to_have_text("10")


@pytest.mark.thorough
def test_a_mistake_and_a_sent_code_stand_in_nobodys_way(shop, open_browser):
    """What the walk over all pages does not come to."""
    page = open_browser(shop, SIZE, dark=True)
    page.goto("/j?lang=ar")
    page.locator("[name=phone]").fill("12")
    page.locator("form button[type=submit]").click()
    expect(page.locator("[name=phone]")).to_be_focused()
    assert_accessible(page)
    page.locator("[name=phone]").fill("050 999 8877")
    page.locator("form button[type=submit]").click()
    page.goto("/c/confirm")
    page.locator("main form button").first.click()
    page.locator("[name=code]").fill("0")
    page.locator("main form button").first.click()
    assert_accessible(page)
