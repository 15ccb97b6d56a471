"""Names for a shop's address: read, refused with a reason, suggested."""

from __future__ import annotations

import pytest

from tenants import hosts, slugs


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Café Aroma", "cafe-aroma"),
        ("L'Étoile d\u2019Or", "letoile-dor"),
        ("Straße 8", "strasse-8"),
        ("مخبز السنبلة", "mkhbz-alsnbla"),
        ("রহিমা কফি হাউস", "rohima-kofi-haus"),
        ("咖啡", slugs.FALLBACK),
        ("\x00", slugs.FALLBACK),
        ("x" * 500, "x" * slugs.SHORT_ENOUGH),
    ],
)
def test_a_business_name_becomes_an_address(name, slug):
    assert slugs.from_name(name) == slug
    assert hosts.is_label(slug)


@pytest.mark.parametrize(
    ("typed", "slug"),
    [
        (" Cafe Aroma ", "cafe-aroma"),
        ("Café", "cafe"),
        ("cafe-aroma.example.com", "cafe-aroma"),
        ("https://cafe-aroma.example.com/j", "cafe-aroma"),
    ],
)
def test_what_is_typed_is_read_kindly(typed, slug):
    assert slugs.read(typed) == slug


def test_suggestions_are_free(cafe, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = slugs.free("cafe", country="AE")
    assert found == ["cafe-ae", "cafe-club", "cafe-card"]
    assert slugs.fault("cafe") == "taken"
    assert {slugs.fault(each) for each in found} == {""}
