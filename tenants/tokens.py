"""Tokens of the API: what a secret key is exchanged for, signed by us, good for minutes.

They are JWTs in the profile of RFC 9068, signed with Ed25519 and nothing else. The signing key is
derived from SECRET_KEY and kept nowhere; the keys of SECRET_KEY_FALLBACKS still verify, so a
rotation costs nobody a token.

Three things must name one shop: the host that is asked, the claim in the token, and the scope in
which its key is found.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.db.models import Exists

from tenants import hosts, prefixed
from tenants.ids import uuid7
from tenants.models import ApiKey, RevokedToken, Tenant

ALGORITHM, TYPE = "EdDSA", "at+jwt"
LEEWAY = 30  # seconds by which two clocks may differ
SERVER_FOR, MEMBER_FOR = dt.timedelta(minutes=60), dt.timedelta(minutes=15)
KEY, MEMBER = "key", "mem"  # prefixes of the subject
LONGEST = 4096  # characters of a token
_PURPOSE = b"tokens of the API, Ed25519, 1"
_TEXTS = ("iss", "aud", "tenant_id", "sub", "client_id", "scope", "jti")
_TIMES = ("iat", "nbf", "exp")


class BadToken(Exception):
    """Anything wrong with a token. Which, is not told: it is of no use to whoever holds a good
    one.
    """


class OtherShop(Exception):
    """A good token, of another shop."""


@dataclass(frozen=True, slots=True)
class Issued:
    token: str
    expires_in: int  # seconds
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who comes with a token: the key it was exchanged for, and the member it is of, if it is of
    one.
    """

    key: ApiKey
    scopes: frozenset[str]
    origins: tuple[str, ...]
    jti: UUID
    expires_at: dt.datetime
    member: UUID | None = None


def issue(
    key: ApiKey,
    tenant: Tenant,
    *,
    scopes: Collection[str],
    at: dt.datetime,
    origins: Collection[str] = (),
    member: UUID | None = None,
) -> Issued:
    """A token of this key, for its server or for one member. Scopes and origins are within the
    key's: the caller has looked. Each call makes another token.
    """
    told = tuple(scope for scope in key.scopes if scope in scopes)
    lifetime = MEMBER_FOR if member else SERVER_FOR
    now = int(at.timestamp())
    claims = {
        "iss": hosts.url_of(tenant),
        "aud": audience(tenant.pk),
        "tenant_id": str(tenant.pk),
        "sub": prefixed.spell(MEMBER, member) if member else prefixed.spell(KEY, key.pk),
        "client_id": prefixed.spell(KEY, key.pk),
        "scope": " ".join(told),
        "origins": list(origins),
        "iat": now,
        "nbf": now,
        "exp": now + int(lifetime.total_seconds()),
        "jti": str(uuid7()),
    }
    signer = _keys()[0]
    headers = {"typ": TYPE, "kid": _kid(signer.public_key())}
    token = jwt.encode(claims, signer, algorithm=ALGORITHM, headers=headers)
    return Issued(token, int(lifetime.total_seconds()), told)


def read(token: str, tenant: Tenant, *, at: dt.datetime) -> Bearer:
    """Who holds this token, on this shop's host. One statement.

    Raises BadToken, and OtherShop only for a token that is good and says of itself that it is of
    another shop.
    """
    claims = _verified(token)
    now = at.timestamp()
    if not claims["nbf"] - LEEWAY <= now < claims["exp"] + LEEWAY:
        raise BadToken
    if claims["iat"] > now + LEEWAY or claims["aud"] != f"tenant:{claims['tenant_id']}":
        raise BadToken
    if claims["tenant_id"] != str(tenant.pk):
        raise OtherShop
    if claims["iss"] != hosts.url_of(tenant):
        raise BadToken
    return _bearer(claims)


def audience(tenant: UUID) -> str:
    return f"tenant:{tenant}"


def revoke(bearer: Bearer) -> None:
    """Take a token back before its time. Twice is once."""
    RevokedToken.objects.bulk_create(
        [RevokedToken(jti=bearer.jti, expires_at=bearer.expires_at)], ignore_conflicts=True
    )


def forget_old(at: dt.datetime) -> int:
    """Delete what is said of tokens that are over by themselves; returns how many."""
    gone, _ = RevokedToken.objects.filter(expires_at__lt=at - dt.timedelta(hours=1)).delete()
    return gone


def key_set() -> dict[str, object]:
    """The public keys, as RFC 7517 writes them: ours of now, and those of before that still
    verify.
    """
    return {"keys": [_jwk(key.public_key()) for key in _keys()]}


# Inside


def _verified(token: str) -> dict[str, Any]:
    """The claims of a token that one of our keys signed, each of the type it must have."""
    if len(token) > LONGEST or not token.isascii():
        raise BadToken
    try:
        header = jwt.get_unverified_header(token)
        kid, kind = header.get("kid"), header.get("typ")
        if header.get("alg") != ALGORITHM or not isinstance(kind, str) or kind.lower() != TYPE:
            raise BadToken
        by_id = {_kid(key.public_key()): key.public_key() for key in _keys()}
        signer = by_id.get(kid) if isinstance(kid, str) else None
        if signer is None:
            raise BadToken
        ours = {"verify_signature": True, "verify_exp": False, "verify_nbf": False}
        ours |= {"verify_iat": False, "verify_aud": False, "verify_iss": False}
        ours |= {"verify_sub": False, "verify_jti": False}  # below, by the clock we are given
        claims: dict[str, Any] = jwt.decode(
            token,
            signer,
            algorithms=[ALGORITHM],
            options=ours,  # type: ignore[arg-type]
        )
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise BadToken from None
    texts = all(isinstance(claims.get(name), str) for name in _TEXTS)
    times = all(type(claims.get(name)) is int for name in _TIMES)
    origins = claims.get("origins")
    sites = isinstance(origins, list) and all(isinstance(each, str) for each in origins)
    if not (texts and times and sites):
        raise BadToken
    return claims


def _bearer(claims: dict[str, Any]) -> Bearer:
    """The key must be found in the scope of the shop we are inside, living, and the token not
    revoked.
    """
    client = prefixed.read(KEY, claims["client_id"])
    member = prefixed.read(MEMBER, claims["sub"])
    try:
        jti = UUID(claims["jti"])
    except ValueError:
        raise BadToken from None
    if client is None or (member is None and claims["sub"] != claims["client_id"]):
        raise BadToken
    revoked = RevokedToken.objects.filter(jti=jti)
    key = ApiKey.objects.filter(pk=client).annotate(is_revoked=Exists(revoked)).first()
    if key is None or key.is_revoked:
        raise BadToken
    return Bearer(
        key=key,
        scopes=frozenset(claims["scope"].split()) & frozenset(key.scopes),
        origins=tuple(claims["origins"]),
        jti=jti,
        expires_at=dt.datetime.fromtimestamp(claims["exp"], dt.UTC),
        member=member,
    )


def _keys() -> tuple[Ed25519PrivateKey, ...]:
    return _derived(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=8)
def _derived(*secrets: str) -> tuple[Ed25519PrivateKey, ...]:
    """One key a secret (RFC 5869): who knows the secret has it, and nobody has to keep it."""
    seeds = [
        HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret.encode())
        for secret in secrets
    ]
    return tuple(Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds)


def _jwk(key: Ed25519PublicKey) -> dict[str, str]:
    told = {"crv": "Ed25519", "kty": "OKP", "x": _text(_raw(key))}
    return {**told, "kid": _kid(key), "use": "sig", "alg": ALGORITHM}


def _kid(key: Ed25519PublicKey) -> str:
    return _thumbprint(_raw(key))


@lru_cache(maxsize=64)
def _thumbprint(raw: bytes) -> str:
    """The key's own digest (RFC 7638): nobody has to hand out names."""
    told = {"crv": "Ed25519", "kty": "OKP", "x": _text(raw)}
    return _text(hashlib.sha256(json.dumps(told, separators=(",", ":")).encode()).digest())


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
