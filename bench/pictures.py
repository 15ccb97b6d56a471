"""Pictures of every screen of e2e/walks.py, of the demo's shops, as real servers show them.

    manage.py screenshots FOLDER [--only till]

On phone, tablet and desk, light and dark, in English, Arabic and Bengali, each picture is
FOLDER/<screen>/<way>.png, and FOLDER/index.html is there to look through them. The demo has two
shops: a few screens of both are put side by side, in FOLDER/two-shops.
"""

from __future__ import annotations

import argparse
import html
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bench.played import LANGUAGES, forget_guesses, played
from portal.home import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from e2e.walks import Screen
    from tests.scene import Scene

SIZES = {"phone": (390, 844), "tablet": (1024, 768), "desk": (1440, 900)}
WAYS = list(itertools.product(SIZES, (False, True), LANGUAGES))
BESIDE = ("shop", "card", "till-sale", "manage-home", "till-locked")


def main() -> None:
    parser = argparse.ArgumentParser(prog="manage.py screenshots", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="screens whose name begins like this")
    chosen = parser.parse_args()
    folder: Path = chosen.folder.resolve()
    if folder.is_relative_to(ROOT):
        sys.exit("Pictures are no part of the project: name a folder outside of it.")
    with played() as (scenes, browser):
        from e2e.walks import everybody

        taken = [
            screen.name
            for who, screens in everybody()
            for screen in taken_of(
                browser,
                scenes[0],
                who,
                [s for s in screens if s.name.startswith(chosen.only)],
                folder,
            )
        ]
        side_by_side(browser, scenes, folder, chosen.only)
    (folder / "index.html").write_text(index(taken))
    print(f"{len(taken)} screens, {len(taken) * len(WAYS)} pictures: {folder / 'index.html'}")


def taken_of(
    browser: Browser, scene: Scene, who: str, screens: list[Screen], folder: Path
) -> Iterator[Screen]:
    """Take all pictures of these screens of one person, and give each screen that was shown."""
    context = browser.new_context(reduced_motion="reduce")
    context.add_cookies(scene.cookies(who))
    page = context.new_page()
    page.set_default_timeout(10_000)
    if screens:  # the fonts are here before the first picture is taken
        page.goto(screens[0].url(scene, "en"), wait_until="networkidle")
    for screen in screens:
        (folder / screen.name).mkdir(parents=True, exist_ok=True)
        try:
            for size, dark, language in WAYS:
                forget_guesses(scene)
                show(page, scene, screen, size=size, dark=dark, language=language)
                name = f"{size}-{'dark' if dark else 'light'}-{language}.png"
                page.evaluate("() => scrollTo(0, 0)")  # what is fixed stands where it stands
                page.screenshot(path=folder / screen.name / name, full_page=True)
        except Exception as error:  # noqa: BLE001 (the other screens are worth having)
            print(f"{screen.name}: {str(error)[:200]}", file=sys.stderr)
            continue
        yield screen
    context.close()


def show(page: Page, scene: Scene, screen: Screen, *, size: str, dark: bool, language: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if dark else "light")
    screen.open(page, scene, language)


def side_by_side(browser: Browser, scenes: list[Scene], folder: Path, only: str) -> None:
    """The same screen of both shops in one picture."""
    from PIL import Image

    from e2e.walks import everybody

    into = folder / "two-shops"
    for who, screens in everybody():
        for screen in screens:
            if screen.name not in BESIDE or not screen.name.startswith(only):
                continue
            into.mkdir(parents=True, exist_ok=True)
            pictures = []
            for scene in scenes:
                context = browser.new_context(reduced_motion="reduce")
                context.add_cookies(scene.cookies(who))
                page = context.new_page()
                size = "phone" if screen.name in ("shop", "card") else "tablet"
                show(page, scene, screen, size=size, dark=False, language="en")
                page.evaluate("() => scrollTo(0, 0)")  # the pressing may have gone down
                path = into / f"{screen.name}-{scene.shop.tenant.slug}.png"
                page.screenshot(path=path)
                pictures.append(Image.open(path))
                context.close()
            wide = sum(each.width for each in pictures)
            both = Image.new("RGB", (wide, max(each.height for each in pictures)))
            for each, left in zip(pictures, (0, pictures[0].width), strict=True):
                both.paste(each, (left, 0))
            both.save(into / f"{screen.name}.png")


def index(names: list[str]) -> str:
    """A page to look through the pictures."""
    rows = "\n".join(
        f"<h2>{html.escape(name)}</h2><p>"
        + "".join(
            f'<a href="{name}/{way}.png"><img loading="lazy" height="300" alt="{way}" '
            f'src="{name}/{way}.png"></a> '
            for size, dark, language in WAYS
            for way in [f"{size}-{'dark' if dark else 'light'}-{language}"]
        )
        + "</p>"
        for name in names
    )
    return f"<!doctype html><meta charset=utf-8><title>Every screen</title>\n{rows}\n"


if __name__ == "__main__":
    main()
