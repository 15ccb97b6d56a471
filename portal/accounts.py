"""How allauth behaves here: nobody signs up, nobody has a password, and who does not work in this
shop gets nothing.
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from tenants import guesses, people
from tenants.guesses import LOGIN, LOGIN_FROM, TooManyGuesses
from tenants.logs import place
from tenants.models import User


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

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("manage:home")

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_login")

    def add_message(self, *args: Any, **options: Any) -> None:
        """Our pages say what happened themselves; allauth's messages would name the address."""


def _address(credentials: dict[str, Any]) -> str:
    """Whom a try is about. Whatever is no address is one subject too: nothing goes uncounted."""
    login = credentials.get("email") or credentials.get("username") or ""
    return str(login).strip().lower()
