"""Passkeys and authenticator apps, as allauth's MFA sees them."""

from __future__ import annotations

import base64
import hashlib

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from portal import agents, qr
from tenants import people, shops
from tenants.models import User

# What is sealed of an authenticator, by the names that allauth has for it.
SEALED = {Authenticator.Type.TOTP: {"secret"}, Authenticator.Type.RECOVERY_CODES: {"seed"}}


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]
    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """One passkey opens all shops of a person: it belongs to the base domain. A domain of one
        label cannot own any; there it belongs to the shop's host.
        """
        host = context.request.get_host().partition(":")[0]
        owner = settings.BASE_DOMAIN if "." in settings.BASE_DOMAIN else host
        return {"id": owner, "name": shops.front().name}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, object]:
        return {
            "id": user.pk.hex.encode(),
            "name": user.email,
            "display_name": user.name or user.email,
        }

    def get_totp_issuer(self) -> str:
        return shops.front().name

    def generate_authenticator_name(self, user: User, type: str) -> str:  # noqa: A002
        return agents.words(context.request) or "Passkey"

    def build_totp_svg(self, url: str) -> str:
        return str(qr.drawn(url))

    def encrypt(self, text: str) -> str:
        """A copy of the database alone makes no code of anybody's authenticator."""
        sealed: bytes = _fernet().encrypt(text.encode())
        return sealed.decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            opened: bytes = _fernet().decrypt(encrypted_text.encode())
        except InvalidToken:  # sealed with a key that the server has no more: nothing fits it
            return str(generate_totp_secret())
        return opened.decode()


class SecondProof(AuthenticateStage):  # type: ignore[misc]
    """Who set up an authenticator app is asked for its code, whichever way she came.

    A passkey alone asks nothing more of anybody: it is the easy way in, and mail stays the other.
    """

    def _should_handle(self, request: HttpRequest) -> bool:
        user = self.login.user
        has_app = is_mfa_enabled(user, [Authenticator.Type.TOTP])
        if has_app and settings.SECRET_KEY_FALLBACKS:
            seal_anew(user)
        return has_app and not did_use_passwordless_login(request, user)


def passkeys_of(user: User) -> list[Authenticator]:
    rows = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)
    return list(rows.order_by("pk"))


def has_app(user: User) -> bool:
    return bool(is_mfa_enabled(user, [Authenticator.Type.TOTP]))


def works_here(user: User) -> bool:
    return people.staff_of(user) is not None


def seal_anew(user: User) -> None:
    """Put this person's app and recovery codes under SECRET_KEY, so that the key of before may go.
    Again changes nothing that anybody sees.
    """
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user=user, type__in=SEALED)
        for row in rows:
            for name in SEALED[row.type] & row.data.keys():
                row.data[name] = _sealed_anew(row.data[name])
            row.save(update_fields=["data"])


def _sealed_anew(text: str) -> str:
    try:
        return _fernet().rotate(text.encode()).decode()
    except InvalidToken:  # with a key that is gone
        return text


def _fernet() -> MultiFernet:
    """Seals with SECRET_KEY, and opens with those of before too."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    keys = [hashlib.sha256(b"authenticators:" + secret.encode()).digest() for secret in secrets]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
