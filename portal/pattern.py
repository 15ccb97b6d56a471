"""The lines in the corner of a shop's card: engine-turned as on a banknote, drawn from the shop's
slug.

The same slug always gives the same drawing; four families times many turns, so two shops in one
street hardly ever share one. Plain SVG shapes that take their colour from where they lie: 1-3 KB,
a third of it compressed.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from math import cos, pi, sin


@lru_cache(maxsize=1024)
def pattern(slug: str) -> str:
    """The drawing as one `<svg class="pattern">`, without style attributes or ids."""
    digest = sha256(slug.encode()).digest()
    one, other = (int.from_bytes(digest[at : at + 4]) / 2**32 for at in (1, 5))
    drawn = (_rose, _twist, _bloom, _shell)[digest[0] % 4](one, other)
    return f'<svg class="pattern" viewBox="-122 -122 244 244" aria-hidden="true">{drawn}</svg>'


# Each family turns two numbers from 0 to 1 into lines.


def _rose(one: float, other: float) -> str:
    """Ellipses turned round one point."""
    count, height = 26 + int(one * 10), 30 + other * 40
    rings = "".join(f'<circle r="{r}"/>' for r in (113, 116, 120))
    return rings + "".join(
        f'<ellipse rx="108" ry="{_short(height)}" transform="rotate({_short(180 / count * i)})"/>'
        for i in range(count)
    )


def _twist(one: float, other: float) -> str:
    """Rounded squares, each a little smaller and turned a little further."""
    step, turn = 0.91 + one * 0.03, 3 + other * 5
    sizes = [104 * step**i for i in range(26)]
    return "".join(
        f'<rect x="{_short(-s)}" y="{_short(-s)}" width="{_short(2 * s)}" height="{_short(2 * s)}"'
        f' rx="{_short(s / 2.6)}" transform="rotate({_short(turn * i)})"/>'
        for i, s in enumerate(sizes)
    )


def _bloom(one: float, other: float) -> str:
    """Flower outlines that grow outwards and turn.

    The curve is a quadratic spline whose control points lie in and out of a circle in turn: SVG's
    T derives each from the one before.
    """
    petals, turn = 5 + int(one * 4), 3 + other * 5
    outlines = []
    for i in range(1, 15):
        reach = [8.4 * i * (1.2 - 0.42 * (k % 2)) for k in range(2 * petals)]
        control = [
            (r * cos(pi * k / petals), r * sin(pi * k / petals)) for k, r in enumerate(reach)
        ]
        middle = [
            ((x + before_x) / 2, (y + before_y) / 2)
            for (x, y), (before_x, before_y) in zip(
                control, control[-1:] + control[:-1], strict=True
            )
        ]
        first = f"M{_point(middle[0])}Q{_point(control[0])} {_point(middle[1])}"
        rest = "".join(f"T{_point(p)}" for p in middle[2:] + middle[:1])
        outlines.append(f'<path d="{first}{rest}" transform="rotate({_short(turn * i)})"/>')
    return "".join(outlines)


def _shell(one: float, other: float) -> str:
    """Circles that share one point of their rim: a shell, or a cup seen from above."""
    count, lean = 22 + int(one * 8), 0.55 + other * 0.5
    shares = [(i / count, 118 * i / count) for i in range(1, count + 1)]
    return "".join(
        f'<ellipse cx="{_short(118 - r)}" rx="{_short(r)}"'
        f' ry="{_short(r * (0.6 + lean * share / 2))}"'
        f' transform="rotate({_short(lean * 66 * share)})"/>'
        for share, r in shares
    )


def _point(at: tuple[float, float]) -> str:
    return f"{_short(at[0])} {_short(at[1])}"


def _short(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".").replace("-0.", "-.") or "0"
