"""What the races share: a crew for all of them, and a shop of its own for each."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from tests.loyalty.races.arena import opened
from tests.loyalty.races.crew import Crew

pytest.register_assert_rewrite("tests.loyalty.races.exact")


@pytest.fixture(scope="package")
def committed(django_db_setup, django_db_blocker):
    """What these tests write stays until the last of them is over: one flush for all races."""
    with django_db_blocker.unblock():
        yield
        # Content types and permissions are kept by our flush, so nothing has to make them anew.
        call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)


@pytest.fixture(scope="package")
def crew(committed):
    with Crew() as crew:
        yield crew


@pytest.fixture
def arena(crew):
    with opened(crew) as arena:
        yield arena
