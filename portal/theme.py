"""One colour of a shop in, eight CSS tokens out; every pair of text and paper is at least 4.5 : 1
(WCAG 2.2, 1.4.3).

CSS cannot do this on the browsers that we serve, so it is done here, once a colour. Colours are
walked in OKLCH (https://bottosson.github.io/posts/oklab/), where lightness is what the eye calls
lightness.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from math import atan2, cos, hypot, sin
from typing import NamedTuple

HOUSE = "#5d2a50"
ENOUGH = 4.5

# The hardest papers that brand ink is printed on: --well of tokens.css, --raised of dark.css.
WELL, RAISED_AT_NIGHT = "#e5e0dd", "#322b32"

SLACK = 1e-4  # of rounding, at the edge of what a screen can show

_HEX = re.compile(r"#[0-9a-f]{6}")


class Oklch(NamedTuple):
    lightness: float  # 0 black … 1 white
    chroma: float
    hue: float  # radians


@lru_cache(maxsize=4096)
def tokens(colour: str) -> dict[str, str]:
    """The tokens of a shop whose colour is `colour`, as `#rrggbb`. Anything else gets the house
    colour.
    """
    colour = colour.lower()
    if not _HEX.fullmatch(colour):
        colour = HOUSE
    own = oklch(colour)
    # Near-black in the brand's own hue: on a pale card it prints like dark ink, not like a hole.
    black, white = hex_of(own._replace(lightness=0.2, chroma=min(own.chroma, 0.045))), "#ffffff"
    text = (
        white if contrast(white, colour) >= ENOUGH else black
    )  # white where legible: brands expect it
    away = -0.01 if text == white else 0.01
    fill = colour if contrast(text, colour) >= ENOUGH else _until(own, text, ENOUGH, away)
    lit = oklch(fill)
    shade = hex_of(lit._replace(lightness=max(0.0, lit.lightness - 0.055)))
    if contrast(text, shade) < ENOUGH:
        shade = fill
    hover = hex_of(lit._replace(lightness=min(1.0, max(0.0, lit.lightness + 5 * away))))
    return {
        "--brand": fill,
        "--on-brand": text,
        "--brand-shade": shade,
        "--brand-hover": hover,
        "--b-ink": _until(own._replace(lightness=min(own.lightness, 0.55)), WELL, 4.6, -0.01),
        "--b-ink-dark": _until(
            own._replace(lightness=max(own.lightness, 0.76), chroma=min(own.chroma, 0.12)),
            RAISED_AT_NIGHT,
            4.8,
            0.01,
        ),
        "--b-soft": hex_of(own._replace(lightness=0.95, chroma=min(own.chroma, 0.018))),
        "--b-soft-dark": hex_of(own._replace(lightness=0.27, chroma=min(own.chroma, 0.032))),
    }


def css(colour: str) -> str:
    lines = ";".join(f"{name}:{value}" for name, value in tokens(colour).items())
    return f"@layer tokens{{:root{{{lines}}}}}\n"


@lru_cache(maxsize=4096)
def version(colour: str) -> str:
    """A name for the style sheet of this colour, which may then be kept for ever.

    It changes with the colour and with the arithmetic.
    """
    return sha256(css(colour).encode()).hexdigest()[:12]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def oklch(colour: str) -> Oklch:
    r, g, b = (_linear(part) for part in _parts(colour))
    long = _cube_root(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = _cube_root(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = _cube_root(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    green_red = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    blue_yellow = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return Oklch(lightness, hypot(green_red, blue_yellow), atan2(blue_yellow, green_red))


def hex_of(colour: Oklch) -> str:
    """The nearest colour that a screen can show: chroma gives way, lightness and hue stay."""
    chroma = colour.chroma
    if not _showable(colour):
        low, high = 0.0, chroma
        for _ in range(18):
            middle = (low + high) / 2
            low, high = (
                (middle, high) if _showable(colour._replace(chroma=middle)) else (low, middle)
            )
        chroma = low
    return "#" + "".join(
        f"{round(_gamma(min(1.0, max(0.0, part))) * 255):02x}"
        for part in _linear_rgb(colour._replace(chroma=chroma))
    )


def _until(colour: Oklch, against: str, wanted: float, step: float) -> str:
    """Walk the lightness until the contrast is met."""
    lightness = colour.lightness
    while 0 <= lightness <= 1:
        found = hex_of(colour._replace(lightness=lightness))
        if contrast(found, against) >= wanted:
            return found
        lightness += step
    return "#000000" if step < 0 else "#ffffff"


def _linear_rgb(colour: Oklch) -> tuple[float, float, float]:
    a, b = colour.chroma * cos(colour.hue), colour.chroma * sin(colour.hue)
    long = (colour.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (colour.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (colour.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _showable(colour: Oklch) -> bool:
    return all(-SLACK <= part <= 1 + SLACK for part in _linear_rgb(colour))


def _luminance(colour: str) -> float:
    r, g, b = (_linear(part) for part in _parts(colour))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def _parts(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def _linear(part: float) -> float:
    """Both ways: the curve of sRGB (IEC 61966-2-1)."""
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004


def _gamma(part: float) -> float:
    return 12.92 * part if part <= 0.0031308 else float(1.055 * part ** (1 / 2.4) - 0.055)  # noqa: PLR2004


def _cube_root(value: float) -> float:
    return float(value ** (1 / 3)) if value >= 0 else -float((-value) ** (1 / 3))
