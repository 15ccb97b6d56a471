"""The program: what it says, edited as sentences; what that comes to; versions; putting a draft in
force.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from loyalty import drafts, giveback, ladders, programs, versions
from loyalty.drafts import Said
from loyalty.models import Draft, Program, Purchase
from loyalty.refusals import BadSetting, Overtaken, Refusal
from portal.guards import StaffRequest, manager
from portal.manage.fields import DayField
from portal.manage.forms_policy import PolicyForm
from portal.manage.forms_rules import ADDABLE, KINDS, MOST_RULES, NEW, RuleForm, pairs
from portal.manage.rehearsed import account_of
from portal.manage.setting import Setting
from portal.manage.who import name_of
from portal.pages import go, page, see_other
from portal.voice import percent, voice_of
from tenants import shops
from tenants.models import Location, Staff

NUMBER = re.compile(r"\d{1,3}", re.ASCII)  # of a rule in the form


class Desk:
    """What lies before somebody who edits the program: what is in force, the draft, the forms."""

    def __init__(self, request: StaffRequest) -> None:
        found = programs.live()
        if found is None:
            raise Http404
        self.program: Program = found
        self.now: Said = drafts.in_force(found)
        self.draft: Draft | None = drafts.open_draft(found)
        self.said = drafts.said(self.draft, self.now) if self.draft else self.now
        self.setting = setting_of(found, is_owner=request.staff.role == Staff.Role.OWNER)
        self.rules: list[RuleForm] = []
        self.policy: PolicyForm

    @property
    def seen(self) -> str:
        return drafts.seen(self.draft, self.now)

    def show(self) -> None:
        """The forms as the draft says."""
        before = pairs(self.said, self.now)
        self.rules = [
            RuleForm(self.setting, rule["kind"], prefix=f"r{n}", rule=rule, was=before[n] or {})
            for n, rule in enumerate(self.said.rules)
        ]
        if not self.draft:
            for form in self.rules:
                form.was = None
        was = self.now.policy if self.draft else None
        self.policy = PolicyForm(self.setting, policy=self.said.policy, was=was)

    def read(self, posted: QueryDict) -> bool:
        """The forms as they were sent; whether all of it can be."""
        self.rules, self.policy = _forms(self.setting, posted, self.said.policy)
        good = [form.is_valid() for form in (*self.rules, self.policy)]
        return all(good)

    def wanted(self) -> Said:
        return Said([form.rule() for form in self.rules], self.policy.policy())


def _forms(
    setting: Setting, posted: QueryDict, policy: Mapping[str, Any]
) -> tuple[list[RuleForm], PolicyForm]:
    """The forms as they were sent."""
    numbers = [n for n in posted.getlist("rule") if NUMBER.fullmatch(n)][:MOST_RULES]
    kinds = {n: posted.get(f"r{n}-kind", "") for n in numbers}
    rules = [
        RuleForm(setting, kind, prefix=f"r{n}", data=posted)
        for n, kind in kinds.items()
        if kind in KINDS
    ]
    return rules, PolicyForm(setting, data=posted, policy=policy)


@require_safe
@manager
def program(request: StaffRequest) -> HttpResponse:
    desk = Desk(request)
    desk.show()
    return _shown(request, desk)


@require_POST
@manager
def edit(request: StaffRequest) -> HttpResponse:
    """Keep what was typed as the draft; with `add` one rule more, with `remove` one less."""
    desk, posted = Desk(request), request.POST.copy()
    if removed := posted.get("remove", ""):
        posted.setlist("rule", [n for n in posted.getlist("rule") if n != removed])
    if not desk.read(posted):
        return _shown(request, desk, status=422)
    wanted, added = desk.wanted(), posted.get("add", "")
    if added in NEW and len(wanted.rules) < MOST_RULES:
        new: dict[str, Any] = {"kind": added, **NEW[added]}
        if added == "spend":
            new["per"] = 10**desk.setting.decimals
        wanted = Said([*wanted.rules, new], wanted.policy)
    at = timezone.now()
    try:
        told = drafts.edit(
            desk.program, wanted, seen_as=posted.get("seen", ""), at=at, by=request.by
        )
    except Overtaken as refusal:
        return _shown(request, desk, overtaken=refusal, status=409)
    except BadSetting as refusal:
        return _shown(request, desk, trouble=str(refusal.figures["why"]), status=422)
    where = reverse("manage:program")
    if desk.draft and desk.draft.starts_on and not (told and told.starts_on):
        where = f"{where}?done=off"  # its day, since it is another draft now
    return see_other(f"{where}#r{len(wanted.rules) - 1}" if added in NEW else where)


@require_POST
@manager
def preview(request: StaffRequest) -> HttpResponse:
    """What the sentences come to as they are typed; nothing is kept."""
    found = programs.live()
    if found is None:
        raise Http404
    posted, front = request.POST, shops.front()
    named = {
        name: [each for n in posted if n.endswith(f"-{name}") for each in posted.getlist(n)]
        for name in ("tiers", "locations")
    }
    setting = Setting(found, front.currency, front.decimals, named["tiers"], named["locations"])
    policy = {**found.policy, "rounding": found.rounding, "carries": found.carries}
    rules, promises = _forms(setting, posted, policy)
    good = all(form.is_valid() for form in (*rules, promises))
    said = Said([form.rule() for form in rules], promises.policy()) if good else None
    return page(request, "manage/program.html", _coming(found, said), fragment="coming")


@require_POST
@manager
def start(request: StaffRequest) -> HttpResponse:
    """Put the draft in force: today, or on a later day."""
    desk = Desk(request)
    desk.show()
    today = timezone.localdate()
    try:
        day = DayField().clean(request.POST.get("day", "")) or today
    except ValidationError:
        day = dt.date.min
    unrehearsed = desk.draft and not drafts.is_rehearsed(desk.draft)
    if unrehearsed and not request.POST.get("unrehearsed") and Purchase.objects.exists():
        why = gettext("Rehearse it first, or tick that it may begin unrehearsed.")
        return _shown(request, desk, trouble=why, status=422)
    return _carried_out(request, desk, drafts.schedule, day)


@require_POST
@manager
def put_back(request: StaffRequest) -> HttpResponse:
    """The draft waits again for a day."""
    return _carried_out(request, Desk(request), drafts.put_back)


@require_POST
@manager
def remove(request: StaffRequest) -> HttpResponse:
    """Throw the draft away."""
    return _carried_out(request, Desk(request), drafts.throw_away)


def setting_of(program: Program, *, is_owner: bool) -> Setting:
    front = shops.front()
    return Setting(
        program=program,
        currency=front.currency,
        decimals=front.decimals,
        tiers=[tier.name for tier in ladders.all_of(program)],
        locations=list(Location.objects.order_by("name").values_list("name", flat=True)),
        is_owner=is_owner,
    )


def _carried_out(request: StaffRequest, desk: Desk, verb: Any, *about: Any) -> HttpResponse:
    try:
        seen = request.POST.get("seen", "")
        verb(desk.program, *about, seen_as=seen, at=timezone.now(), by=request.by)
    except Overtaken as refusal:
        desk.show()
        return _shown(request, desk, overtaken=refusal, status=409)
    except Refusal as refusal:
        desk.show()
        why = refusal.figures.get("why", refusal)
        return _shown(request, desk, trouble=str(why), status=422)
    return go(request, reverse("manage:program"))


def _shown(
    request: StaffRequest,
    desk: Desk,
    *,
    status: int = 200,
    trouble: str = "",
    overtaken: Overtaken | None = None,
) -> HttpResponse:
    voice, now = voice_of(desk.program), timezone.now()
    good = status in (200, 409)
    context = {
        "section": "program",
        "staff": request.staff,
        "now": now,
        "today": timezone.localdate(),
        "program": desk.program,
        "draft": desk.draft,
        "drafted_by": name_of(desk.draft.made_by) if desk.draft else "",
        "changes": drafts.differences(desk.now, desk.said),
        "diff": versions.differences(desk.now, desk.said, voice, desk.program),
        "seen": desk.seen,
        "rules": desk.rules,
        "policy": desk.policy,
        "addable": ADDABLE if len(desk.rules) < MOST_RULES else (),
        "trouble": trouble,
        "overtaken": overtaken,
        "overtaken_by": name_of(overtaken.who) if overtaken else "",
        "is_dirty": status != 200 and not trouble,  # noqa: PLR2004
        "versions": [
            {
                "at": version.at,
                "draft": version.draft,
                "changes": version.changes,
                "sentences": version.sentences,
                "name": name_of(version.who),
            }
            for version in versions.history(desk.program, desk.now, voice)
        ],
        **_coming(desk.program, desk.said if good else None),
        **account_of(desk.program, desk.draft, desk.now),
    }
    return page(request, "manage/program.html", context, status=status)


def _coming(program: Program, said: Said | None) -> dict[str, Any]:
    """What it comes to, for the template."""
    told: dict[str, Any] = {"program": program, "coming": None}
    if said:
        rewards = giveback.buyable()
        usual = giveback.usual_sale(rewards, said.rules)
        told["coming"] = giveback.give_back(program, said.rules, said.promises, rewards, usual)
    if coming := told["coming"]:
        told["buys"] = voice_of(program).points(coming.points)
        told["share"] = percent(coming.share) if coming.share else ""
        told["cost"] = percent(coming.cost) if coming.cost else ""
    return told
