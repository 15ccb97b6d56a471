from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import theme
from portal.home import ROOT

PAPERS = ["#e5e0dd", "#f2efec", "#fbfaf8", "#ffffff"]
PAPERS_AT_NIGHT = ["#100d10", "#181418", "#221d22", "#322b32"]
colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(colours)
def test_every_text_of_every_colour_can_be_read(colour):
    made = theme.tokens(colour)
    for paper in ("--brand", "--brand-shade", "--brand-hover"):
        assert theme.contrast(made["--on-brand"], made[paper]) >= 4.5
    for paper in [*PAPERS, made["--b-soft"]]:
        assert theme.contrast(made["--b-ink"], paper) >= 4.5
    for paper in [*PAPERS_AT_NIGHT, made["--b-soft-dark"]]:
        assert theme.contrast(made["--b-ink-dark"], paper) >= 4.5


@given(colours)
def test_a_colour_that_can_carry_white_text_is_not_altered(colour):
    if theme.contrast(colour, "#ffffff") >= 4.5:
        assert theme.tokens(colour)["--brand"] == colour
        assert theme.tokens(colour)["--on-brand"] == "#ffffff"


@given(colours)
def test_a_colour_survives_the_way_there_and_back(colour):
    assert theme.contrast(theme.hex_of(theme.oklch(colour)), colour) < 1.02


def test_what_is_no_colour_gets_the_house_colour():
    for wrong in ("", "red", "#12345", "#12345g", "url(x)", "#5d2a50;}"):
        assert theme.tokens(wrong) == theme.tokens(theme.HOUSE)


def test_the_version_names_the_colour():
    assert theme.version("#5d2a50") == theme.version("#5d2a50") != theme.version("#5d2a51")


def test_the_style_sheet_is_only_tokens():
    assert theme.css("#0a6847").startswith("@layer tokens{:root{--brand:#0a6847;")


# What the style sheets print on what, read from them.

CSS = ROOT / "static/css"
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
TOKEN = re.compile(r"(--[\w-]+):\s*([^;]+);")
PAPER, INK = ("background", "background-color"), ("color",)
# A component's own names for its paper and what is printed on it.
PAIRS = {"--fill": "--text", "--badge": "--badge-text", "--tint": "--tone"}
HUES = 2000


def test_text_can_be_read_on_what_the_sheets_print_it_on_in_any_shop_by_day_and_by_night():
    chance = random.Random(6)  # noqa: S311 (colours)
    for day in (True, False):
        fixed = tokens(day=day)
        printed = [pair for pair in pairs() if all(known(name, fixed) for name in pair[1:])]
        assert len(printed) > 40
        of_the_shop = {p for p in printed if any("brand" in n or "--b-" in n for n in p[1:])}
        for where, paper, ink in set(printed) - of_the_shop:
            assert theme.contrast(hex_of(ink, fixed), hex_of(paper, fixed)) >= 4.5, (where, day)
        wanted = {pair[1:]: pair[0] for pair in of_the_shop}
        for colour in (*EXTREMES, *(f"#{chance.randrange(1 << 24):06x}" for _ in range(HUES))):
            shop = {**fixed, **theme.tokens(colour)}
            for (paper, ink), where in wanted.items():
                found = theme.contrast(hex_of(ink, shop), hex_of(paper, shop))
                assert found >= 4.5, f"{colour}: {ink} on {paper} {found:.2f}, {where}, {day=}"


EXTREMES = ("#000000", "#ffffff", "#ffff00", "#00ffff", "#ff00ff", "#ff0000", "#0000ff", "#808080")


@pytest.mark.parametrize("day", [True, False], ids=["day", "night"])
def test_every_ink_can_be_read_on_every_paper_and_every_outline_can_be_seen(day):
    known = tokens(day=day)
    for paper in ("--well", "--paper", "--surface", "--raised"):
        for ink in ("--ink", "--ink-2", "--good", "--warn", "--bad"):
            assert theme.contrast(hex_of(ink, known), hex_of(paper, known)) >= 4.5, (ink, paper)
        assert theme.contrast(hex_of("--edge", known), hex_of(paper, known)) >= 3, paper


@pytest.mark.parametrize("sheet", ["tokens.css", "dark.css"])
def test_whoever_asks_for_more_contrast_gets_it_by_day_and_by_night(sheet):
    more = (CSS / sheet).read_text().partition("@media (prefers-contrast: more)")[2]
    assert {name for name, _ in TOKEN.findall(more)} >= {"--ink-2", "--line", "--edge", "--side"}


def test_less_motion_and_forced_colours_are_heeded_by_every_page():
    base = (CSS / "base.css").read_text()
    still = base.partition("@media (prefers-reduced-motion: reduce)")[2]
    assert "animation: none !important" in still
    assert "transition: none !important" in still
    assert "border: 1px solid" in base.partition("@media (forced-colors: active)")[2]
    lists = {file.name: file.read_text() for file in CSS.glob("*.css")}
    faces = {name: text for name, text in lists.items() if "@import" in text}
    assert len(faces) >= 4
    heeding = {"base.css"}  # and whoever imports one that does
    while more := {
        name
        for name, text in faces.items()
        if name not in heeding and any(f'url("{each}")' in text for each in heeding)
    }:
        heeding |= more
    assert faces.keys() <= heeding


def tokens(*, day):
    """The plain tokens, as `var()` would find them."""
    sheets = ["tokens.css"] if day else ["tokens.css", "dark.css"]
    found = {}
    for sheet in sheets:
        plain = COMMENT.sub("", (CSS / sheet).read_text()).partition("@media")[0]
        found |= dict(TOKEN.findall(plain))
    return found


def hex_of(name, known):
    """The colour that a token or a plain colour comes to."""
    while name.startswith(("--", "var(")):
        name = known[name.removeprefix("var(").removesuffix(")")].strip()
    digits = name.removeprefix("#")
    return f"#{digits * 2}" if len(digits) == 3 else name


def known(name, fixed):
    try:
        return bool(re.fullmatch("#[0-9a-f]{6}", hex_of(name, fixed)))
    except KeyError:
        return False  # a mixture, or nothing that a sheet says by itself


def pairs():
    """(where, paper, ink) of every rule that says both, or names both for its variants."""
    for file in sorted(CSS.rglob("*.css")):
        for rule, said in rules(COMMENT.sub("", file.read_text())):
            paper = next((said[name] for name in PAPER if name in said), None)
            ink = said.get("color")
            where = f"{file.name} {rule}"
            if paper and ink:
                ends = [paper]
                if paper.startswith("linear-gradient"):
                    ends = re.findall(r"(?<!in srgb, )(?:var\(--[\w-]+\)|#\w{6}\b)", paper)
                for end in ends:
                    yield where, said.get(name_in(end), end), said.get(name_in(ink), ink)
            for fill, text in PAIRS.items():
                if fill in said and text in said:
                    yield where, said[fill], said[text]


def name_in(value):
    found = re.fullmatch(r"var\((--[\w-]+)\)", value)
    return found[1] if found else None


def rules(text):
    """Every rule of a sheet with what it says itself, without what is nested in it."""
    open_rules, at = [], 0
    for found in re.finditer(r"[{};]", text):
        piece, at = text[at : found.start()].strip(), found.end()
        if found[0] == "{":
            open_rules.append((" ".join(piece.split()), {}))
            continue
        if open_rules and ":" in piece:
            name, _, value = piece.partition(":")
            open_rules[-1][1][name.strip()] = value.strip()
        if found[0] == "}" and open_rules:
            yield open_rules.pop()
