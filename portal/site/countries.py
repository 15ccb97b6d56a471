"""Countries as a person reads them, and the one where she most likely is."""

from __future__ import annotations

from functools import lru_cache

from babel import Locale
from babel.core import get_global
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation.trans_real import parse_accept_lang_header

from tenants.models import Country

FALLBACK = "AE"


@lru_cache(maxsize=1)
def _known() -> dict[str, str]:
    """Code to English name: a table that only migrations write."""
    return dict(Country.objects.order_by("pk").values_list("pk", "name"))


def choices() -> list[tuple[str, str]]:
    """(code, name in the page's language), by name."""
    return _named((get_language() or "en").split("-")[0])


@lru_cache(maxsize=8)
def _named(language: str) -> list[tuple[str, str]]:
    names = Locale.parse(language).territories
    found = [(code, str(names.get(code, name))) for code, name in _known().items()]
    return sorted(found, key=lambda each: each[1])


def guess(request: HttpRequest) -> str:
    """The region that the browser prefers ("en-AE"), else where its language is spoken most."""
    known, likely = _known(), get_global("likely_subtags")
    wishes = [
        wish for wish, _ in parse_accept_lang_header(request.headers.get("Accept-Language", ""))
    ]
    for wish in wishes:
        for part in wish.replace("_", "-").split("-")[1:]:
            if part.upper() in known:
                return part.upper()
    for wish in wishes:
        region = str(likely.get(wish.split("-")[0], "")).rpartition("_")[2]
        if region in known and wish.split("-")[0] != "en":
            return region
    return FALLBACK
