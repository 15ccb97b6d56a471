"""Machine seconds of a shop's first minutes, and of a sale in seven taps.

    python -m bench.journey [rounds]

In Chromium on the real servers, as somebody would who needs no time to read: from "Open a shop" to
the owner in her portal (only the code is read from the letter that the portal wrote); then four
digits, two of the amount, and "Award", with and without the slow line of bench.pages.
"""

from __future__ import annotations

import re
import sys
import time
from statistics import median
from typing import TYPE_CHECKING
from uuid import uuid4

from bench.pages import TABLET, digits_of, entered, keys
from bench.played import played
from bench.stage import table

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.scene import Scene

GOAL = 60  # seconds, experience.md 1.1


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with played() as (scenes, browser):
        opened = [opening(browser, scenes[0]) for _ in range(rounds)]
        fast = [sale(browser, scenes[0], slow=False) for _ in range(rounds)]
        slow = [sale(browser, scenes[0], slow=True) for _ in range(rounds)]
    table(
        f"Machine seconds, median of {rounds}",
        [
            (
                "from the apex to a live shop, signed in",
                f"{median(opened):.1f} s",
                f"goal < {GOAL}",
            ),
            ("a sale in seven taps", f"{median(fast):.2f} s", ""),
            ("the same on the slow line", f"{median(slow):.2f} s", "goal < 8"),
        ],
    )


def opening(browser: Browser, scene: Scene) -> float:
    """All steps of the road, each by its own button."""
    context = browser.new_context(base_url=scene.url("apex"), reduced_motion="reduce")
    page = context.new_page()
    slug, began = f"corner-{uuid4().hex[:8]}", time.perf_counter()
    page.goto("/start/?lang=en")
    page.locator("input[name=name]").fill("Corner Bakery")
    page.locator("input[name=email]").fill(f"{slug}@corner.example")
    page.locator("select[name=country]").select_option("AE")
    go(page)
    page.wait_for_url("**/start/code/")
    page.locator("input[name=code]").fill(code_of(f"{slug}@corner.example"))
    go(page)
    page.wait_for_url("**/start/address/")
    page.locator("input[name=slug]").fill(slug)
    go(page)
    page.wait_for_url("**/start/program/")
    go(page)
    page.wait_for_url("**/start/brand/")
    go(page)
    page.wait_for_url("**/start/open/")
    page.locator(f"main a[href*='{slug}']").first.click()
    page.wait_for_url(f"**{slug}.*/accounts/arrive/**")
    go(page)
    page.wait_for_url(f"**{slug}.*/manage/**")
    took = time.perf_counter() - began
    context.close()
    return took


def go(page) -> None:  # type: ignore[no-untyped-def]
    """Press the key of this step."""
    page.locator("main form button.primary[type=submit]").last.click()


def code_of(email: str) -> str:
    """The code in the letter to this address; the outbox of development keeps its words."""
    from tenants.models import SiteLetter

    for _ in range(100):
        letter = SiteLetter.objects.filter(to=email).order_by("-pk").first()
        if letter and (found := re.search(r"\b([0-9A-Z]{3}-?[0-9A-Z]{3})\b", str(letter.text))):
            return found[1]
        time.sleep(0.05)
    sys.exit("No letter with a code came.")


def sale(browser: Browser, scene: Scene, *, slow: bool) -> float:
    if slow:
        context, page, _ = entered(browser, scene, "till", TABLET)
    else:
        context = browser.new_context(viewport={"width": TABLET[0], "height": TABLET[1]})
        context.add_cookies(scene.cookies("till"))  # type: ignore[arg-type]
        page = context.new_page()
    page.goto(f"{scene.url('till')}/till/?lang=en")
    began = time.perf_counter()
    keys(page, digits_of(scene))
    page.locator("#sale").wait_for()
    keys(page, "24")
    page.locator("#act button:enabled").click()
    page.locator(".receipt").wait_for()
    took = time.perf_counter() - began
    context.close()
    return took


if __name__ == "__main__":
    main()
