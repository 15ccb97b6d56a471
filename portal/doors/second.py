"""An authenticator app: the second proof, set up, asked for at every sign-in, and its recovery
codes, which are shown once.
"""

from __future__ import annotations

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.stagekit import clear_login
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal import flows as recovery
from allauth.mfa.totp.internal import flows
from allauth.mfa.webauthn.internal import auth as webauthn
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal import factors, qr
from portal.doors.forms import Activate, PasskeyProof, SecondProof, posted
from portal.doors.passkeys import challenge, wants_challenge
from portal.doors.signing_in import ASK
from portal.forms import first_error
from portal.guards import StaffRequest, colleague, freshly
from portal.pages import page, see_other
from tenants.trace import write


@require_http_methods(ASK)
@login_stage_required(stage=factors.SecondProof.key, redirect_urlname="account_login")  # type: ignore[untyped-decorator]
@never_cache
def authenticate(request: HttpRequest) -> HttpResponse:
    """After the first proof: the app's code, a recovery code, or a passkey."""
    stage = request._login_stage  # type: ignore[attr-defined]
    user = stage.login.user
    if request.POST.get("action") == "cancel":
        clear_login(request)
        return see_other(reverse("account_login"))
    if wants_challenge(request):
        return challenge(webauthn.begin_authentication(user))
    form, passkey = SecondProof(user=user), PasskeyProof(user=user)
    if request.method == "POST":
        by_passkey = "credential" in request.POST
        tried = (PasskeyProof if by_passkey else SecondProof)(user=user, data=request.POST)
        if tried.is_valid():
            tried.save()
            return see_other(stage.exit().headers["Location"])
        form, passkey = (form, tried) if by_passkey else (tried, passkey)
    context = {
        "form": form,
        "passkey_trouble": first_error(passkey),
        "has_passkey": bool(factors.passkeys_of(user)),
    }
    return page(
        request, "mfa/authenticate.html", context, status=422 if request.method == "POST" else 200
    )


@require_http_methods(ASK)
@colleague
@freshly
def activate(request: StaffRequest) -> HttpResponse:
    user = request.staff.user
    if factors.has_app(user):
        return see_other(f"{reverse('account')}#app")
    form = Activate(posted(request), user=user)
    if request.method == "POST" and form.is_valid():
        flows.activate_totp(request, form)
        write(request.by, "staff.app_set_up", request.staff.pk, at=timezone.now())
        return see_other(reverse("mfa_view_recovery_codes"))
    url = get_adapter().build_totp_url(user, form.secret)
    context = {
        "form": form,
        "secret": form.secret,
        "url": url,
        "drawing": qr.drawn(url),
    }
    return page(request, "mfa/totp/activate.html", context, status=422 if form.is_bound else 200)


@require_http_methods(ASK)
@colleague
@freshly
def deactivate(request: StaffRequest) -> HttpResponse:
    user = request.staff.user
    found = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if found is None:
        return see_other(f"{reverse('account')}#app")
    if request.method != "POST":
        return page(request, "mfa/totp/deactivate.html")
    flows.deactivate_totp(request, found)
    Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
    write(request.by, "staff.app_removed", request.staff.pk, at=timezone.now())
    return see_other(f"{reverse('account')}#app")


@require_http_methods(["GET", "HEAD"])
@colleague
@freshly
@never_cache
def recovery_codes(request: StaffRequest) -> HttpResponse:
    """The codes, once; afterwards only how many are left."""
    found, can_view = recovery.view_recovery_codes(request)
    if found is None:
        raise Http404
    unused = found.get_unused_codes()
    context = {"codes": unused if can_view else [], "left": len(unused)}
    return page(request, "mfa/recovery_codes/index.html", context)


@require_http_methods(ASK)
@colleague
@freshly
def new_recovery_codes(request: StaffRequest) -> HttpResponse:
    if not factors.has_app(request.staff.user):
        raise Http404
    if request.method != "POST":
        return page(request, "mfa/recovery_codes/generate.html")
    recovery.generate_recovery_codes(request)
    write(request.by, "staff.recovery_codes_made", request.staff.pk, at=timezone.now())
    return see_other(reverse("mfa_view_recovery_codes"))
