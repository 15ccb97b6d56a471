from __future__ import annotations

import pytest

from tests.loyalty.merging.people import People, books_are_right


@pytest.fixture
def people(in_cafe):
    """The books are looked at after each test."""
    yield People(in_cafe)
    books_are_right()
