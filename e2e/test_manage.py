"""The owner's day: find a member, change her beside a colleague, correct her points."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from e2e.conftest import assert_accessible
from loyalty import profiles, purchases
from loyalty.enrolment import enrol
from loyalty.models import Member
from loyalty.profiles import Profile
from tenants.actors import Actor
from tenants.context import inside
from tenants.people import employ


def test_a_member_is_found_edited_beside_a_colleague_and_corrected(owner, shop):
    with inside(shop.tenant):
        at, by = timezone.now(), Actor.of_staff(shop.owner)
        maya = employ("Maya", "manager", at=at, by=by)
        enrol(name="Lena Fischer", phone="050 777 6666", at=at, by=by)
        purchases.record(shop.member, 2450, at=at, by=shop.till, key="a")
    page = owner()
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/members/")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("234")
    expect(page.locator("#q")).to_have_value("234")
    expect(page.locator("#tally")).to_contain_text("1–1 of 1 member")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Amina Rahman")

    page.get_by_role("link", name="Profile").click()
    name = page.get_by_label("Name")
    expect(name).to_have_value("Amina Rahman")
    with inside(shop.tenant):
        theirs = Profile("Amina By Maya", "+971501234567")
        profiles.change(shop.member, theirs, version=1, at=at, by=Actor.of_staff(maya))
    name.fill("Amina Haddad")
    page.get_by_role("button", name="Save").click()
    conflict = page.locator("#profile [role=alert]")
    expect(conflict).to_contain_text("Maya changed this meanwhile")
    expect(page.get_by_label("Name")).to_have_value("Amina Haddad")
    assert_accessible(page)
    page.get_by_role("button", name="Save mine over it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Amina Haddad")

    page.get_by_role("link", name="Correct points").click()
    points = page.locator("#id_points")
    expect(points).to_be_focused()
    points.fill("-100")
    page.locator("#id_reason").fill("Wrong card")
    page.get_by_role("button", name="Correct", exact=True).click()
    expect(page.locator("#act .error")).to_contain_text("more are needed")
    page.get_by_role("button", name="Take all 24").click()
    page.wait_for_url("**?done=points")
    expect(page.locator(".timeline summary").first).to_contain_text("Wrong card")
    expect(page.locator(".memberhead .balance b")).to_have_text("0")


@pytest.mark.thorough
def test_home_changes_by_itself_while_it_lies_open(owner, shop):
    page = owner("phone")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nobody has been in yet today.")
    with inside(shop.tenant):
        purchases.record(shop.member, 2450, at=timezone.now(), by=shop.till, key="a")
    page.evaluate("document.querySelector('live-part').dispatchEvent(new CustomEvent('poll'))")
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 visit by")
    expect(page.locator("#counter")).to_contain_text("Bought for")
    with page.expect_response(lambda answer: answer.status == 304):
        page.evaluate("document.querySelector('live-part').dispatchEvent(new CustomEvent('poll'))")


@pytest.mark.thorough
def test_the_first_member_turns_the_checklist_into_the_day(owner, shop):
    with inside(shop.tenant):
        Member.objects.update(is_active=False)
    page = owner()
    expect(page.get_by_role("heading", level=1)).to_contain_text("to your first member")
    assert_accessible(page)
    with inside(shop.tenant):
        enrol(name="Lena", phone="050 777 6666", at=timezone.now(), by=shop.till)
    page.evaluate("document.querySelector('live-part').dispatchEvent(new CustomEvent('poll'))")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Lena is your first member.")
    page.wait_for_load_state("load")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
