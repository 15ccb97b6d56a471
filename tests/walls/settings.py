"""The portal's settings, with the views of tests.walls.urls."""

from portal.settings import *  # noqa: F403

ROOT_URLCONF = "tests.walls.urls"
