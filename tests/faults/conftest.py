"""What the drills share: a running `up` in a home of its own."""

from __future__ import annotations

from tests.test_drills import up  # noqa: F401 (a fixture)
