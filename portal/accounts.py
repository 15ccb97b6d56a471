"""How allauth behaves here: nobody signs up, nobody has a password, and who does not work in this
shop gets nothing.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.core.exceptions import ReauthenticationRequired
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from portal import agents, guards, letters
from portal.forms import uuid_of
from tenants import guesses, people, sessions
from tenants.context import current
from tenants.guesses import LOGIN, LOGIN_FROM, TooManyGuesses
from tenants.logs import place
from tenants.models import User


class Backend(AuthenticationBackend):  # type: ignore[misc]
    """A session's person is who works here: whose place ended is nobody at her next request."""

    def get_user(self, user_id: object) -> User | None:
        scope, pk = current(), uuid_of(str(user_id))
        if scope is None or scope.tenant_id is None or pk is None:
            return None
        return people.signed_in(pk)


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Every try with a password, signing in or confirming who one is, through one door."""
        user: User | None = super().authenticate(request, **credentials)
        if user:
            guesses.right(LOGIN, _address(credentials))
        return user

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counts the try before it is made, in place of allauth's own limit in a cache."""
        now = timezone.now()
        try:
            guesses.check(LOGIN_FROM, place().address, at=now)
            guesses.take(LOGIN, _address(credentials), at=now)
        except TooManyGuesses:
            raise self.validation_error("too_many_login_attempts") from None

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        guesses.wrong(LOGIN_FROM, place().address, at=timezone.now())

    def pre_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse | None:
        """The last gate of every way in, whichever it is."""
        if people.staff_of(user) is None:
            raise PermissionDenied
        response: HttpResponse | None = super().pre_login(request, user, **options)
        return response

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        sessions.begin(request.session, agents.words(request), at=timezone.now())

    def get_login_stages(self) -> list[str]:
        return ["portal.factors.SecondProof"]

    def is_reauthentication_required(self, *, app: str, **_: Any) -> bool:
        """allauth's own acts ask as ours do, also for a person who has only her address."""
        if not guards.is_fresh(self.request):
            raise ReauthenticationRequired
        return False

    def get_reauthentication_methods(self, user: object) -> list[dict[str, str]]:
        return [{"id": "again", "description": "", "url": reverse("account_reauthenticate")}]

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        user = request.user
        return goal(user) if isinstance(user, User) else reverse("account")

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_login")

    def add_message(self, *args: Any, **options: Any) -> None:
        """Our pages say what happened themselves; allauth's messages would name the address."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """allauth sends nothing by itself: its templates and its way to the mail are not ours."""
        raise NotImplementedError(template_prefix)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tells a person what was changed about the way she signs in."""
        notify(self.request, user, template_prefix.rpartition("/")[2])


def goal(user: User, wish: str = "") -> str:
    """Where somebody goes who is in: to what she asked for, else home. The portal is not for who
    does not manage: at home she is on her own page.
    """
    staff = people.staff_of(user)
    portal, own = reverse("manage:home"), reverse("account")
    if staff is None or staff.manages:
        return wish or portal
    return own if urlsplit(wish).path.startswith(portal.rstrip("/")) else wish or own


def notify(request: HttpRequest, user: User, what: str, *, to: str = "") -> None:
    """A letter to whoever signs in: `what` ("webauthn_added") was just done with her account."""
    staff = people.staff_of(user)
    now = timezone.now()
    told = {"what": what, "agent": agents.words(request), "at": now}
    language = staff.language if staff else ""
    letters.write("account_notice", to or user.email, told, at=now, language=language)


def _address(credentials: dict[str, Any]) -> str:
    """Whom a try is about. Whatever is no address is one subject too: nothing goes uncounted."""
    login = credentials.get("email") or credentials.get("username") or ""
    return str(login).strip().lower()
