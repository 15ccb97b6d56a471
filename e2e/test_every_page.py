"""Every page, by day and night, in both directions, on phone, tablet and desk: for everybody.

A run shows each page once, in one of WAYS, and lets axe look at a fifth of them; the thorough run
shows each in all of WAYS, and axe looks at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from uuid import uuid4

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from e2e import walks
from e2e.conftest import _gather, assert_accessible
from e2e.looking import unreached, wrong_with
from e2e.walks import SCREENS, SIZES, WAYS, Look, Screen
from tenants import limits
from tenants.context import inside
from tenants.shops import change
from tenants.testing import routes
from tests.conftest import make_shop
from tests.scene import (
    CLAIMING,
    CUSTOMER,
    DEVICE,
    HALFWAY,
    LEAVING,
    MANAGER,
    ON_APEX,
    OWNER,
    PEOPLE,
    TILL,
    Scene,
    furnished,
)

# Who walks one after the other through one scene, as it takes longer to make than a few pages.
INSIDE = (TILL, DEVICE, CUSTOMER, CLAIMING, LEAVING, MANAGER, HALFWAY)
CROWDS = {
    "owner": (OWNER,),
    "inside": INSIDE,
    "doors": tuple(who for who in PEOPLE if who not in (OWNER, *INSIDE)),
}
by_crowd = pytest.mark.parametrize("crowd", CROWDS)


@pytest.fixture
def scene(shop, live_server, settings) -> Scene:
    settings.RATE_LIMITS = False  # one browser asks for what a whole shop would
    return furnished(shop, live_server.thread.port)


@pytest.fixture
def let_in(browser: Browser, scene, console) -> Iterator:
    """One browser a person, with her cookies: `let_in("owner")`."""
    contexts: list[BrowserContext] = []

    def entered(who: str) -> Page:
        context = browser.new_context(reduced_motion="reduce")
        contexts.append(context)
        context.add_cookies(scene.cookies(who))
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: console.append(f"{page.url} {error}"))
        page.on("console", lambda message: _gather(console, message))
        return page

    yield entered
    for context in contexts:
        context.close()


def wrong_on(page: Page, scene: Scene, screen: Screen, way, *checks) -> list[str]:
    """What these checks find wrong with a screen, or that it cannot be shown."""
    size, look = way
    try:
        show(page, scene, screen, size, look)
        found = [each for check in checks for each in check(page)]
    except Error as error:
        found = [f"cannot be shown: {str(error)[:300]}"]
    return [f"{screen.name} ({size}, {look[0]}{', dark' * look[1]}): {each}" for each in found]


def show(page: Page, scene: Scene, screen: Screen, size: str, look: Look) -> None:
    language, dark = look
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if dark else "light")
    screen.open(page, scene, language)


def least(who: str) -> int:
    """How many px a finger needs: more where it is in a hurry."""
    return 60 if who in (TILL, DEVICE) else 44


@by_crowd
def test_nothing_is_wrong_with_any_page(let_in, scene, crowd):
    wrong = []
    for page, screen in seen_by(let_in, crowd):
        number = SCREENS.index(screen)
        looks = partial(wrong_with, least=least(screen.who), axe=number % 5 == 0)
        wrong += wrong_on(page, scene, screen, WAYS[number % len(WAYS)], looks)
    assert wrong == [], "\n" + "\n".join(wrong)


@pytest.mark.thorough
@by_crowd
@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way[0]}-{way[1][0]}")
def test_nothing_is_wrong_with_any_page_this_way(let_in, scene, crowd, way):
    wrong = []
    for page, screen in seen_by(let_in, crowd):
        wrong += wrong_on(page, scene, screen, way, partial(wrong_with, least=least(screen.who)))
    assert wrong == [], "\n" + "\n".join(wrong)


@pytest.mark.thorough
@by_crowd
def test_tab_comes_to_everything(let_in, scene, crowd):
    """On the phone in one direction, on the desk in the other."""
    wrong = []
    for page, screen in seen_by(let_in, crowd):
        for way in (WAYS[0], WAYS[2]):
            wrong += wrong_on(page, scene, screen, way, unreached)
    assert wrong == [], "\n" + "\n".join(wrong)


def seen_by(let_in, crowd: str) -> Iterator[tuple[Page, Screen]]:
    for who in CROWDS[crowd]:
        screens = walks.of(who)
        if screens:
            page = let_in(who)
            yield from ((page, screen) for screen in screens)
            page.context.close()


@pytest.mark.parametrize(
    ("urlconf", "host"), [("portal.urls", ""), ("portal.site.urls", "localhost")]
)
def test_no_page_is_left_out(scene, urlconf, host):
    shown = {screen.route for screen in SCREENS} | set(walks.NO_SCREEN)
    visitors = [scene.client(who) for who in PEOPLE if (who in ON_APEX) == bool(host)]
    left_out = [
        route.name or route.pattern
        for route in routes(urlconf)
        if route.name not in shown and any(_shows(v, route) for v in visitors)
    ]
    assert left_out == [], "give it a Screen in e2e/walks.py, or a reason in NO_SCREEN"


def _shows(visitor: Client, route) -> bool:
    """Whether a GET is welcome at all: with any argument, a page or its absence is an answer."""
    path = "/" + re.sub(
        r"<(?:(\w+):)?\w+>",
        lambda found: (
            str(uuid4()) if found[1] == "uuid" else "1" if found[1] == "int" else "x" * 22
        ),
        route.pattern,
    )
    if "(" in path:
        return True
    answer = visitor.get(path)
    return answer.status_code != 405 and "json" not in answer.headers.get("Content-Type", "")


def test_the_page_that_says_it_was_too_much(open_browser, shop, monkeypatch):
    slow = limits.Rate(per_minute=1, burst=1)
    monkeypatch.setitem(limits.PLANS, "free", dict.fromkeys(limits.POLICIES, slow))
    limits.admit(shop.tenant.pk, "free", "public")
    page = open_browser(shop, "phone", dark=True)
    answer = page.goto("/?lang=ar")
    wait = int(answer.header_value("Retry-After"))
    assert 1 < wait <= 60, "what is left of a minute, however long the browser took to ask"
    expect(page.locator(".form .btn")).to_be_visible()
    expect(page.locator(".say")).to_contain_text(f" {wait} ")
    assert_accessible(page)


def test_two_shops_look_made_for_themselves(open_browser, shop):
    """Beside each other, in colours that want opposite texts; both can be read."""
    yellow = make_shop("spa", phone="050 765 4321")
    seen = {}
    for each, colour in ((shop, "#3b1d4f"), (yellow, "#ffd75e")):
        with inside(each.tenant):
            change(colour=colour)
        page = open_browser(each, "phone")
        page.goto("/j")
        key = page.locator("main .btn.primary").last
        seen[each.host] = key.evaluate(
            "it => [getComputedStyle(it).backgroundColor, getComputedStyle(it).color]"
        )
        assert_accessible(page)
    (dark, on_dark), (pale, on_pale) = seen.values()
    assert (dark, on_dark) == ("rgb(59, 29, 79)", "rgb(255, 255, 255)")
    assert pale == "rgb(255, 215, 94)"
    assert on_pale != on_dark


def test_forced_colours_more_contrast_and_less_motion_are_heeded(open_browser, shop):
    page = open_browser(shop, "desk")
    page.goto("/styleguide/")
    assert page.evaluate("document.getAnimations().length") == 0
    edge = "getComputedStyle(document.documentElement).getPropertyValue('--line')"
    for dark in ("light", "dark"):
        page.emulate_media(color_scheme=dark, contrast="no-preference")
        usual = page.evaluate(edge)
        page.emulate_media(color_scheme=dark, contrast="more")
        assert page.evaluate(edge) != usual, dark
    page.emulate_media(forced_colors="active", contrast="no-preference")
    key = page.locator(".by-day .btn").first
    assert key.evaluate("it => getComputedStyle(it).borderTopStyle") == "solid"


def test_members_are_found_while_one_types(owner, shop):
    page = owner()
    page.goto("/manage/members/")
    page.keyboard.press("/")
    page.keyboard.type("amina")
    page.wait_for_url("**/manage/members/?q=amina")
    expect(page.locator(".people tbody tr")).to_have_count(1)
    page.locator("#q").fill("aminaxyz")  # at once: each pause of a hand is an entry to go back to
    expect(page.get_by_role("heading", name="Nobody for")).to_be_visible()
    page.go_back()
    expect(page.locator(".people tbody tr")).to_have_count(1)
