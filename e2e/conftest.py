"""A shop, a server and browsers; a word on any console, of policy or script, fails the test."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from weakref import WeakSet

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from portal import browser as chromium
from tenants import secrets
from tenants.context import inside
from tenants.shops import change
from tests.conftest import PIN, Shop, make_shop

expect.set_options(timeout=10_000)  # as long as a page waits for what it clicks

# Playwright's own loop runs in the thread of the tests, where Django then fears for the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

HOUR = dt.timedelta(hours=1)
SIZES = {"phone": (390, 844), "tablet": (1024, 768), "desk": (1440, 900)}
# A form that comes back with a sentence is an answer; a browser reports it as a failed load.
EXPECTED = ("status of 409", "status of 422", "status of 410", "status of 404", "status of 429")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    path = os.environ.get(chromium.NAMED) or chromium.ensure()
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": path, "args": sandbox}


@pytest.fixture
def shop(live_server, settings) -> Shop:
    """The café, committed, so that the server sees it."""
    settings.PUBLIC_PORT = live_server.thread.port
    cafe = make_shop("cafe")
    with inside(cafe.tenant):
        change(languages=["en", "ar", "bn"])
    return cafe


@pytest.fixture
def address(live_server) -> Callable[[Shop], str]:
    return lambda shop: f"http://{shop.host}:{live_server.thread.port}"


Opener = Callable[..., Page]


@pytest.fixture
def console() -> Iterator[list[str]]:
    """What the browsers complained of; at the end it must be nothing."""
    said: list[str] = []
    yield said
    assert said == []


@pytest.fixture
def open_at(browser: Browser, console) -> Iterator[Opener]:
    """A page in a browser of its own, at any address: `open_at("http://…", "phone")`; a size may
    be one of SIZES or (width, height).
    """
    contexts: list[BrowserContext] = []

    def opened(
        address: str,
        size: str | tuple[int, int] = "desk",
        *,
        script: bool = True,
        dark: bool = False,
        language: str = "",
    ) -> Page:
        width, height = SIZES.get(size, size)
        context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            reduced_motion="reduce",
            locale=language or "en-AE",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: console.append(str(error)))
        page.on("console", lambda message: _gather(console, message))
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def open_browser(open_at, address) -> Opener:
    """The same at a shop: `open_browser(shop, "phone", script=False)`."""
    return lambda shop, size="tablet", **options: open_at(address(shop), size, **options)


@pytest.fixture
def apex(live_server, settings, open_at) -> Opener:
    """The same on the bare domain."""
    port = settings.PUBLIC_PORT = live_server.thread.port
    return lambda size="desk", **options: open_at(f"http://localhost:{port}", size, **options)


def _gather(said: list[str], message: ConsoleMessage) -> None:
    expected = EXPECTED if message.page not in examined else (*EXPECTED, OF_AXE)
    if message.type in ("error", "warning") and not any(
        known in message.text for known in expected
    ):
        said.append(message.text)


@pytest.fixture
def till(shop, open_browser) -> Callable[..., Page]:
    """A paired tablet with the cashier before it."""

    def unlocked(size: str = "tablet", *, language: str = "", dark: bool = False) -> Page:
        page = open_browser(shop, size, dark=dark)
        page.goto(f"/till/pair/{link(shop, secrets.PAIR, shop.location.pk)}/{language}")
        page.locator("main form button").click()
        page.locator(".crew label", has_text=shop.cashier.name).click()
        page.wait_for_load_state()
        press(page, PIN)
        page.locator("till-desk").wait_for(state="attached")
        page.wait_for_load_state()  # the keys work from then on
        return page

    return unlocked


@pytest.fixture
def owner(shop, open_browser) -> Callable[..., Page]:
    """The owner's browser, come in by her link."""

    def signed_in(size: str = "desk", *, language: str = "", dark: bool = False) -> Page:
        page = open_browser(shop, size, dark=dark)
        page.goto(f"/accounts/link/{link(shop, secrets.SIGN_IN, shop.owner.user_id)}/{language}")
        page.locator("main form button").click()
        page.wait_for_url("**/manage/")
        return page

    return signed_in


@pytest.fixture
def card(shop, open_browser) -> Callable[..., Page]:
    """The customer's phone with her card on it, without JavaScript."""

    def shown(size: str = "phone", *, language: str = "", dark: bool = False) -> Page:
        page = open_browser(shop, size, script=False, dark=dark)
        page.goto(f"/c/{link(shop, secrets.CARD, shop.member.pk)}/{language}")
        page.locator("form button").click()
        page.wait_for_url("**/c")
        return page

    return shown


def link(shop: Shop, purpose: str, subject) -> str:
    with inside(shop.tenant):
        return secrets.mint(purpose, subject, HOUR, at=timezone.now())


def press(page: Page, keys: str) -> None:
    """Tap these keys of the keypad."""
    for key in keys:
        page.locator(f"key-pad button[value='{key}']").click()


def find(page: Page, digits: str = "4567") -> None:
    """Tap the last digits of a phone, and wait for the customer to lie on the counter."""
    press(page, digits)
    page.locator("#sale").wait_for()


TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


# Pages that axe has looked at: it styles elements to measure them, and the policy says so, late.
examined: WeakSet[Page] = WeakSet()
OF_AXE = "Applying inline style violates"


def assert_accessible(page: Page) -> None:
    """Nothing that axe knows of stands in anybody's way, and nothing runs off the side."""
    examined.add(page)
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}, "preload": False})
    assert found.violations_count == 0, found.generate_report()
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
