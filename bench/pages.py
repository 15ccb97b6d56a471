"""What the pages weigh and how soon they are there, on a slow phone's line, against their budgets.

    python -m bench.pages [rounds]

Chromium, cold, at 1.6 Mbit/s, 150 ms and a sixth of this machine's processor (CDP), on the demo's
shop behind the real servers. Bytes are as sent, headers included. Statements are those of one GET.
Beside each page, in turns with it, an empty one: what this machine needs for nothing, a new process
of the browser included.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.played import played
from bench.stage import table

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.scene import Scene

LINE = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
SLOWER = 6  # times
WARM = 3  # loads that are not counted: the servers' first answers are slower
PHONE, TABLET, DESK = (390, 844), (1180, 820), (1440, 900)
WATCH = """
window.seen = { lcp: 0, cls: 0 };
new PerformanceObserver(list => { for (const e of list.getEntries()) seen.lcp = e.startTime; })
  .observe({ type: "largest-contentful-paint", buffered: true });
new PerformanceObserver(list => {
  for (const e of list.getEntries()) if (!e.hadRecentInput) seen.cls += e.value;
}).observe({ type: "layout-shift", buffered: true });
"""
KINDS = {"Document": "html", "Stylesheet": "css", "Script": "js", "Font": "font"}
ALL_KINDS = (*KINDS.values(), "rest")


@dataclass(frozen=True)
class Budget:
    """kB by kind and in all (without the font, which is 34 at most), seconds, shifts."""

    html: float
    css: float
    js: float
    requests: int
    total: float
    lcp: float
    cls: float
    statements: int = 0


CUSTOMER = Budget(6, 5, 2, 5, 25, 1.2, 0)
# By the name of the screen in e2e/walks.py.
BUDGETS = {
    "join": (CUSTOMER, PHONE),
    "card": (CUSTOMER, PHONE),
    "till-ready": (Budget(6, 10, 22, 9, 45, 1.2, 0), TABLET),
    "manage-home": (Budget(12, 10, 20, 10, 60, 1.5, 0.02), DESK),
    "manage-members": (Budget(14, 10, 20, 10, 60, 1.6, 0.02), DESK),
}


@dataclass
class Seen:
    """One load of one page."""

    bytes: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys((*KINDS.values(), "rest"), 0)
    )
    requests: int = 0
    lcp: float = 0
    cls: float = 0


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"  # for the empty page
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with played() as (scenes, browser):
        logging.getLogger("portal").setLevel(logging.WARNING)  # statements() asks in this process
        for name, (budget, size) in BUDGETS.items():
            shown, empty = screen(name), f"{scenes[0].url('stranger')}/empty/"
            url = shown.url(scenes[0], "en")
            for _ in range(WARM):
                loaded(browser, scenes[0], shown.who, url, size)
            loads, nothing = [], []
            for _ in range(rounds):
                loads.append(loaded(browser, scenes[0], shown.who, url, size))
                nothing.append(loaded(browser, scenes[0], "stranger", empty, size))
            rows = rows_of(loads, nothing, budget, statements(scenes[0], name))
            table(f"{name}, {size[0]} px, median of {rounds}", rows)
        table(
            "Interaction, from the tap to what it shows",
            [
                (what, f"{median(way(browser, scenes[0]) for _ in range(rounds)):.2f} s", goal)
                for what, way, goal in INTERACTIONS
            ],
        )


def screen(name: str) -> Any:
    from e2e.walks import SCREENS

    return next(each for each in SCREENS if each.name == name)


def entered(
    browser: Browser, scene: Scene, who: str, size: tuple[int, int]
) -> tuple[BrowserContext, Page, Any]:
    """A cold browser with this person in it, on the slow line."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    context.add_cookies(scene.cookies(who))  # type: ignore[arg-type]
    context.add_init_script(WATCH)
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", LINE)
    line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return context, page, line


def loaded(browser: Browser, scene: Scene, who: str, url: str, size: tuple[int, int]) -> Seen:
    seen = Seen()
    context, page, line = entered(browser, scene, who, size)
    kinds: dict[str, str] = {}

    def known(told: dict[str, Any]) -> None:
        kinds[told["requestId"]] = KINDS.get(told["type"], "rest")

    def finished(told: dict[str, Any]) -> None:
        seen.requests += 1
        seen.bytes[kinds.get(told["requestId"], "rest")] += int(told["encodedDataLength"])

    line.on("Network.responseReceived", known)
    line.on("Network.loadingFinished", finished)
    page.goto(url, wait_until="load")
    page.wait_for_timeout(700)  # what is painted late counts too
    told = page.evaluate("() => window.seen")
    seen.lcp, seen.cls = told["lcp"] / 1000, told["cls"]
    context.close()
    return seen


def statements(scene: Scene, name: str) -> int:
    """How many statements a GET of the page makes, without those that only frame others."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tests.portal.conftest import named

    shown = screen(name)
    url = urlsplit(shown.url(scene, "en"))
    client = scene.client(shown.who)
    client.get(url.path)
    with CaptureQueriesContext(connection) as captured:
        client.get(url.path)
    return sum(bool(named(query["sql"])) for query in captured)


def rows_of(
    loads: list[Seen], nothing: list[Seen], budget: Budget, asked: int
) -> list[tuple[str, str, str]]:
    kb = {kind: median(each.bytes[kind] for each in loads) / 1000 for kind in loads[0].bytes}
    total = sum(kb.values()) - kb["font"]
    return [
        ("HTML", f"{kb['html']:.1f} kB", f"budget {budget.html}"),
        ("CSS", f"{kb['css']:.1f} kB", f"budget {budget.css}"),
        ("JavaScript", f"{kb['js']:.1f} kB", f"budget {budget.js}"),
        ("font", f"{kb['font']:.1f} kB", "budget 34"),
        ("pictures and the rest", f"{kb['rest']:.1f} kB", ""),
        ("all but the font", f"{total:.1f} kB", f"budget {budget.total}"),
        ("requests", f"{median(each.requests for each in loads):.0f}", f"budget {budget.requests}"),
        ("statements", f"{asked}", ""),
        ("LCP", f"{median(each.lcp for each in loads):.2f} s", f"budget {budget.lcp}"),
        ("LCP of an empty page", f"{median(each.lcp for each in nothing):.2f} s", ""),
        ("CLS", f"{median(each.cls for each in loads):.3f}", f"budget {budget.cls}"),
    ]


# Interactions -----------------------------------------------------------------------------------


def joining(browser: Browser, scene: Scene) -> float:
    """From "Get my card" to the card."""
    context, page, _ = entered(browser, scene, "stranger", PHONE)
    page.goto(f"{scene.url('stranger')}/j?lang=en")
    page.locator("main input[name=phone]").fill(f"050 {time.time_ns() % 10_000_000:07d}")
    took = timed(
        page.locator("main form button[type=submit]").last.click,
        lambda: page.wait_for_url("**/c"),
    )
    context.close()
    return took


def finding(browser: Browser, scene: Scene) -> float:
    """From the fourth digit to whom it finds (the sale of the only one included)."""
    context, page = at_the_till(browser, scene)
    *first, last = digits_of(scene)
    keys(page, "".join(first))
    took = timed(lambda: keys(page, last), page.locator(".hit, #sale").first.wait_for)
    context.close()
    return took


def opening(browser: Browser, scene: Scene) -> float:
    context, page = at_the_till(browser, scene)
    keys(page, digits_of(scene)[1:])  # three do not open the only one by themselves
    page.locator(".hit").first.wait_for()
    took = timed(page.locator(".hit").first.click, page.locator("#sale").wait_for)
    context.close()
    return took


def awarding(browser: Browser, scene: Scene) -> float:
    context, page, _ = entered(browser, scene, "till", TABLET)
    page.goto(f"{scene.url('till')}/till/members/{scene.made['member']}/?lang=en")
    keys(page, "24")
    button = page.locator("#act button:enabled")
    button.wait_for()
    took = timed(button.click, lambda: page.locator(".receipt").wait_for())
    context.close()
    return took


def searching(browser: Browser, scene: Scene) -> float:
    context, page, _ = entered(browser, scene, "owner", DESK)
    page.goto(f"{scene.url('owner')}/manage/members/?lang=en", wait_until="networkidle")
    box = page.locator("#main input[name=q]").first
    box.press_sequentially("nou")
    took = timed(lambda: box.press("r"), lambda: page.wait_for_url("**q=nour*"))
    context.close()
    return took


INTERACTIONS: list[tuple[str, Callable[[Browser, Scene], float], str]] = [
    ("join: POST to the card", joining, "budget 1.5 s"),
    ("till: find by four digits", finding, "budget 1.0 s"),
    ("till: open a hit", opening, "budget 0.6 s"),
    ("till: award", awarding, "budget 0.6 s"),
    ("members: search", searching, "budget 0.8 s"),
]


def at_the_till(browser: Browser, scene: Scene) -> tuple[BrowserContext, Page]:
    context, page, _ = entered(browser, scene, "till", TABLET)
    page.goto(f"{scene.url('till')}/till/?lang=en")
    return context, page


def digits_of(scene: Scene) -> str:
    """The last digits of the member that the scene enrolled."""
    return "4321"


def keys(page: Page, digits: str) -> None:
    for digit in digits:
        page.locator(f"key-pad button[value='{digit}']").click()


def timed(act: Callable[[], object], until: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    until()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
