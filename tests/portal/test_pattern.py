from __future__ import annotations

import re

import pytest

from portal.pattern import pattern

SLUGS = ["demo", "spa", "cafe-aroma", "x-7", "lotus", "noura", "bakery", "green"]


def test_a_shop_always_has_the_same_lines_and_its_neighbour_others():
    assert pattern("demo") == pattern("demo")
    assert len({pattern(slug) for slug in SLUGS}) == len(SLUGS)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_drawing_is_small_plain_svg(slug):
    drawn = pattern(slug)
    assert len(drawn) < 8_000
    assert set(re.findall(r"<(\w+)", drawn)) <= {"svg", "circle", "ellipse", "rect", "path"}
    assert "style" not in drawn
