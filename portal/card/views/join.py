"""Getting a card: one field, one button, no waiting.

Whether the number was known before, nobody can tell from here: the answer, its bytes and the
statements are the same (tests/portal/card/test_strangers.py).
"""

from __future__ import annotations

from http import HTTPStatus
from uuid import uuid4

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from loyalty import claims, finding
from loyalty.refusals import IdempotencyConflict, NotAnIdentifier
from loyalty.showcase import Showcase, showcase
from portal.card import codes, promises
from portal.card.forms import EMAIL, PHONE, Join, dial
from portal.card.holders import keep_card, link_of, refuse_crowds
from portal.forms import with_new_key
from portal.pages import page, see_other
from tenants.guesses import TooManyGuesses

NEWS_WORDS = "offers-1"  # names the words beside the box; other words, another name
MOST_PLACES = 12  # of a stamp card that fits above the field


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def join(request: HttpRequest) -> HttpResponse:
    """Take a card. Whoever has one on this phone is shown it."""
    link = link_of(request)
    if link and finding.member_by_link(link):
        return see_other(reverse("card:card"))
    shown = showcase()
    way = request.POST.get("by") or request.GET.get("by") or PHONE
    if request.method != "POST" or not shown.is_live:
        form = Join(way=way, initial={"key": uuid4()})
        return _page(request, form, shown)
    form = Join(request.POST, way=way)
    if form.is_valid():
        refuse_crowds("join")
        try:
            return _made(form)
        except NotAnIdentifier:
            form.add_error(form.way, form.fields[form.way].error_messages["invalid"])
        except IdempotencyConflict:  # the same form once more, with another number
            with_new_key(form, form.way)
    return _page(request, form, shown, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _made(form: Join) -> HttpResponse:
    """The card, and a letter with its code to an address. A text is sent when she asks for it."""
    at, told = timezone.now(), form.cleaned_data
    way = {form.way: told[form.way]}
    writes = form.way == EMAIL
    if writes:
        try:
            codes.refuse_flood(told[EMAIL], at=at)
        except TooManyGuesses:
            writes = False
    with transaction.atomic():
        made = claims.join(
            **way,
            name=told["name"],
            language=get_language() or "",
            marketing=NEWS_WORDS if told["news"] else None,
            at=at,
            key=str(told["key"]),
        )
        if writes and not made.replayed:
            sent = claims.new_code(made.member, at=at)
            codes.send(sent.kind, sent.value, "card_welcome", sent.code, at=at)
    return keep_card(see_other(reverse("card:card")), made.link)


def _page(request: HttpRequest, form: Join, shown: Showcase, *, status: int = 200) -> HttpResponse:
    prize = shown.first_prize
    is_drawn = shown.unit == "stamp" and prize and 1 < prize.cost <= MOST_PLACES
    context = {
        "form": form,
        "shown": shown,
        "promise": promises.promise(shown),
        "start": promises.start(shown),
        "places": range(prize.cost) if is_drawn and prize else (),
        "dial": dial(),
        "other": EMAIL if form.way == PHONE else PHONE,
        "slug": request.tenant.slug,  # type: ignore[attr-defined]
    }
    return page(request, "card/join.html", context, status=status)
