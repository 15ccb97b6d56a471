"""Everything that happened on a card, and what its holder says of herself."""

from __future__ import annotations

from http import HTTPStatus

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from loyalty import enrolment, programs
from loyalty.history import entries_of
from loyalty.refusals import Refusal
from portal import language
from portal.arithmetic import told
from portal.card.forms import Me
from portal.card.holders import LOOK, HolderRequest, holder
from portal.pages import page, see_other
from tenants import shops

PAGE = 20
SIGNS = {"earned": 1, "used": -1}


@require_safe
@holder
def history(request: HolderRequest) -> HttpResponse:
    """Pages of entries, each with its arithmetic; all, or what came, or what went."""
    show = request.GET.get("show", "")
    show = show if show in SIGNS else ""
    entries = entries_of(request.member, sign=SIGNS.get(show, 0))
    found = Paginator(entries, PAGE).get_page(request.GET.get("page", "1")[:9])
    context = {
        "page": found,
        "entries": [told(entry) for entry in found],
        "show": show,
        "program": programs.live(),
        "front": shops.front(),
        "member": request.member,
        "slug": request.tenant.slug,
    }
    return page(request, "card/history.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@holder
def me(request: HolderRequest) -> HttpResponse:
    """Name, birthday and language."""
    member = request.member
    initial = {name: getattr(member, name) for name in enrolment.SAID}
    initial["look"] = request.COOKIES.get(LOOK, "")
    form = Me(request.POST if request.method == "POST" else None, initial=initial)
    status = HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid():
            said = {name: form.cleaned_data[name] for name in enrolment.SAID}
            try:
                enrolment.introduce(member, **said, at=timezone.now(), by=request.by)
            except Refusal as refusal:
                form.add_error("birth_date", str(refusal))
            else:
                return _saved(request, said["language"], form.cleaned_data["look"])
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    context = {"form": form, "member": member, "slug": request.tenant.slug}
    return page(request, "card/me.html", context, status=status)


def _saved(request: HolderRequest, spoken: str, look: str) -> HttpResponse:
    """Back to the card, in the language and light that she chose."""
    response = see_other(reverse("card:card"))
    response.set_cookie(
        LOOK, look, max_age=language.A_YEAR, samesite="Lax", secure=request.is_secure()
    )
    return language.remember(request, response, spoken)
