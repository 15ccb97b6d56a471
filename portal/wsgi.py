"""What the web server runs."""

from __future__ import annotations

import os
import sys

from django.core.wsgi import get_wsgi_application

from portal import outcry

# A thread that only computes gives way after a millisecond instead of five, or whoever waits for
# the database waits for it too, at each statement.
sys.setswitchinterval(0.001)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
outcry.listen()
try:
    application = get_wsgi_application()
except Exception as error:  # noqa: BLE001 (the outermost edge: a process that cannot begin)
    outcry.tell(error)
    raise SystemExit(1) from None  # granian would print the rest, and not as JSON
