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
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from loyalty import ladders, programs, reached
from loyalty.models import Program, Tier
from loyalty.policy import POINTS, SPEND, TierPolicy
from loyalty.refusals import BadSetting, Overtaken
from portal.figures import fraction, money, number
from portal.guards import StaffRequest, manager
from portal.manage.fields import plain_money as plain
from portal.manage.forms_tiers import TierForm, WindowForm, climbs_by_money
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
    """By what tiers are earned. By something else, where they begin is asked for anew."""
    program = _program()
    form = _window_form(request, program)
    seen = request.POST.get("seen", "")
    if seen != ladders.seen_window(program, ladders.all_of(program)):
        return _listed(request, program, window=form, status=409)
    if form.is_valid():
        told = {"thresholds": form.thresholds(), "keeps": form.cleaned_data.get("sure", False)}
        at = timezone.now()
        try:
            ladders.set_window(program, form.told(), **told, seen_as=seen, at=at, by=request.by)
        except Overtaken:
            program.refresh_from_db()
            form = _window_form(request, program)
            return _listed(request, program, window=form, status=409)
        except BadSetting as refusal:
            fields = {"tiers.window.n": "months", "tiers.grace_days": "grace_days"}
            fields |= {f"thresholds.{tier}": name for tier, name in form.asked.items()}
            place_refusal(form, refusal, fields, "metric")
        else:
            return go(request, reverse("manage:tiers"))
    return _listed(request, program, window=form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@manager
def new(request: StaffRequest) -> HttpResponse:
    program = _program()
    is_lowest = not ladders.all_of(program)
    if request.method != "POST":
        begun = {"multiplier": "1", "name": gettext("Bronze") if is_lowest else ""}
        form = TierForm(program, initial=begun, is_lowest=is_lowest)
        form.initial = begun
        return _form(request, program, form)
    form = TierForm(program, request.POST, is_lowest=is_lowest)
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
    is_lowest, initial = found.threshold == 0, _values(found)
    if request.method != "POST":
        form = TierForm(program, initial=initial, is_lowest=is_lowest)
        return _form(request, program, form, found)
    form = TierForm(program, request.POST, initial=initial, is_lowest=is_lowest)
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
        is_lowest, initial = found.threshold == 0, _values(found)
        form = TierForm(found.program, initial=initial, is_lowest=is_lowest)
        why = str(refusal.figures["why"])
        return _form(request, found.program, form, found, status=422, trouble=why)
    return go(request, reverse("manage:tiers"))


def _program() -> Program:
    found = programs.live()
    if found is None:
        raise Http404
    return found


def _values(tier: Tier) -> dict[str, Any]:
    decimals = shops.front().decimals
    is_money = climbs_by_money(tier.program, ladders.policy_of(tier.program))
    return {
        "name": tier.name,
        "threshold": plain(tier.threshold, decimals) if is_money else str(tier.threshold),
        "multiplier": format(Decimal(tier.multiplier).normalize(), "f"),
        "perks": "\n".join(tier.perks),
    }


def _threshold(threshold: int, policy: TierPolicy, program: Program) -> str:
    """So much of what tiers are earned by, as one says it."""
    if policy.metric == SPEND:
        return money(threshold)
    if policy.metric == POINTS:
        return voice_of(program).points(threshold)
    words = ngettext("%(n)s visit", "%(n)s visits", threshold)
    return words % {"n": number(threshold)}


def _window_form(request: StaffRequest, program: Program) -> WindowForm:
    return WindowForm(program, request.POST, tiers=ladders.all_of(program))


def _would_be(form: WindowForm, program: Program, tiers: list[Tier]) -> dict[str, Any]:
    """Says at each threshold that is asked for anew what it was, and how many members would be in
    the tier; and of the lowest, how many.
    """
    form.is_valid()
    wanted, typed = form.wanted(), form.thresholds()
    begins = {tier.pk: typed.get(tier.pk, tier.threshold) for tier in tiers}
    counts = reached.standing(program, begins, wanted, shops.front().zone, timezone.now())
    for tier in tiers:
        if name := form.asked.get(tier.pk):
            n = counts[tier.pk]
            words = ngettext(
                "It was %(was)s. From %(from)s on, %(n)s member would be in it.",
                "It was %(was)s. From %(from)s on, %(n)s members would be in it.",
                n,
            )
            form[name].help_text = words % {
                "was": _threshold(tier.threshold, form.policy, program),
                "from": _threshold(begins[tier.pk], wanted, program),
                "n": number(n),
            }
    return {
        "begins": [form[name] for name in form.asked.values()],
        "lowest": tiers[0],
        "in_lowest": counts[tiers[0].pk],
    }


def _listed(
    request: StaffRequest, program: Program, *, window: WindowForm | None = None, status: int = 200
) -> HttpResponse:
    policy = ladders.policy_of(program)
    found = ladders.all_of(program)
    held = reached.holders(program)
    thresholds = [tier.threshold for tier in found]
    have = reached.reaching(program, thresholds, policy, shops.front().zone, timezone.now())
    rows = [
        {
            "tier": tier,
            "threshold": _threshold(tier.threshold, policy, program),
            "times": fraction(Fraction(tier.multiplier)),
            "holders": held.get(tier.pk, 0),
            "reached": have.get(tier.threshold),
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
        "window": window or WindowForm(program, initial=begun),
        "seen": ladders.seen_window(program, found),
        "is_overtaken": status == 409,  # noqa: PLR2004
        "is_dirty": window is not None,
    }
    if window and window.asked:
        context |= _would_be(window, program, found)
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
        counts = reached.reaching(program, wanted, policy, zone, now)
        context["reached"] = counts.get(typed or tier.threshold, 0)
        context["holders"] = reached.holders(program).get(tier.pk, 0)
    return page(request, "manage/tier.html", context, status=status)
