"""One member: everything that ever happened to her points, what is within her reach, who she is,
and what she agreed to.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from loyalty import consents, dossiers, history, profiles, redemptions
from loyalty.models import Consent, Identifier, Member, Voucher
from loyalty.profiles import Profile
from loyalty.refusals import (
    AlreadyMember,
    BadDate,
    BadEmail,
    BadPhone,
    NothingToKnowBy,
    Refusal,
    StaleProfile,
)
from portal.guards import StaffRequest, manager
from portal.manage.forms import Before, ProfileForm, place_after
from portal.manage.head import head, member_or_404, name_of
from portal.manage.portrait import by_day
from portal.pages import answer, go, page
from portal.templatetags.portal import phone as national

ENTRIES = 40  # of a timeline at once
VOUCHERS = 50
FIELDS: dict[type[Refusal], str] = {
    BadPhone: "phone",
    BadEmail: "email",
    BadDate: "birth_date",
    NothingToKnowBy: "phone",
}


@require_safe
@manager
def member(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Her account, line by line."""
    found = member_or_404(pk)
    context = head(request, found, "account")
    account, now = context["account"], context["now"]
    form = Before(request.GET)
    before = form.cleaned_data["before"] if form.is_valid() else None
    entries = history.timeline(found, limit=ENTRIES + 1, before=before)
    standing = history.standing_before(account, before) if account else 0
    context |= {
        "days": by_day(entries[:ENTRIES], standing),
        "older": place_after(entries, ENTRIES),
        "before": before,
        "offers": redemptions.offers(found, at=now, account=account)[:3],
        "known": profiles.profile_of(found),
        "consent": consents.latest(found, Consent.Purpose.MARKETING),
    }
    return page(request, "manage/member.html", context, fragment="account")


@require_safe
@manager
def rewards(request: StaffRequest, pk: UUID) -> HttpResponse:
    """What she can have, and the vouchers she has had."""
    found = member_or_404(pk)
    context = head(request, found, "rewards")
    vouchers = Voucher.objects.filter(owner=found.pk)
    context |= {
        "offers": redemptions.offers(found, at=context["now"], account=context["account"]),
        "vouchers": vouchers.select_related("reward", "account__program").order_by(
            "-issued_at", "-id"
        )[:VOUCHERS],
        "today": timezone.localdate(),
    }
    return page(request, "manage/member_rewards.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@manager
def profile(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Who she is. What somebody else changed meanwhile is shown, not overwritten."""
    found = member_or_404(pk)
    now_known = profiles.profile_of(found)
    kept = {name: getattr(now_known, name) for name in ProfileForm.base_fields if name != "version"}
    if request.method != "POST":
        shown = {**kept, "phone": national(now_known.phone), "version": found.version}
        form = ProfileForm(initial=shown, hers=found.language)
        return _profile(request, found, form, known=now_known)
    form = ProfileForm(request.POST, hers=found.language)
    if not form.is_valid():
        return _profile(request, found, form, known=now_known, status=422)
    wish: dict[str, Any] = form.cleaned_data
    version = wish.pop("version")
    try:
        profiles.change(
            found, Profile(**wish), version=version or 0, at=timezone.now(), by=request.by
        )
    except StaleProfile:
        return _stale(request, found, form, now_known)
    except AlreadyMember as refusal:
        form.add_error(refusal.figures.get("field"), str(refusal))
    except Refusal as refusal:
        form.add_error(FIELDS.get(type(refusal)), str(refusal))
    else:
        return go(request, f"{reverse('manage:profile', args=[found.pk])}?done=saved")
    return _profile(request, found, form, known=now_known, status=422)


@require_safe
@manager
def privacy(request: StaffRequest, pk: UUID) -> HttpResponse:
    """What she agreed to, what is kept of her, and how to give it to her or to forget it."""
    found = member_or_404(pk)
    said = Consent.objects.filter(member=found.pk).order_by("-at", "-id")[:20]
    context = head(request, found, "privacy") | {
        "said": said,
        "agrees": bool(said) and said[0].granted,
        "known_by": Identifier.everyone.filter(member=found.pk).order_by("-is_active", "-id"),
    }
    return page(request, "manage/member_privacy.html", context)


@require_POST
@manager
def withdraw(request: StaffRequest, pk: UUID) -> HttpResponse:
    """She said at the counter that she wants no news. Only she herself can say that she does."""
    found = member_or_404(pk)
    consents.withdraw(
        found, Consent.Purpose.MARKETING, at=timezone.now(), by=request.by, source="portal"
    )
    return go(request, f"{reverse('manage:privacy', args=[found.pk])}?done=withdrawn")


@require_safe
@manager
def export(request: StaffRequest, pk: UUID, form: str) -> HttpResponse:
    """All that is kept of her as JSON, or her account as a table."""
    found = member_or_404(pk)
    if form == "csv":
        response = HttpResponse(dossiers.entries_as_csv(found), "text/csv; charset=utf-8")
    else:
        told = dossiers.dossier(found, at=timezone.now())
        response = HttpResponse(json.dumps(told, ensure_ascii=False, indent=1), "application/json")
    response["Content-Disposition"] = f'attachment; filename="member-{found.code}.{form}"'
    return answer(response)


def _profile(
    request: StaffRequest, found: Member, form: ProfileForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = head(request, found, "profile") | {"form": form, **more}
    return page(request, "manage/member_profile.html", context, fragment="profile", status=status)


def _stale(request: StaffRequest, found: Member, form: ProfileForm, known: Profile) -> HttpResponse:
    """The form with what was typed, what stands there now, and the version that overwrites it."""
    change = profiles.last_change(found)
    told = {**form.data.dict(), "version": found.version}  # type: ignore[attr-defined]
    again = ProfileForm(told, hers=found.language)
    again.is_valid()
    labels = {name: field.label for name, field in again.fields.items()}
    context = {
        "change": change,
        "changed_by": name_of(change.who) if change else "",
        "changed": [labels.get(name, name) for name in (change.fields if change else ())],
        "known": known,
    }
    return _profile(request, found, again, status=409, **context)
