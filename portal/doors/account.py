"""A person's own page: her name and language here, how she signs in, where she is signed in, and
her other shops.
"""

from __future__ import annotations

from uuid import UUID

from allauth.mfa.models import Authenticator
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import language, links
from portal.doors.forms import Profile, posted
from portal.guards import StaffRequest, colleague, freshly
from portal.pages import page, see_other
from tenants import people, sessions
from tenants.people import LastOwner

ASK = ["GET", "HEAD", "POST"]


@require_safe
@never_cache
@colleague
def account(request: StaffRequest) -> HttpResponse:
    return _shown(request, _profile(request))


@require_POST
@colleague
def profile(request: StaffRequest) -> HttpResponse:
    """Name and language. The language shows at once, also in a browser that remembers another."""
    form = _profile(request)
    if not form.is_valid():
        return _shown(request, form, status=422)
    given, now = form.cleaned_data, timezone.now()
    people.introduce(request.staff, given["name"], given["language"], at=now, by=request.by)
    request.session.pop(language.CHOSEN, None)
    response = see_other(reverse("account"))
    return language.remember(request, response, given["language"])


@require_POST
@colleague
def end_session(request: StaffRequest, mark: str) -> HttpResponse:
    """Sign one browser out: this one too, if it is named."""
    user, now = request.staff.user, timezone.now()
    is_this = mark == sessions.mark(request.session.session_key)
    if is_this:
        request.session.flush()
        return see_other(reverse("account_login"))
    if not sessions.end(user.pk, mark, at=now):
        raise Http404
    return see_other(f"{reverse('account')}#sessions")


@require_POST
@colleague
def end_other_sessions(request: StaffRequest) -> HttpResponse:
    sessions.end_all(request.staff.user.pk, but=request.session.session_key)
    return see_other(f"{reverse('account')}#sessions")


@require_POST
@colleague
def shop(request: StaffRequest, tenant: UUID) -> HttpResponse:
    """The way to another shop of hers: a page here with a plain link there, good for a minute.

    A form may not send a browser to another host (the policy's form-action), a link may.
    """
    user = request.staff.user
    there = next((p for p in people.shops_of(user) if p.tenant.pk == tenant), None)
    if there is None or there.tenant.pk == request.tenant.pk:
        raise Http404
    url = links.across(there.tenant, user.pk, at=timezone.now())
    return page(request, "account/shop.html", {"place": there, "url": url})


@require_http_methods(ASK)
@never_cache
@colleague
@freshly
def leave(request: StaffRequest) -> HttpResponse:
    """Her place in this shop ends, whatever her role is: a page that asks, and a button. The last
    owner cannot go.
    """
    why = ""
    if request.method == "POST":
        try:
            people.remove(request.staff, at=timezone.now(), by=request.by)
        except LastOwner:
            why = gettext("A shop keeps an owner. Make somebody else one first.")
        else:
            return see_other(reverse("account_login"))
    return page(request, "account/leave.html", {"why": why}, status=422 if why else 200)


def _profile(request: StaffRequest) -> Profile:
    known = {"name": request.staff.name, "language": request.staff.language}
    return Profile(posted(request), initial=known)


def _shown(request: StaffRequest, form: Profile, *, status: int = 200) -> HttpResponse:
    user, now = request.staff.user, timezone.now()
    kinds = Authenticator.Type
    ways = list(Authenticator.objects.filter(user=user).order_by("pk"))
    recovery = next((way for way in ways if way.type == kinds.RECOVERY_CODES), None)
    key = request.session.session_key
    context = {
        "staff": request.staff,
        "form": form,
        "email": user.email,
        "passkeys": [way for way in ways if way.type == kinds.WEBAUTHN],
        "app": next((way for way in ways if way.type == kinds.TOTP), None),
        "recovery_left": len(recovery.wrap().get_unused_codes()) if recovery else 0,
        "sessions": [
            {"row": row, "mark": sessions.mark(row.session_key), "is_this": row.session_key == key}
            for row in sessions.living(user.pk, at=now)
        ],
        "shops": [p for p in people.shops_of(user) if p.tenant.pk != request.tenant.pk],
        "manages": request.staff.manages,
    }
    return page(request, "account/account.html", context, status=status)
