"""A stranger opens a shop in her browser, from the bare domain to the list for her counter."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
import segno
from django.utils import timezone
from PIL import Image
from playwright.sync_api import expect

from e2e.conftest import assert_accessible
from loyalty.enrolment import enrol
from portal import posters
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import SiteLetter, Staff, Tenant

LOGO = Path(__file__).parent.parent / "static/img/favicon.svg"


def code_in_the_letter() -> str:
    text = SiteLetter.objects.latest("made_at").text
    return re.search(r"^[0-9A-Z]{3}-[0-9A-Z]{3}$", text, re.MULTILINE)[0]


def walk(page, look=lambda name: None, *, name="Café Aroma"):
    """From `/` to the open shop; `look` is called at each step."""
    page.goto("/")
    look("home")
    page.locator(".hero input").fill(name)
    page.locator(".hero button").click()
    page.locator("#id_email").fill("layla@aroma.example")
    look("start")
    page.locator("main form button").click()
    page.wait_for_url("**/start/code/")
    look("code")
    page.locator("#id_code").fill(code_in_the_letter().lower())
    page.locator("main form button").first.click()
    page.wait_for_url("**/start/address/")
    look("address")
    page.locator("main .btn.primary").click()
    page.wait_for_url("**/start/program/")
    look("program")
    page.locator("main .btn.primary").click()
    page.wait_for_url("**/start/brand/")
    look("brand")
    page.locator(".swatches label").nth(1).click()
    page.locator("#id_logo").set_input_files(LOGO)
    look("brand-green")
    page.locator("main .btn.primary").click()
    page.wait_for_url("**/start/open/")
    look("open")


def arrive(page):
    """Across to the shop's host. To a browser every *.localhost is a site of its own, so that it
    does not let her in without a press.
    """
    page.locator("main .btn.primary").click()
    page.wait_for_load_state()
    if "/accounts/arrive/" in page.url:
        page.locator("main form button").click()
    page.wait_for_url("**/manage/start/")


@pytest.mark.thorough
def test_from_the_bare_domain_to_the_first_member(apex, transactional_db):
    page = apex()

    def look(step):
        if step == "address":
            page.locator("#id_slug").fill("www")
            expect(page.locator("#state")).to_contain_text("We need that one ourselves")
            page.locator("#id_slug").fill("cafe-aroma")
            expect(page.locator("#state")).to_contain_text("is free")
        elif step == "program":
            expect(page.locator("#worth")).to_contain_text("5 %")
            page.locator("[name='points-worth']").fill("180")
            expect(page.locator("#worth")).to_contain_text("That is generous")
            page.locator(".choice", has_text="Stamps").click()
            expect(page.locator("#preview .stamps li")).to_have_count(10)
        elif step == "brand-green":
            expect(page.locator("#preview .mark img")).to_be_visible()
            drawn = page.locator("#preview .mark img").evaluate(
                "each => each.decode().then(() => each.naturalWidth)"
            )
            assert drawn > 0
            expect(page.locator("#shade")).to_contain_text("easy to read")

    walk(page, look)
    arrive(page)
    expect(page.locator("#first")).to_contain_text("Waiting for your first member")
    assert_accessible(page)
    with inside(Tenant.objects.get()):
        by = Actor.of_staff(Staff.objects.get())
        enrol(name="Amina", phone="+971501234567", at=timezone.now(), by=by)
    expect(page.locator("#first")).to_contain_text("Amina is your first member")


@pytest.mark.thorough
def test_a_photograph_that_is_too_large_is_told_so_before_it_is_sent(apex, transactional_db):
    page, sent = apex(), []
    page.on("request", lambda each: sent.append(each.url) if each.method == "POST" else None)

    def look(step):
        if step != "brand":
            return
        sent.clear()
        too_large = page.get_by_text("That is more than 1 MB.")
        photo = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": b"x" * 4_000_000}
        page.locator("#id_logo").set_input_files(photo)
        expect(too_large).to_be_visible()
        assert page.locator("#id_logo").input_value() == ""
        page.locator("#id_logo").set_input_files(LOGO)
        expect(page.locator(".logo-row img")).to_be_visible()
        expect(too_large).to_be_hidden()
        assert len(sent) == 1

    walk(page, look)


@pytest.mark.thorough
def test_a_shop_opens_without_javascript(apex, transactional_db):
    page = apex("phone", script=False)
    walk(page)
    arrive(page)
    expect(page.locator("#first")).to_contain_text("Waiting for your first member")


CASES = [
    ("desk", False, "ar"),
    ("tablet", True, ""),
    ("phone", True, "ar"),
    ((320, 700), False, "bn"),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("size", "dark", "language"), CASES, ids=str)
def test_no_step_stands_in_anybodys_way(apex, transactional_db, size, dark, language):
    page = apex(size, dark=dark, language=language)

    def look(step):
        assert_accessible(page)
        if step == "code":
            page.locator("#id_code").fill("ABC")
            page.locator("main form button").first.click()
            page.locator("[aria-invalid]").wait_for()
            assert_accessible(page)

    walk(page, look)
    arrive(page)
    assert_accessible(page)
    shop = page.url.partition("/manage/")[0]
    for path in ("", "?size=a5", "?size=tent&words=en,ar", "?size=cards&words=bn"):
        page.goto(f"{shop}/manage/poster/{path}")
        assert_accessible(page)
    page.goto(f"{shop}/outbox/")
    assert_accessible(page)
    page.goto("/find/")
    page.locator("#id_email").fill("nobody@aroma.example")
    page.locator("main form button").click()
    page.wait_for_url("**/find/?sent=1")
    assert_accessible(page)


@pytest.mark.thorough
@pytest.mark.parametrize("sheet", ["size=a4", "size=a5", "size=tent", "size=cards"])
def test_the_code_on_the_printed_sheet_is_the_one_that_joins(owner, shop, sheet):
    """No camera here: each square of the picture is held against the code as it must be."""
    page = owner()
    page.goto(f"/manage/poster/?{sheet}")
    page.emulate_media(media="print")
    with inside(shop.tenant):
        told = segno.make_qr(posters.join_url(shop.tenant).upper(), error="q")
    wanted = [[bool(dark) for dark in row] for row in told.matrix_iter(border=4)]
    for drawn in page.locator(".poster .qr svg").all():
        picture = Image.open(io.BytesIO(drawn.screenshot())).convert("L")
        across, down = (side / len(wanted) for side in picture.size)
        assert across > 2, "a camera sees squares of some pixels only"
        seen = [
            [
                picture.getpixel((int((x + 0.5) * across), int((y + 0.5) * down))) < 128
                for x in range(len(wanted))
            ]
            for y in range(len(wanted))
        ]
        assert wanted in (seen, [row[::-1] for row in seen[::-1]])  # half a tent lies head down
