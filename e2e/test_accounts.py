"""The owner's doors in a browser: a code by mail, a passkey, a tablet paired by its code."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from e2e.conftest import assert_accessible, find
from e2e.walks import WAYS
from tenants import devices
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import Letter, Session


def add_authenticator(page: Page) -> None:
    """A device that keeps passkeys and always knows its owner's finger."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def last_code(shop) -> str:
    with inside(shop.tenant):
        letter = Letter.objects.filter(to=shop.owner.user.email).order_by("pk").last()
    return re.search(r"[A-Z]{3}-[A-Z]{3}", letter.text)[0]


def sign_in_by_code(page: Page, shop) -> None:
    page.goto("/accounts/login/?next=/accounts/")
    page.get_by_label("E-mail").fill(shop.owner.user.email)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Code").fill(last_code(shop).lower())
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Not now").click()  # a passkey, offered on the way
    page.wait_for_url("**/accounts/")


def test_a_code_first_then_a_passkey(shop, open_browser):
    page = open_browser(shop, "phone")
    add_authenticator(page)
    sign_in_by_code(page, shop)
    page.get_by_role("link", name="Make one").click()
    page.get_by_role("button", name="Make a passkey").click()
    page.wait_for_url("**/accounts/#passkeys")
    expect(page.get_by_text("One more passkey")).to_be_visible()
    page.locator("#sessions").get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/")
    page.get_by_role("button", name="Use my passkey").click()
    page.wait_for_url(re.compile(r"/manage/"))
    page.goto("/accounts/")
    expect(page.get_by_text("This one")).to_be_visible()
    assert Session.objects.filter(user_id=shop.owner.user_id).count() == 1


@pytest.mark.thorough
def test_a_tablet_is_paired_by_its_code(shop, open_browser, owner):
    desk, tablet = owner(), open_browser(shop, "tablet")
    desk.goto("/manage/devices/pair/")
    code = desk.locator(".pairing-code").inner_text()
    tablet.goto("/till/")
    tablet.get_by_label("Code").fill(code.lower())
    tablet.get_by_role("button", name="Pair this browser").click()
    tablet.get_by_label("What is this tablet called?").fill("Counter iPad")
    tablet.get_by_role("button", name="Pair this browser").click()
    expect(tablet.get_by_text("Who is at the counter?")).to_be_visible()
    expect(desk.locator("#pairing")).to_contain_text("Counter iPad is paired.")
    desk.goto("/manage/devices/")
    desk.get_by_role("link", name="Revoke Counter iPad").click()
    desk.get_by_role("button", name="Revoke").click()
    desk.wait_for_url("**/manage/devices/")
    expect(tablet.get_by_text("This browser is no till yet.")).to_be_visible()  # by itself


@pytest.mark.thorough
@pytest.mark.parametrize("path", ["", "training/"])
def test_a_revoked_till_that_nobody_touches_shows_nobody_any_more(till, shop, path):
    page = till()
    page.goto(f"/till/{path}")
    find(page)
    with inside(shop.tenant):
        for each in devices.all_paired():
            devices.revoke(each, at=timezone.now(), by=Actor.of_staff(shop.owner))
    expect(page.get_by_text("This browser is no till yet.")).to_be_visible()
    expect(page.locator("#sale")).to_have_count(0)


@pytest.mark.thorough
@pytest.mark.parametrize(("size", "look"), WAYS)
def test_a_wrong_code_is_said_so_that_everybody_reads_it(shop, open_browser, size, look):
    """What is on these pages otherwise, test_every_page.py looks at."""
    language, dark = look
    page = open_browser(shop, size, dark=dark)
    page.goto(f"/accounts/login/?lang={language}")
    page.get_by_role("textbox").fill(shop.owner.user.email)
    page.locator("main form").last.locator("button").click()
    page.locator("#id_code").fill("AAA-AAA")
    page.locator("main form").first.locator("button").click()
    page.locator(".error").wait_for()
    assert_accessible(page)
    page.locator("#id_code").fill(last_code(shop))
    page.locator("main form").first.locator("button").click()
    page.wait_for_url("**/passkeys/add/**")
    assert_accessible(page)
