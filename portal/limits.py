"""How often a shop, or a stranger, is answered: 429 beyond that, and what is left in every answer.

The headers are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy: "till";q=120;w=12`
(120 at once, which come back in 12 seconds) and `RateLimit: "till";r=119;t=1`.

A refusal must cost less than an answer: it asks neither the database nor the shop's front.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import get_language, gettext

from portal import cors, errors, problems, waiting
from portal.language import choose
from portal.pages import SAFE, wants_piece
from tenants import hosts, limits
from tenants.guesses import TooManyGuesses
from tenants.limits import Decision, Rate
from tenants.logs import place

Answer = Callable[[HttpRequest], HttpResponse]

# The first segment of the path says what is counted together; all else is for customers. What
# browsers ask on other sites is apart: a busy site takes nothing from the shop's own systems.
POLICY = {"till": "till", "manage": "pages", "accounts": "pages", "api": "api"}

# A network (/24, /48) that asks for names without a shop, or for the bare domain. Each process
# counts by itself: what is kept from doing harm here is a look-up in the database a name.
STRANGER = Rate(per_minute=120, burst=60)


class StrangersMiddleware:
    """Before the tenant is known: holds back who tries names.

    Only what leads to no shop is counted, and a name that was found before passes always.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = hosts.parse(request.META.get("HTTP_HOST", ""), settings.BASE_DOMAIN)
        known = host.name and hosts.directory.knows(host.name)
        if known or not settings.RATE_LIMITS:
            return self.get_response(request)
        network = f"stranger:{place().address}"
        decision = limits.own.look(network, STRANGER)
        if not decision.allowed:
            return refused(request, decision.retry_after)
        response = self.get_response(request)
        if getattr(request, "tenant", None) is None:
            limits.own.admit(network, STRANGER)
        return response


class LimitsMiddleware:
    """Counts for the tenant that TenantMiddleware has found. The apex has none."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.tenant is None or not settings.RATE_LIMITS:  # type: ignore[attr-defined]
            return self.get_response(request)
        return limited(request, self.get_response)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Who guesses is told to wait, whichever door it was."""
        return refused(request, error.wait) if isinstance(error, TooManyGuesses) else None


def suspended(request: HttpRequest) -> HttpResponse:
    """A closed shop's page costs as much as any other (settings.TENANTS_SUSPENDED)."""
    return limited(request, errors.suspended) if settings.RATE_LIMITS else errors.suspended(request)


def limited(request: HttpRequest, answer: Answer) -> HttpResponse:
    """What `answer` says, if the tenant may have one more of this policy; else 429."""
    tenant = request.tenant  # type: ignore[attr-defined]
    policy = policy_of(request.path_info)
    decision = limits.admit(tenant.pk, tenant.plan, policy)
    response = answer(request) if decision.allowed else refused(request, decision.retry_after)
    return told(response, policy, limits.rate_of(tenant.plan, policy), decision)


def policy_of(path: str) -> str:
    if path in cors.PATHS:
        return "embed"
    return POLICY.get(path.split("/", 2)[1], "public")


def told(response: HttpResponse, policy: str, rate: Rate, decision: Decision) -> HttpResponse:
    left, until_full = decision.remaining, decision.reset
    response.headers["RateLimit-Policy"] = f'"{policy}";q={rate.burst};w={rate.window}'
    response.headers["RateLimit"] = f'"{policy}";r={left};t={until_full}'
    return response


def refused(request: HttpRequest, wait: int) -> HttpResponse:
    """429 for whoever asked: a page, a piece that replaces nothing, a problem, or a line."""
    offered = [code for code, _ in settings.LANGUAGES]
    with translation.override(choose(request, offered, settings.LANGUAGE_CODE)):
        response = _said(request, wait)
    response.status_code = HTTPStatus.TOO_MANY_REQUESTS
    response.headers["Retry-After"] = str(wait)
    response.headers["Cache-Control"] = "no-store"
    return response


def _said(request: HttpRequest, wait: int) -> HttpResponse:
    later = waiting.sentence(wait)
    if problems.is_asked(request):
        return problems.problem(request, 429, "too_many_requests", later, retry_after=wait)
    if wants_piece(request):  # the page stays as it is, with what was typed into it
        return HttpResponse(later, content_type="text/plain", headers={"HX-Reswap": "none"})
    if "text/html" not in request.headers.get("Accept", ""):
        return HttpResponse(f"{gettext('Too much at once.')} {later}\n", content_type="text/plain")
    return HttpResponse(_page(get_language() or "", later, request.method in SAFE))


@lru_cache(maxsize=256)
def _page(language: str, later: str, is_safe: bool) -> str:
    """The page names nobody and nothing of a shop, so each is made once."""
    return render_to_string("errors/429.html", {"later": later, "is_safe": is_safe})
