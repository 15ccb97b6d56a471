"""Who holds a card on this phone: the guard of the customer's pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache

from loyalty import finding
from loyalty.models import Member
from portal import language
from portal.guards import CARD_COOKIE, TenantRequest, cookie_name, keep_cookie
from portal.pages import see_other
from tenants import limits, logs
from tenants.actors import Actor
from tenants.guesses import TooManyGuesses
from tenants.limits import Rate
from tenants.logs import place

LOOK = "look"  # the cookie that says whether her pages are light or dark: day, night

# A shop's own network brings many guests; who makes cards without end is one.
FROM_A_NETWORK = Rate(per_minute=12, burst=30)
IN_A_SHOP = Rate(per_minute=60, burst=200)


class HolderRequest(TenantRequest):
    """Somebody with a card on her phone. `link` is the secret by which it shows it."""

    member: Member
    link: str
    by: Actor


P = ParamSpec("P")
_View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def holder(view: Callable[Concatenate[HolderRequest, P], HttpResponse]) -> _View[P]:
    """For whoever has a card on this phone; others are asked who they are."""

    @wraps(view)
    @never_cache
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        link = link_of(request)
        member = finding.member_by_link(link) if link else None
        if member is None:
            return see_other(reverse("card:back"))
        by = Actor.member(member.pk)
        request.member, request.link, request.by = member, link, by  # type: ignore[attr-defined]
        logs.acting(by.who)
        return view(request, *args, **kwargs)  # type: ignore[arg-type]

    return guarded


def link_of(request: HttpRequest) -> str:
    """The secret of the card on this phone, or ""."""
    return request.COOKIES.get(cookie_name(CARD_COOKIE), "")


def keep_card(response: HttpResponse, link: str) -> HttpResponse:
    keep_cookie(response, CARD_COOKIE, link)
    return response


def keep_language(request: HttpRequest, response: HttpResponse, spoken: str) -> HttpResponse:
    """What she has chosen to read in, on this phone too. Who chose nothing leaves it to the
    phone.
    """
    return language.remember(request, response, spoken) if spoken else response


def keep_language_of(link: str, request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The same for whoever's card this link shows. One statement."""
    member = finding.member_by_link(link)
    return keep_language(request, response, member.language if member else "")


def drop_card(response: HttpResponse) -> HttpResponse:
    response.delete_cookie(cookie_name(CARD_COOKIE), path="/", samesite="Lax")
    return response


def refuse_crowds(door: str) -> None:
    """Raise TooManyGuesses where one network, or all together, come through this door of the shop
    too often.
    """
    if not settings.RATE_LIMITS:
        return
    for name, rate in ((f"{door}:{place().address}", FROM_A_NETWORK), (door, IN_A_SHOP)):
        decision = limits.admit_at(name, rate)
        if not decision.allowed:
            raise TooManyGuesses(decision.retry_after)
