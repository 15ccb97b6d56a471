"""What the web serves on a stage with a planted bug: the portal, and then PLANTED in it."""

from __future__ import annotations

import os

from portal.wsgi import application
from tests.faults import planted

__all__ = ["application"]

planted.BUGS[os.environ["PLANTED"]]()
