"""Tiers: by what one climbs them, who is where, and whom a change would move."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from loyalty import ladders, programs
from loyalty.models import Program, Tier
from loyalty.policy import POINTS, SPEND, TierPolicy
from loyalty.refusals import BadSetting, Overtaken
from portal.figures import fraction, money, number
from portal.guards import StaffRequest, manager
from portal.manage.fields import plain_money as plain
from portal.manage.forms_tiers import TierForm, WindowForm
from portal.manage.setting import place_refusal
from portal.pages import go, page
from portal.voice import voice_of
from tenants import shops


@require_safe
@manager
def tiers(request: StaffRequest) -> HttpResponse:
    return _listed(request, _program())


@require_POST
@manager
def window(request: StaffRequest) -> HttpResponse:
    """By what tiers are earned."""
    program = _program()
    form = WindowForm(request.POST)
    if form.is_valid():
        try:
            ladders.set_window(program, form.told(), at=timezone.now(), by=request.by)
        except BadSetting as refusal:
            at = {"tiers.window.n": "months", "tiers.grace_days": "grace_days"}
            place_refusal(form, refusal, at, "metric")
        else:
            return go(request, reverse("manage:tiers"))
    return _listed(request, program, window=form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@manager
def new(request: StaffRequest) -> HttpResponse:
    program = _program()
    is_lowest = not ladders.all_of(program)
    policy = ladders.policy_of(program)
    if request.method != "POST":
        begun = {"multiplier": "1", "name": gettext("Bronze") if is_lowest else ""}
        form = TierForm(policy, initial=begun, is_lowest=is_lowest)
        form.initial = begun
        return _form(request, program, form)
    form = TierForm(policy, request.POST, is_lowest=is_lowest)
    if form.is_valid():
        try:
            ladders.create(program, at=timezone.now(), by=request.by, **form.values())
        except BadSetting as refusal:
            place_refusal(form, refusal, {}, "name")
        else:
            return go(request, reverse("manage:tiers"))
    return _form(request, program, form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@manager
def tier(request: StaffRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Tier.objects.select_related("program"), pk=pk)
    program = found.program
    policy = ladders.policy_of(program)
    is_lowest, initial = found.threshold == 0, _values(found, policy)
    if request.method != "POST":
        form = TierForm(policy, initial=initial, is_lowest=is_lowest)
        return _form(request, program, form, found)
    form = TierForm(policy, request.POST, initial=initial, is_lowest=is_lowest)
    if form.is_valid():
        seen = request.POST.get("seen", "")
        try:
            ladders.change(found, seen_as=seen, at=timezone.now(), by=request.by, **form.values())
        except Overtaken:
            found.refresh_from_db()
            return _form(request, program, form, found, status=409)
        except BadSetting as refusal:
            place_refusal(form, refusal, {}, "name")
        else:
            return go(request, reverse("manage:tiers"))
    return _form(request, program, form, found, status=422)


@require_POST
@manager
def remove(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Whoever is in it is in the next lower one."""
    found = get_object_or_404(Tier.objects.select_related("program"), pk=pk)
    try:
        ladders.remove(found, at=timezone.now(), by=request.by)
    except BadSetting as refusal:
        policy = ladders.policy_of(found.program)
        form = TierForm(policy, initial=_values(found, policy), is_lowest=found.threshold == 0)
        why = str(refusal.figures["why"])
        return _form(request, found.program, form, found, status=422, trouble=why)
    return go(request, reverse("manage:tiers"))


def _program() -> Program:
    found = programs.live()
    if found is None:
        raise Http404
    return found


def _values(tier: Tier, policy: TierPolicy) -> dict[str, Any]:
    decimals = shops.front().decimals
    is_money = policy.metric == SPEND
    return {
        "name": tier.name,
        "threshold": plain(tier.threshold, decimals) if is_money else str(tier.threshold),
        "multiplier": format(Decimal(tier.multiplier).normalize(), "f"),
        "perks": "\n".join(tier.perks),
    }


def _threshold(tier: Tier, policy: TierPolicy, program: Program) -> str:
    if policy.metric == SPEND:
        return money(tier.threshold)
    return (
        voice_of(program).points(tier.threshold)
        if policy.metric == POINTS
        else number(tier.threshold)
    )


def _listed(
    request: StaffRequest, program: Program, *, window: WindowForm | None = None, status: int = 200
) -> HttpResponse:
    policy = ladders.policy_of(program)
    found = ladders.all_of(program)
    held = ladders.holders(program)
    thresholds = [tier.threshold for tier in found]
    zone = shops.front().zone
    reached = ladders.reaching(program, thresholds, policy, zone, timezone.now())
    rows = [
        {
            "tier": tier,
            "threshold": _threshold(tier, policy, program),
            "times": fraction(Fraction(tier.multiplier)),
            "holders": held.get(tier.pk, 0),
            "reached": reached.get(tier.threshold),
        }
        for tier in found
    ]
    begun = {
        "metric": policy.metric,
        "window": policy.window,
        "months": str(policy.months),
        "grace_days": str(policy.grace_days or ""),
        "downgrade": policy.downgrade,
    }
    context = {
        "section": "rewards",
        "staff": request.staff,
        "program": program,
        "rows": rows,
        "window": window or WindowForm(initial=begun),
        "is_dirty": window is not None,
    }
    return page(request, "manage/tiers.html", context, status=status)


def _form(
    request: StaffRequest,
    program: Program,
    form: TierForm,
    tier: Tier | None = None,
    *,
    status: int = 200,
    trouble: str = "",
) -> HttpResponse:
    policy, typed = ladders.policy_of(program), None
    if form.is_bound and not form.errors:
        typed = form.cleaned_data.get("threshold")
    context = {
        "section": "rewards",
        "staff": request.staff,
        "program": program,
        "form": form,
        "tier": tier,
        "seen": ladders.seen(tier) if tier else "",
        "trouble": trouble,
        "is_overtaken": status == 409,  # noqa: PLR2004
        "is_dirty": status != 200 and not trouble,  # noqa: PLR2004
    }
    if tier and tier.threshold:
        wanted = {tier.threshold, *([typed] if typed else [])}
        zone, now = shops.front().zone, timezone.now()
        counts = ladders.reaching(program, wanted, policy, zone, now)
        context["reached"] = counts.get(typed or tier.threshold, 0)
        context["holders"] = ladders.holders(program).get(tier.pk, 0)
    return page(request, "manage/tier.html", context, status=status)
