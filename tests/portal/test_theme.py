from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from portal import theme

PAPERS = ["#e5e0dd", "#f2efec", "#fbfaf8", "#ffffff"]
PAPERS_AT_NIGHT = ["#100d10", "#181418", "#221d22", "#322b32"]
colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(colours)
def test_every_text_of_every_colour_can_be_read(colour):
    made = theme.tokens(colour)
    for paper in ("--brand", "--brand-shade"):
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
