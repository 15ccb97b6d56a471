from __future__ import annotations

import pytest

from loyalty.models import Identifier
from tenants.context import inside
from tests.portal.cards import KNOWN_MAIL


@pytest.fixture(autouse=True)
def _limits_lifted(settings):
    settings.RATE_LIMITS = False


@pytest.fixture
def mailed(cafe):
    """Amina is known by her address too."""
    with inside(cafe.tenant):
        Identifier.objects.create(member=cafe.member, kind="email", value=KNOWN_MAIL)
    return cafe
