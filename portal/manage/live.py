"""Parts of a page that ask again by themselves (<live-part>); when the answer is "as before"."""

from __future__ import annotations

import hashlib
import time

from django.http import HttpRequest
from django.utils.translation import get_language

from loyalty.overview import HOME

ANEW = 300  # seconds: the clock in a sentence is never older


def of_the_day(request: HttpRequest) -> str | None:
    """The tag of the day-book for this person: with the same one she has seen all there is. None
    while nobody can tell.

    Asks the cache alone, so that a page which lies open costs the database nothing.
    """
    version = HOME.version()
    if not version:
        return None
    who = getattr(request, "staff", None)
    told = (
        version,
        who and who.pk,
        get_language(),
        int(time.time()) // ANEW,
        request.GET.urlencode(),
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]
