from __future__ import annotations

import pytest

from tests.loyalty.counter import give, reward


@pytest.fixture
def coffee(in_cafe):
    return reward(in_cafe, "item", 100, value=350, valid_days=30, name="Coffee")


@pytest.fixture
def rich(in_cafe):
    give(in_cafe, 1000)
    return in_cafe
