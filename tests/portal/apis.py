"""A shop's own system, as the tests play it: a secret key, its tokens, and what it asks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.utils import timezone

from tenants import keys, tokens
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import ApiKey
from tenants.prefixed import spell
from tests.conftest import Shop

SITE = "https://shop.example"
MONEY = {"amount": "24.50", "currency": "AED"}


def make_key(shop: Shop, *scopes: str, origins: tuple[str, ...] = (SITE,)) -> tuple[ApiKey, str]:
    with inside(shop.tenant):
        by = Actor.of_staff(shop.owner)
        return keys.make("web shop", scopes or keys.SCOPES, origins, at=timezone.now(), by=by)


def token_of(shop: Shop, key: ApiKey, *, member: Any = None, origins: tuple[str, ...] = ()) -> str:
    scopes = keys.MEMBER_SCOPES if member else key.scopes
    now = timezone.now()
    issued = tokens.issue(
        key, shop.tenant, scopes=scopes, at=now, origins=origins, member=member and member.pk
    )
    return issued.token


@dataclass
class System:
    """Asks one shop's API with one credential."""

    host: str
    credential: str = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """`body` is sent as JSON, or as it is where it is bytes."""
        client = Client(HTTP_HOST=self.host)
        sent = {"Authorization": f"Bearer {self.credential}"} if self.credential else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        kind = sent.pop("Content-Type", "application/json")
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
        path = path if path.startswith("/") else f"/api/v1/{path}"
        return client.generic(method, path, raw, content_type=kind, headers=sent)

    def get(self, path: str, **headers: str) -> Any:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, *, key: str = "", **headers: str) -> Any:
        keyed = {"Idempotency-Key": key} if key else {}
        return self.ask("POST", path, {} if body is None else body, **keyed, **headers)


def system(shop: Shop, *scopes: str) -> System:
    """The shop's server, with a token of these scopes (all without any)."""
    key, _ = make_key(shop, *scopes)
    return System(shop.host, token_of(shop, key))


def member_id(shop: Shop) -> str:
    return spell("mem", shop.member.pk)


def code_of(answer):
    return answer.status_code, answer.json()["code"]


def wrong_in(answer):
    (error,) = answer.json()["errors"]
    return error.get("pointer", error.get("parameter")), error["code"]
