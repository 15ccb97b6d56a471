"""The rehearsal of a draft: asked for here, made by the worker, looked at on a page of its own."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from loyalty import drafts, programs, tasks, versions
from loyalty.refusals import NoDraft, Overtaken
from portal.guards import StaffRequest, manager
from portal.manage.rehearsed import account_of
from portal.pages import go, page
from portal.voice import voice_of


@require_POST
@manager
def rehearse(request: StaffRequest) -> HttpResponse:
    """Ask the worker to replay the last sales by the draft. Asked twice it is done twice, with one
    result; a draft that was changed since it was shown is shown again.
    """
    program = programs.live()
    if program is None:
        raise Http404
    try:
        tasks.rehearse_soon(program, seen_as=request.POST.get("seen", ""), at=timezone.now())
    except (NoDraft, Overtaken):
        return go(request, reverse("manage:program"))
    return go(request, reverse("manage:rehearsal"))


@require_safe
@manager
def rehearsal(request: StaffRequest) -> HttpResponse:
    """How far it is, or what came of it."""
    program = programs.live()
    draft = drafts.open_draft(program) if program else None
    if program is None or draft is None:
        return go(request, reverse("manage:program"))
    now = drafts.in_force(program)
    context = {
        "section": "program",
        "staff": request.staff,
        "program": program,
        "draft": draft,
        "seen": drafts.seen(draft, now),
        "diff": versions.differences(now, drafts.said(draft, now), voice_of(program), program),
        **account_of(program, draft, now),
    }
    return page(request, "manage/rehearsal.html", context, fragment="rehearsal")
