"""Who comes in: a secret key at the exchange, a token everywhere else. No cookie is ever read."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from django.utils import timezone

from portal.api.problems import Wrong, unauthorized
from portal.guards import TenantRequest
from tenants import keys, logs, tokens
from tenants.actors import Actor
from tenants.models import ApiKey
from tenants.tokens import BadToken, Bearer, OtherShop


class KeyRequest(TenantRequest):
    """The shop's own server, with its secret."""

    key: ApiKey


class BearerRequest(TenantRequest):
    """Whoever holds a token."""

    bearer: Bearer
    by: Actor


class SecretKey:
    """Only a secret key: `Authorization: Bearer sk_live_…`."""

    openapi_security_schema = {
        "type": "http",
        "scheme": "bearer",
        "description": "A secret key of the shop (`sk_live_…`). It never leaves a server.",
    }
    scopes: tuple[str, ...] = ()

    def __call__(self, request: HttpRequest) -> ApiKey:
        key = keys.find(_credential(request), at=timezone.now())
        if key is None:
            raise unauthorized()
        logs.acting(Actor.of_key(key).who)
        cast(KeyRequest, request).key = key
        return key


class Token:
    """A token with one of these scopes (or any token): of the shop's server, and with `of_member`
    of one of its members too.
    """

    openapi_security_schema = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token, from `POST /tokens`. It is good for this shop alone.",
    }

    def __init__(self, *scopes: str, of_member: bool = False) -> None:
        self.scopes, self.of_member = scopes, of_member

    def __call__(self, request: HttpRequest) -> Bearer:
        """401 for anything wrong with the token; 403 for a good one of another shop, without the
        scope, or from a site that it is not for.
        """
        tenant = cast(TenantRequest, request).tenant
        try:
            bearer = tokens.read(_credential(request), tenant, at=timezone.now())
        except BadToken:
            raise unauthorized() from None
        except OtherShop:
            raise Wrong(403, "wrong_tenant", "This token is for another shop.") from None
        origin = request.headers.get("Origin")
        if origin is not None and origin not in bearer.origins:
            raise Wrong(403, "wrong_origin", "This token is not for that site.")
        if bearer.member and not self.of_member:
            raise Wrong(403, "server_only", "A member's own token may not do this.")
        if self.scopes:
            need(bearer, *self.scopes)
        asked = cast(BearerRequest, request)
        asked.bearer, asked.by = bearer, Actor.of_key(bearer.key)
        logs.acting(asked.by.who)
        return bearer


def need(bearer: Bearer, *scopes: str) -> None:
    """Raises a problem (403) unless the token has one of these scopes."""
    if bearer.scopes.intersection(scopes):
        return
    needed = " ".join(scopes)
    told: dict[str, Any] = {
        "WWW-Authenticate": f'Bearer realm="api", error="insufficient_scope", scope="{needed}"'
    }
    raise Wrong(403, "insufficient_scope", f"This needs {needed}.", headers=told)


def _credential(request: HttpRequest) -> str:
    kind, _, credential = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not credential.strip():
        raise unauthorized("no_token")
    return credential.strip()
