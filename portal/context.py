"""What every template knows: whose page this is, and in which language and direction it runs."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language, get_language_bidi

from portal import theme
from portal.language import spoken_here
from tenants import shops

# What a language calls itself.
OWN_NAMES = {"en": "English", "ar": "العربية", "bn": "বাংলা"}


def ours() -> list[tuple[str, str]]:
    """Every language that we have, and what it calls itself."""
    return [(code, OWN_NAMES.get(code, code)) for code, _ in settings.LANGUAGES]


def portal(request: HttpRequest) -> dict[str, object]:
    """`shop` is None on the apex, where the house colour stands in the style sheet already."""
    language = get_language() or settings.LANGUAGE_CODE
    values: dict[str, object] = {
        "shop": None,
        "language": language,
        "direction": "rtl" if get_language_bidi() else "ltr",
    }
    if getattr(request, "tenant", None) is None:
        codes = [code for code, _ in settings.LANGUAGES]
    else:
        front = shops.front()
        codes = list(spoken_here(request)[0])
        values |= {
            "shop": front,
            "theme_url": reverse("theme", kwargs={"version": theme.version(front.colour)}),
        }
    values["languages"] = [(code, OWN_NAMES[code]) for code in codes if code in OWN_NAMES]
    return values
