"""In which language and by which clock a page is made.

The language is what the address asks for (`?lang=ar`, remembered in a cookie), else the cookie,
else that of the colleague who is signed in, else what the browser prefers among the shop's
languages, else the shop's own. At a till the language of the person before it comes first of all
that is remembered: the tablet is everybody's. The clock is the shop's, wherever its customers are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import get_user
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

from portal.problems import is_asked
from tenants import people, shops
from tenants.models import User

PERSON = "till"  # in the session: who unlocked which device, and the last touch
COOKIE = "lang"
A_YEAR = 365 * 24 * 3600


class LanguageMiddleware:
    """Stands inside the tenant: below TenantMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered, own, zone = spoken_here(request)
        asked = request.GET.get("lang", "")
        language = choose(request, offered, own, *_hers(request))
        with translation.override(language), timezone.override(zone):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ["Accept-Language"])
        if asked == language and request.COOKIES.get(COOKIE) != asked:
            response.set_cookie(
                COOKIE, asked, max_age=A_YEAR, samesite="Lax", secure=request.is_secure()
            )
        return response


def spoken_here(request: HttpRequest) -> tuple[Sequence[str], str, ZoneInfo]:
    """The languages of this host, its own one, and its zone. The apex speaks all of ours, in
    UTC.
    """
    known = [code for code, _ in settings.LANGUAGES]
    if getattr(request, "tenant", None) is None:
        return known, settings.LANGUAGE_CODE, ZoneInfo("UTC")
    front = shops.front()
    offered = [code for code in front.languages if code in known] or known
    own = front.language if front.language in offered else offered[0]
    return offered, own, ZoneInfo(front.zone)


def choose(
    request: HttpRequest, offered: Sequence[str], own: str, hers: str = "", at_till: str = ""
) -> str:
    """The language of an answer; `hers` is that of the colleague who is signed in, `at_till` of the
    one before a till.
    """
    for wish in (request.GET.get("lang"), at_till, request.COOKIES.get(COOKIE), hers):
        if wish in offered:
            return str(wish)
    for wish, _ in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        plain = wish.split("-")[0]
        if plain in offered:
            return plain
    return own


def _hers(request: HttpRequest) -> tuple[str, str]:
    """The language of who is signed in, and of who unlocked this till. Only a browser with a
    session is asked for it; the person is the one that every later question for her finds. The API
    has no sessions.
    """
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or is_asked(request):
        return "", ""
    at_till = request.session.get(PERSON)
    user = get_user(request) if SESSION_KEY in request.session else None
    staff = people.staff_of(user) if isinstance(user, User) else None
    spoken = at_till.get("language", "") if isinstance(at_till, dict) else ""
    return staff.language if staff else "", str(spoken)
