"""The portal's settings, with the empty view of bench.urls."""

from portal.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
