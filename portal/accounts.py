"""How allauth behaves here: nobody signs up, nobody has a password, and who does not work in this
shop gets nothing.
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from tenants import people
from tenants.models import User


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

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
