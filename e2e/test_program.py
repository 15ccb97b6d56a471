"""The owner changes the rule in its sentence, rehearses it on real sales, and puts it in force."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from e2e.conftest import assert_accessible
from loyalty import purchases, rewards, tasks
from loyalty.models import Draft, EarnRule
from tenants.actors import Actor
from tenants.context import inside


@pytest.fixture
def sold(shop) -> None:
    """A coffee to buy with points, and a sale."""
    with inside(shop.tenant):
        at, by = timezone.now(), Actor.of_staff(shop.owner)
        made = {"cost": 300, "value": 1800, "unit_cost": 720}
        rewards.create(shop.program, "item", "Free coffee", at=at, by=by, **made)
        purchases.record(shop.member, 2400, at=at, by=shop.till, key=str(uuid4()))


def rehearse(shop) -> None:
    """What the worker does with the job that was put in."""
    with inside(shop.tenant):
        draft = Draft.objects.get(applied_at=None)
        at = timezone.now().isoformat()
        tasks.rehearse_draft(draft=str(draft.pk), version=draft.version, at=at)


@pytest.mark.thorough
def test_a_rule_is_changed_rehearsed_and_put_in_force(owner, shop, sold):
    page = owner("desk")
    page.goto("/manage/program/")
    bar = page.locator("save-bar")
    expect(bar).to_be_hidden()
    expect(page.locator("#coming")).to_contain_text("That gives back 6%")
    page.get_by_label("What it gives").fill("2")
    expect(page.locator("#coming")).to_contain_text("That gives back 12%")
    bar.get_by_role("button", name="Keep as a draft").click()
    expect(page.locator(".versions ins").first).to_have_text("2 points")
    expect(bar).to_be_hidden()
    assert_accessible(page)
    page.locator("#rehearsal button").click()
    page.wait_for_url("**/manage/program/rehearsal/")
    expect(page.locator("progress")).to_be_visible()
    page.reload()
    rehearse(shop)
    expect(page.locator(".versus")).to_contain_text("+24")
    assert_accessible(page)
    page.get_by_role("link", name="Back to the draft").click()
    page.get_by_role("button", name="Put in force").click()
    expect(page.locator(".versions .good")).to_have_text("In force")
    expect(page.locator(".versions ins").first).to_have_text("2 points")
    with inside(shop.tenant):
        assert EarnRule.objects.get().points == 2


@pytest.mark.thorough
def test_without_a_script_everything_goes_too(owner, shop, sold, open_browser):
    signed_in = owner("phone")
    plain = open_browser(shop, "phone", script=False)
    plain.context.add_cookies(signed_in.context.cookies())
    plain.goto("/manage/program/")
    plain.get_by_label("What it gives").fill("3")
    plain.get_by_role("button", name="Keep as a draft").last.click()
    expect(plain.locator(".versions ins").first).to_have_text("3 points")
    plain.locator("#rehearsal button").click()
    rehearse(shop)
    plain.reload()
    expect(plain.locator(".versus")).to_contain_text("+48")
    plain.goto("/manage/settings/")
    plain.get_by_label("Name of the shop").fill("Aroma")
    plain.get_by_role("button", name="Keep it").click()
    expect(plain.get_by_text("Kept.")).to_be_visible()
