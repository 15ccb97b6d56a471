"""Who holds the card: find them, sort them, keep those of a segment, make somebody a member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from loyalty import enrolment, finding, numbers, programs, roster, segments
from loyalty.refusals import BadDate, BadEmail, BadPhone, NotAnIdentifier, Refusal
from portal.guards import StaffRequest, manager
from portal.manage.forms import Listing, Newcomer
from portal.manage.portrait import Chip, rows
from portal.pages import go, page
from portal.templatetags.portal import month_name

FIELD_OF = {BadPhone: "phone", BadEmail: "email", NotAnIdentifier: "email", BadDate: "birth_date"}


@require_safe
@manager
def members(request: StaffRequest) -> HttpResponse:
    form = Listing(request.GET)
    form.is_valid()
    wish = form.cleaned_data
    q, keep, sort = wish.get("q", ""), wish.get("keep", ""), wish.get("sort", "last")
    now = timezone.now()
    program = programs.current()
    kept = segments.narrowed(finding.search(q), keep, at=now)
    found = roster.page_of(kept, program, sort=sort, number=wish.get("page", 1))
    digits = numbers.dialled(q)
    context = {
        "section": "members",
        "q": q,
        "keep": keep,
        "sort": sort,
        "program": program,
        "found": found,
        "pages": found.paginator.get_elided_page_range(found.number, on_each_side=2, on_ends=1),
        "rows": rows(list(found.object_list), now),
        "query": urlencode({name: value for name, value in (("q", q), ("keep", keep)) if value}),
        "sought": urlencode({"q": q}) if q else "",
        "chips": list(_chips(None)),
        "digits": digits if len(digits) >= finding.FEWEST_DIGITS else "",
    }
    return page(request, "manage/members.html", context, fragment="people", also=("tally",))


@require_safe
@manager
def chips(request: StaffRequest) -> HttpResponse:
    """The segments with how many are in each; apart, because that takes longer than the list."""
    form = Listing(request.GET)
    form.is_valid()
    wish = form.cleaned_data
    q = wish.get("q", "")
    context = {
        "q": q,
        "keep": wish.get("keep", ""),
        "sought": urlencode({"q": q}) if q else "",
        "chips": list(_chips(segments.sizes(timezone.now()))),
    }
    return page(request, "manage/chips.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@manager
def enrol(request: StaffRequest) -> HttpResponse:
    """Make somebody a member. Who is one already is found, and told so."""
    form = Newcomer(request.POST if request.method == "POST" else None, initial=_begun(request))
    if request.method == "POST" and form.is_valid():
        wish: dict[str, Any] = form.cleaned_data
        try:
            done = enrolment.enrol_or_find(
                name=wish["name"],
                phone=wish["phone"],
                email=wish["email"],
                birth_date=wish["birth_date"],
                at=timezone.now(),
                by=request.by,
                source="portal",
            )
        except Refusal as refusal:
            form.add_error(FIELD_OF.get(type(refusal)), str(refusal))
        else:
            there = reverse("manage:member", args=[done.member.pk])
            return go(request, f"{there}?done={'known' if done.existing else 'enrolled'}")
    status = 422 if form.is_bound else 200
    context = {"section": "members", "form": form}
    return page(request, "manage/enrol.html", context, fragment="enrol", status=status)


def _begun(request: StaffRequest) -> dict[str, str]:
    """What was sought and not found."""
    form = Newcomer(request.GET)
    form.is_valid()
    return {name: form.cleaned_data.get(name, "") for name in ("phone", "email", "name")}


def _chips(sizes: segments.Sizes | None) -> Iterator[Chip]:
    """Without sizes, the segments that every shop has."""
    words = {
        segments.LATE: gettext("Slipping away"),
        segments.TODAY: gettext("Came today"),
        segments.BOUGHT: gettext("Bought this month"),
        segments.RETURNED: gettext("Came back"),
        segments.REDEEMED: gettext("Used points"),
        segments.NEW: gettext("New"),
        segments.BIRTHDAY: gettext("Birthday in %(month)s") % {"month": month_name()},
        segments.BLOCKED: gettext("Blocked"),
    }

    def size(name: str) -> int | None:
        return sizes.of.get(name, 0) if sizes else None

    yield Chip("", gettext("All"), sizes.everybody if sizes else None)
    yield Chip(segments.LATE, words.pop(segments.LATE), size(segments.LATE))
    for tier in sizes.tiers if sizes else ():
        yield Chip(str(tier.id), tier.name, tier.members)
    for name, word in words.items():
        yield Chip(name, word, size(name))
