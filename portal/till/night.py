"""The till's own switch between day and night: a cookie of the tablet, read by the server."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

COOKIE = "night"
A_YEAR = 365 * 24 * 3600
SYSTEM, DAY, NIGHT = "", "day", "night"


def chosen(request: HttpRequest) -> str:
    """NIGHT or DAY as the tablet was told, SYSTEM where it was not."""
    kept = request.COOKIES.get(COOKIE, SYSTEM)
    return kept if kept in (DAY, NIGHT) else SYSTEM


def context(request: HttpRequest) -> dict[str, object]:
    """What the base of the till's pages asks for."""
    return {"night": chosen(request)}


def choose(request: HttpRequest, response: HttpResponse, wish: str) -> None:
    """Keep the wish in the tablet; whatever is none of ours follows the system again."""
    if wish in (DAY, NIGHT):
        response.set_cookie(
            COOKIE, wish, max_age=A_YEAR, path="/till/", samesite="Lax", secure=request.is_secure()
        )
    else:
        response.delete_cookie(COOKIE, path="/till/", samesite="Lax")
