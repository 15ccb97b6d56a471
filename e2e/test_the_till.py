"""The till in a browser: what a cashier does all day, by tapping and by typing."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from e2e.conftest import assert_accessible, find, press
from loyalty import finding, ledger, programs, purchases, rewards
from loyalty.enrolment import enrol
from loyalty.models import Purchase
from loyalty.terms import Line
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import Shop as ShopRow
from tenants.pins import set_pin

BOSS_PIN = "1357"
ONE = (Line(qty=1, amount=100),)
SMALL = """[...document.querySelectorAll("a, button, input:not([type=hidden])")]
  .filter(e => e.checkVisibility() && !e.matches(".hide") && !e.closest("label.check"))
  .map(e => [e.outerHTML.slice(0, 80), e.closest(".box")?.offsetHeight ?? e.offsetHeight])
  .filter(([, height]) => height < 60)"""
WIDE = """(() => {
  const larger = new CSSStyleSheet();
  larger.replaceSync(":root { font-size: 140% }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, larger];
  const root = document.documentElement;
  return root.scrollWidth - root.clientWidth;
})()"""


def points(shop, member=None) -> int:
    with inside(shop.tenant):
        return ledger.account_of(member or shop.member).balance


@pytest.fixture
def stocked(shop):
    """Rewards, a manager with a PIN, and limits."""
    with inside(shop.tenant):
        by, now = Actor.of_staff(shop.owner), timezone.now()
        set_pin(shop.owner, BOSS_PIN)
        for name, cost in (("Cookie", 20), ("Coffee", 100), ("Breakfast", 250)):
            rewards.create(shop.program, "item", name, at=now, by=by, cost=cost, value=900, stock=3)
        ShopRow.objects.update(award_limit=50_000, proof_above=50)
    return shop


@pytest.mark.thorough
def test_enrol_award_undo_award_redeem(till, stocked):
    page = till()
    press(page, "0501234999")
    page.locator("#name").fill("Yusuf Karim")
    page.get_by_role("button", name="Make the card").click()
    expect(page.get_by_role("heading", name="Yusuf Karim")).to_be_visible()
    with inside(stocked.tenant):
        (hit,) = finding.find_for_till("4999")
    press(page, "24")
    page.get_by_role("button", name="Award 24 points").click()
    expect(page.locator("#strip")).to_contain_text("+24 for Yusuf K.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#strip")).to_contain_text("undone")
    assert points(stocked, hit.member) == 0
    find(page, "4999")
    press(page, "30")
    page.get_by_role("button", name="Award 30 points").click()
    expect(page.locator("#strip")).to_contain_text("+30")
    find(page, "4999")
    page.get_by_role("button", name="Cookie").click()
    page.get_by_role("button", name="Give Cookie").click()
    expect(page.get_by_role("dialog")).to_contain_text("Give it now")
    assert points(stocked, hit.member) == 10
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_label("Sale amount").last).to_be_focused()
    expect(page.locator("#strip")).to_contain_text("−20 for Yusuf K.")


@pytest.mark.thorough
def test_everything_without_a_tap(till, stocked):
    """Digits go to the number in front, Enter is the big key, Esc leads back, Ctrl+Z undoes."""
    page = till()
    keys = page.keyboard
    keys.type("0501234999")
    page.locator("#enrol").wait_for()
    keys.press("Enter")
    page.locator("#sale").wait_for()
    keys.type("600")
    page.get_by_role("button", name="Award 600 points").wait_for()
    keys.press("Enter")
    expect(page.get_by_text("More than AED 500.00 in one sale.")).to_be_visible()
    keys.type(BOSS_PIN)
    keys.press("Enter")
    expect(page.locator("#strip")).to_contain_text("+600")
    keys.press("Control+z")
    expect(page.locator("#strip")).to_contain_text("undone")
    keys.type("ami")
    page.locator(".hit").wait_for()
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Amina Rahman")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()


@pytest.mark.thorough
def test_a_wrong_person_is_put_right(till, stocked):
    page = till()
    with inside(stocked.tenant):
        right = enrol(name="Joseph King", phone="0501238888", at=timezone.now(), by=stocked.till)
    find(page)
    press(page, "24.50")
    page.get_by_role("button", name="Award 24 points").click()
    page.get_by_role("button", name="Wrong person?").click()
    expect(page.get_by_role("heading", name="Whose was it?")).to_be_visible()
    find(page, "8888")
    page.get_by_role("button", name="Award 24 points").click()
    expect(page.locator("#strip")).to_contain_text("+24 for Joseph K.")
    assert (points(stocked), points(stocked, right)) == (0, 24)


@pytest.mark.thorough
def test_a_half_typed_sale_outlives_a_hand_over_and_the_idle_lock(till, stocked):
    page = till()
    find(page)
    press(page, "24.50")
    page.get_by_role("button", name=re.compile("Lock")).click()
    expect(page.locator("body")).not_to_contain_text("Amina")
    page.locator(".crew label", has_text=stocked.owner.name).click()
    press(page, BOSS_PIN)
    expect(page.get_by_label("Sale amount").last).to_have_value("24.50")
    page.get_by_role("button", name="Award 24 points").wait_for()
    page.evaluate("document.querySelector('till-desk').dataset.idle = .05")
    page.keyboard.press("Shift")
    page.locator(".crew").wait_for()


@pytest.mark.thorough
@pytest.mark.parametrize("size", ["phone", "tablet"])
def test_three_coffees_are_three_stamps(till, shop, size):
    with inside(shop.tenant):
        by, now = Actor.of_staff(shop.owner), timezone.now()
        shop.program.unit = "stamp"
        shop.program.save()
        programs.set_rules(shop.program, [{"kind": "item", "points": 1}], at=now, by=by)
        rewards.create(shop.program, "item", "Free coffee", at=now, by=by, cost=10, is_auto=True)
        for n in range(7):
            purchases.record(shop.member, 100, at=now, by=shop.till, key=f"{n}", lines=ONE)
    page = till(size)
    find(page)
    page.get_by_role("button", name="Stamp the card").wait_for()
    assert_accessible(page)
    page.locator(".quick button", has_text="3").click()
    expect(page.locator(".quote")).to_contain_text("+3")
    expect(page.locator(".stamps .new")).to_have_count(3)
    page.get_by_role("button", name="Stamp the card").click()
    expect(page.get_by_role("heading", name="has earned it")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Give Free coffee").click()
    page.get_by_role("button", name="Give Free coffee").click()
    expect(page.get_by_role("dialog")).to_contain_text("Free coffee")


@pytest.mark.thorough
@pytest.mark.parametrize("look", [{}, {"language": "?lang=ar", "dark": True}])
@pytest.mark.parametrize("size", ["phone", "tablet"])
def test_every_screen_is_accessible(till, stocked, size, look):
    with inside(stocked.tenant):
        now = timezone.now()
        purchases.record(stocked.member, 15_000, at=now, by=stocked.till, key=str(uuid4()))
    page = till(size, **look)
    page.wait_for_load_state()
    page.keyboard.type("999")
    page.locator("#panel .btn").wait_for()
    assert_accessible(page)
    for path in ("members/?q=0501234999", "members/?q=ami", "shift/", "join/", "training/"):
        page.goto(f"/till/{path}")
        assert_accessible(page)
    at = f"/till/members/{stocked.member.pk}/"
    page.goto(f"{at}?amount=600")
    assert_accessible(page)
    page.locator("#act button").click()
    page.locator("[name=pin]").wait_for()
    assert_accessible(page)
    page.goto(f"{at}rewards/")
    page.locator(".reward").last.click()
    page.locator("[name=proof]").wait_for()
    assert_accessible(page)
    page.locator(".reward").first.click()
    expect(page.locator(".reward").first).to_have_attribute("aria-pressed", "true")
    page.locator("#gift button:enabled").click()
    page.locator("dialog").wait_for()
    assert_accessible(page)
    page.keyboard.press("Enter")
    with inside(stocked.tenant):
        sale = Purchase.objects.get()
    page.goto(f"/till/purchases/{sale.pk}/")
    assert_accessible(page)


@pytest.mark.thorough
@pytest.mark.parametrize("size", ["phone", "tablet"])
def test_every_target_is_large_and_nothing_breaks_with_larger_text(till, stocked, size):
    with inside(stocked.tenant):
        now = timezone.now()
        purchases.record(stocked.member, 15_000, at=now, by=stocked.till, key=str(uuid4()))
    page = till(size)
    at = f"members/{stocked.member.pk}/"
    for path in ("", at, f"{at}rewards/", "purchases/", "shift/", "members/?q=0501234999"):
        page.goto(f"/till/{path}")
        assert page.evaluate(SMALL) == [], path
        assert page.evaluate(WIDE) <= 0, path


# Chromium on this system has neither camera nor detector; what a browser has of them is put in
# their place, what the till makes of it is real.
CAMERA = """
  const canvas = document.createElement("canvas");
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream();
  window.BarcodeDetector = class { async detect() { return [{ rawValue: "CODE" }]; } };
"""


@pytest.mark.thorough
def test_a_card_is_scanned_with_the_camera_where_there_is_one(till, shop):
    page = till()
    expect(page.locator("scan-card")).to_be_hidden()
    page.add_init_script(CAMERA.replace("CODE", f"HTTP://CAFE.LOCALHOST/M/{shop.member.code}"))
    page.reload()
    page.get_by_role("button", name="Scan a card").click()
    expect(page.get_by_role("heading", name="Amina Rahman")).to_be_visible()
    expect(page.locator("dialog")).to_have_count(0)
