"""Rewards: the list in the order of the card, a new one, and one that is changed, paused, filled up
or ended.
"""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from loyalty import conditions, giveback, programs, shelf, wording
from loyalty import rewards as verbs
from loyalty.models import Program, Reward
from loyalty.refusals import BadSetting, Overtaken
from portal.guards import StaffRequest, manager
from portal.manage.forms_rewards import (
    AT,
    KINDS,
    MAKEABLE,
    MoveForm,
    RewardForm,
    StockForm,
    names_of,
)
from portal.manage.setting import place_refusal
from portal.manage.views.program import setting_of
from portal.pages import go, page
from portal.voice import percent, voice_of
from tenants.models import Staff

LATELY = dt.timedelta(days=30)
STATUSES = frozenset((Reward.Status.LIVE, Reward.Status.PAUSED, Reward.Status.ENDED))


@require_safe
@manager
def rewards(request: StaffRequest) -> HttpResponse:
    return _listed(request)


@require_http_methods(["GET", "HEAD", "POST"])
@manager
def new(request: StaffRequest) -> HttpResponse:
    """Choose a kind, then say what it is."""
    program = _program()
    kind = request.POST.get("kind") or request.GET.get("kind", "")
    if kind not in MAKEABLE:
        context = {"section": "rewards", "staff": request.staff, "kinds": KINDS}
        return page(request, "manage/reward_kinds.html", context)
    setting = _setting(request, program)
    if request.method != "POST":
        return _form(request, program, RewardForm(setting, kind))
    form = RewardForm(setting, kind, data=request.POST)
    if form.is_valid():
        terms = form.terms()
        name = terms.pop("name")
        try:
            verbs.create(program, kind, name, at=timezone.now(), by=request.by, **terms)
        except BadSetting as refusal:
            place_refusal(form, refusal, AT, "name")
        else:
            return go(request, reverse("manage:rewards"))
    return _form(request, program, form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@manager
def reward(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Its terms. Whoever makes it dearer sees first who has enough today and would not tomorrow."""
    found = get_object_or_404(Reward.objects.select_related("program"), pk=pk)
    program = found.program
    setting = _setting(request, program)
    if request.method != "POST":
        return _form(request, program, RewardForm(setting, found.kind, reward=found))
    form = RewardForm(setting, found.kind, reward=found, data=request.POST)
    if not form.is_valid():
        return _form(request, program, form, status=422)
    losing = _losing(found, form.cleaned_data.get("cost"))
    if losing and not request.POST.get("sure"):
        return _form(request, program, form, status=422, losing=losing)
    seen = request.POST.get("seen", "")
    try:
        terms = form.terms()
        shelf.change(found, seen_as=seen, at=timezone.now(), by=request.by, **terms)
    except Overtaken:
        found.refresh_from_db()
        return _form(request, program, form, status=409, losing=losing)
    except BadSetting as refusal:
        place_refusal(form, refusal, AT, "name")
        return _form(request, program, form, status=422)
    return go(request, reverse("manage:rewards"))


@require_POST
@manager
def move(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Nearer the beginning of the card, or the end."""
    found = get_object_or_404(Reward.objects.select_related("program"), pk=pk)
    form = MoveForm(request.POST)
    if form.is_valid():
        shelf.move(found, form.cleaned_data["steps"], at=timezone.now(), by=request.by)
    return _listed(request, program=found.program, done=True)


@require_POST
@manager
def status(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Offer it, pause it, end it."""
    found = get_object_or_404(Reward.objects.select_related("program"), pk=pk)
    wanted = request.POST.get("status", "")
    if wanted not in STATUSES:
        raise Http404
    try:
        verbs.set_status(found, wanted, at=timezone.now(), by=request.by)
    except BadSetting as refusal:
        form = RewardForm(_setting(request, found.program), found.kind, reward=found)
        why = str(refusal.figures["why"])
        return _form(request, found.program, form, status=422, trouble=why)
    return go(request, reverse("manage:rewards"))


@require_POST
@manager
def stock(request: StaffRequest, pk: UUID) -> HttpResponse:
    """How many pieces there are now."""
    found = get_object_or_404(Reward.objects.select_related("program"), pk=pk)
    filling = StockForm(request.POST)
    if filling.is_valid():
        try:
            pieces = filling.cleaned_data["stock"]
            verbs.restock(found, pieces, at=timezone.now(), by=request.by)
        except BadSetting as refusal:
            place_refusal(filling, refusal, {}, "stock")
        else:
            return go(request, reverse("manage:rewards"))
    form = RewardForm(_setting(request, found.program), found.kind, reward=found)
    return _form(request, found.program, form, status=422, filling=filling)


def _program() -> Program:
    found = programs.live()
    if found is None:
        raise Http404
    return found


def _setting(request: StaffRequest, program: Program) -> Any:
    return setting_of(program, is_owner=request.staff.role == Staff.Role.OWNER)


def _losing(reward: Reward, cost: int | None) -> int:
    """How many members have enough today and would not any more."""
    if not cost or cost <= reward.cost:
        return 0
    counts = shelf.have_enough(reward.program_id, [reward.cost, cost])
    return counts[reward.cost] - counts[cost]


def _listed(
    request: StaffRequest, *, program: Program | None = None, done: bool = False
) -> HttpResponse:
    if done and request.headers.get("HX-Request-Type") != "partial":
        return go(request, reverse("manage:rewards"))
    program = program or _program()
    voice = voice_of(program)
    found = list(Reward.objects.filter(program=program.pk).order_by("position", "cost", "id"))
    usual = giveback.usual_sale(found)
    counts = shelf.redeemed(timezone.now() - LATELY)
    ended = Reward.Status.ENDED
    rows = []
    for each in sorted(found, key=lambda reward: reward.status == ended):
        worth = giveback.worth(each, usual)
        share = Fraction(each.unit_cost, worth) if each.unit_cost and worth else None
        told = conditions.read(each.conditions)
        often, lately = counts.get(each.pk, (0, 0))
        rows.append(
            {
                "reward": each,
                "icon": names_of(each.kind)[1],
                "when": wording.of_conditions(told, voice),
                "cost": voice.points(each.cost) if each.cost else "",
                "worth": worth,
                "part": percent(Fraction(each.value, 100)) if each.kind == "percent" else "",
                "share": percent(share) if share else "",
                "often": often,
                "lately": lately,
                "is_ended": each.status == ended,
            }
        )
    living = [row for row in rows if not row["is_ended"]]
    for row in living:
        row["is_first"], row["is_last"] = row is living[0], row is living[-1]
    context = {
        "section": "rewards",
        "staff": request.staff,
        "program": program,
        "rows": rows,
        "tiers_url": reverse("manage:tiers"),
    }
    return page(request, "manage/rewards.html", context, fragment="goods")


def _form(
    request: StaffRequest,
    program: Program,
    form: RewardForm,
    *,
    status: int = 200,
    losing: int = 0,
    filling: StockForm | None = None,
    trouble: str = "",
) -> HttpResponse:
    reward = form.reward
    context = {
        "section": "rewards",
        "staff": request.staff,
        "program": program,
        "form": form,
        "kind": names_of(form.kind),
        "reward": reward,
        "seen": shelf.seen(reward) if reward else "",
        "losing": losing,
        "filling": filling or StockForm(initial={"stock": reward.stock if reward else None}),
        "trouble": trouble,
        "is_overtaken": status == 409,  # noqa: PLR2004
        "is_dirty": status != 200 and not (trouble or filling),  # noqa: PLR2004
    }
    if reward and reward.kind != Reward.Kind.PAY:
        context["enough"] = shelf.have_enough(program.pk, [reward.cost]).get(reward.cost, 0)
    return page(request, "manage/reward.html", context, status=status)
