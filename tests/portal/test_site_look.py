"""The colour a shop is given before it opens: seen, kept legible, and said so."""

from __future__ import annotations

import pytest
from django.test import Client

from portal import theme
from portal.brand import said_of


@pytest.mark.parametrize(
    ("colour", "word"),
    [
        ("#0a6847", "White text on it is easy to read"),
        ("#ffd75e", "Dark text on it is easy to read"),
        ("#6b7f32", "Lightened 3 % so text stays readable."),
    ],
)
def test_it_is_told_how_well_a_colour_reads(colour, word):
    assert word in said_of(colour)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["0a6847x", "0A6847", "", "..", "%00", "zzzzzz"])
def test_only_a_colour_has_a_sheet(name):
    client = Client(HTTP_HOST="localhost")
    assert client.get(f"/start/theme.{name}.css").status_code == 404
    found = client.get("/start/theme.0a6847.css")
    assert found.content.decode() == theme.css("#0a6847")
    assert found["Content-Type"] == "text/css"
