from __future__ import annotations

import pytest

from loyalty import rewards
from tenants.actors import Actor
from tenants.context import inside
from tests.conftest import NOW
from tests.portal.apis import member_id, system


@pytest.fixture(autouse=True)
def _as_often_as_one_likes(settings):
    settings.RATE_LIMITS = False


@pytest.fixture
def api(cafe):
    return system(cafe)


@pytest.fixture
def hers(cafe):
    return f"members/{member_id(cafe)}"


@pytest.fixture
def coffee(cafe):
    with inside(cafe.tenant):
        by = Actor.of_staff(cafe.owner)
        return rewards.create(cafe.program, "item", "Coffee", at=NOW, by=by, cost=20, value=1500)
