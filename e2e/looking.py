"""What is wrong with a page, as a list of sentences: for eyes, for fingers, for the keyboard.

Each question is one trip to the browser (looking.js), so that a walk over all pages stays a matter
of seconds.
"""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Page

from e2e.conftest import TAGS, examined

# Expressions, though they are whole scripts: their value must be something that can be told.
AXE = f"{AXE_FILE_PATH.read_text()};0"
QUESTIONS = f"{(Path(__file__).parent / 'looking.js').read_text()};0"
NARROW = {"width": 320, "height": 720}


def wrong_with(page: Page, *, least: int, axe: bool = True) -> list[str]:
    """All that is wrong with the page as it is; `least` is how many px a target must have. `axe`
    takes longer than all the rest together.

    The page is another one afterwards: narrow, and with longer words.
    """
    examined.add(page)
    page.evaluate(QUESTIONS)
    found: list[str] = []
    if axe:
        page.evaluate(AXE)
        found += page.evaluate("tags => looking.axe(tags)", TAGS)
    found += page.evaluate("() => looking.sideways()")
    found += page.evaluate("least => looking.targets(least)", least)
    found += page.evaluate("() => looking.focus()")
    page.set_viewport_size(NARROW)
    found += page.evaluate("() => looking.sideways()")
    page.evaluate("() => looking.lengthen()")
    found += [f"with longer words {each}" for each in page.evaluate("() => looking.sideways()")]
    return found


def unreached(page: Page) -> list[str]:
    """What Tab does not come to, pressed as often as there are things to come to, and more."""
    page.evaluate(QUESTIONS)
    for _ in range(page.evaluate("() => looking.expectTabs()") + 3):
        page.keyboard.press("Tab")
        page.evaluate("() => looking.tabbed()")
    found: list[str] = page.evaluate("() => looking.unreached()")
    return found
