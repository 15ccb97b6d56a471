"""The reference of the API in a browser: readable everywhere, and nothing on it runs."""

from __future__ import annotations

import pytest

from e2e.conftest import assert_accessible
from portal.api.openapi import schema

LOOKS = [
    ("phone", False),
    pytest.param("desk", True, marks=pytest.mark.thorough),
    pytest.param("tablet", True, marks=pytest.mark.thorough),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("size", "dark"), LOOKS)
def test_the_reference_is_read_without_a_script(shop, open_browser, size, dark):
    page = open_browser(shop, size, dark=dark)
    page.goto("/api/docs")
    assert page.locator("article").count() == sum(len(each) for each in schema()["paths"].values())
    assert_accessible(page)
    page.set_viewport_size({"width": 320, "height": 700})
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    page.goto("/api/docs#insufficient_points")
    assert page.locator("#insufficient_points").is_visible()
