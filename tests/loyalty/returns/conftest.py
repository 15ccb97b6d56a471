from __future__ import annotations

import pytest

from tests.loyalty.counter import sell


@pytest.fixture
def sale(in_cafe):
    """One of 50.00, which gave 50 points."""
    return sell(in_cafe, 5000).purchase
