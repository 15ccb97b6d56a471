"""What a browser says of itself, in the words people use: "Chrome on Android"."""

from __future__ import annotations

from django.http import HttpRequest

# The first mark that is found names it: Edge and Opera also say Chrome, and everybody says Safari.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "iPad": "iPad",
    "iPhone": "iPhone",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Macintosh": "Mac",
    "Windows": "Windows",
    "Linux": "Linux",
}


def system_of(request: HttpRequest) -> str:
    """The kind of machine: "iPad"; "" for one nobody knows."""
    return _named(SYSTEMS, request)


def words(request: HttpRequest) -> str:
    """Browser and machine; both names are proper names, the same in every language."""
    browser, system = _named(BROWSERS, request), _named(SYSTEMS, request)
    return " · ".join(name for name in (browser, system) if name)


def _named(names: dict[str, str], request: HttpRequest) -> str:
    agent = request.headers.get("User-Agent", "")
    return next((name for mark, name in names.items() if mark in agent), "")
