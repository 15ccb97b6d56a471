"""In which language and by which clock a page is made.

The language is what the address asks for (`?lang=ar`, remembered in a cookie), else the cookie,
else that of the colleague who is signed in, else what the browser prefers among the shop's
languages, else the shop's own. Guests have the languages of the shop; who works here has all of
ours, and on her pages her own language comes before the cookie, because a browser in a shop is
everybody's: at a till that of the person before it, in the portal and at the doors that of who is
signed in. What she asks for there lasts until she signs out, and changes nothing about her: that is
a form in her account. The clock is the shop's, wherever its customers are.
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
CHOSEN = "lang"  # in the session of a colleague: what she asked for with ?lang=
TILL, DOORS = "/till/", ("/manage/", "/accounts/")
COOKIE = "lang"
A_YEAR = 365 * 24 * 3600


class LanguageMiddleware:
    """Stands inside the tenant: below TenantMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered, own, zone = spoken_here(request)
        asked = request.GET.get("lang", "")
        language = choose(request, offered, own, _hers(request))
        if asked == language:
            _keep(request, asked)
        with translation.override(language), timezone.override(zone):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ["Accept-Language"])
        if asked == language and request.COOKIES.get(COOKIE) != asked:
            remember(request, response, asked)
        return response


def remember(request: HttpRequest, response: HttpResponse, spoken: str) -> HttpResponse:
    """This browser speaks that language from now on; for "" whatever it speaks by itself."""
    if spoken:
        response.set_cookie(
            COOKIE, spoken, max_age=A_YEAR, samesite="Lax", secure=request.is_secure()
        )
    else:
        response.delete_cookie(COOKIE, samesite="Lax")
    return response


def spoken_here(request: HttpRequest) -> tuple[Sequence[str], str, ZoneInfo]:
    """The languages of this page, its host's own one, and its zone. The apex speaks all of ours, in
    UTC; so does a shop to who works there.
    """
    known = [code for code, _ in settings.LANGUAGES]
    if getattr(request, "tenant", None) is None:
        return known, settings.LANGUAGE_CODE, ZoneInfo("UTC")
    front = shops.front()
    guests = [code for code in front.languages if code in known] or known
    own = front.language if front.language in guests else guests[0]
    return known if _is_for_staff(request) else guests, own, ZoneInfo(front.zone)


def choose(request: HttpRequest, offered: Sequence[str], own: str, hers: str = "") -> str:
    """The language of an answer; `hers` is that of the colleague whom it is for."""
    kept = request.COOKIES.get(COOKIE)
    remembered = (hers, kept) if _is_for_staff(request) else (kept, hers)
    for wish in (request.GET.get("lang"), *remembered):
        if wish in offered:
            return str(wish)
    for wish, _ in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        plain = wish.split("-")[0]
        if plain in offered:
            return plain
    return own


def _hers(request: HttpRequest) -> str:
    """The language of who unlocked this till, on its pages; elsewhere of who is signed in. Only a
    browser with a session is asked for it; the person is the one that every later question for her
    finds. The API has no sessions.
    """
    if not _has_session(request):
        return ""
    if request.path_info.startswith(TILL):
        at_till = request.session.get(PERSON)
        return str(at_till.get("language", "")) if isinstance(at_till, dict) else ""
    user = get_user(request) if SESSION_KEY in request.session else None
    staff = people.staff_of(user) if isinstance(user, User) else None
    if staff is None:
        return ""
    return str(request.session.get(CHOSEN) or staff.language)


def _keep(request: HttpRequest, asked: str) -> None:
    """Her pages go on in the language that she asked for on one of them."""
    is_hers = _has_session(request) and request.path_info.startswith(DOORS)
    if is_hers and SESSION_KEY in request.session and request.session.get(CHOSEN) != asked:
        request.session[CHOSEN] = asked


def _has_session(request: HttpRequest) -> bool:
    return settings.SESSION_COOKIE_NAME in request.COOKIES and not is_asked(request)


def _is_for_staff(request: HttpRequest) -> bool:
    return request.path_info.startswith((TILL, *DOORS))
