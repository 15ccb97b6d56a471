"""The way in for owner and managers, on the shop's own host."""

from __future__ import annotations

from http import HTTPStatus

from allauth.account.adapter import get_adapter
from allauth.account.utils import perform_login
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import links
from portal.pages import page, see_other
from tenants import people, secrets
from tenants.models import Staff, User


@require_safe
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """Says how to get in. Who is in already goes on."""
    if isinstance(request.user, User) and people.staff_of(request.user):
        return see_other(_next(request) or reverse("manage:home"))
    return page(request, "account/login.html")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def link(request: HttpRequest, secret: str) -> HttpResponse:
    """A one-time sign-in link. Opening it shows whose it is; only pressing the button uses it up.

    So a mail scanner or a chat's preview, which open every link, sign nobody in and waste nothing.
    """
    subject = links.opened(request, secrets.SIGN_IN, secret, at=timezone.now())
    user = User.objects.filter(pk=subject, is_active=True).first() if subject else None
    staff = people.staff_of(user) if user else None
    if user is None or staff is None:
        return page(request, "account/link_gone.html", status=410)
    if request.method != "POST":
        return page(
            request, "account/link.html", {"staff": staff, **_also_signed_in(request, staff)}
        )
    response: HttpResponse = perform_login(request, user, email_verification="none")
    if response.status_code == HTTPStatus.FOUND:
        response.status_code = HTTPStatus.SEE_OTHER
    return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    get_adapter(request).logout(request)
    return see_other(reverse("account_login"))


def _also_signed_in(request: HttpRequest, staff: Staff) -> dict[str, object]:
    """Another colleague who is signed in here would be signed out by this link: the page says
    so.
    """
    other = people.staff_of(request.user) if isinstance(request.user, User) else None
    return {"other": other if other and other.pk != staff.pk else None}


def _next(request: HttpRequest) -> str | None:
    wish = request.GET.get("next", "")
    fine = url_has_allowed_host_and_scheme(wish, {request.get_host()}, request.is_secure())
    return wish if fine else None


urlpatterns = [
    path("login/", sign_in, name="account_login"),
    path("logout/", sign_out, name="account_logout"),
    path("link/<str:secret>/", link, name="account_link"),
]
