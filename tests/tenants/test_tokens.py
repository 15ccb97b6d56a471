"""Tokens: what is good, for how long, where; and every way in which one can be wrong."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tenants import keys, tokens
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import RevokedToken
from tenants.tokens import BadToken, OtherShop
from tests.conftest import NOW

BY = Actor.command("test")
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def key(in_cafe):
    made, _ = keys.make("web shop", ["member:read", "program:read"], [], at=NOW, by=BY)
    return made


@pytest.fixture
def issue(cafe, key):
    def issued(**given):
        return tokens.issue(key, cafe.tenant, **{"scopes": key.scopes, "at": NOW, **given})

    return issued


def opened(token):
    """(header, claims) without asking for a signature."""
    options = {"verify_signature": False}
    return jwt.get_unverified_header(token), jwt.decode(token, options=options)


def signed(claims, *, header=None, key=None, algorithm="EdDSA"):
    """A token as an attacker, or a bug of ours, might make it. Signed by us unless said."""
    ours = tokens._keys()[0]
    told = {"typ": "at+jwt", "kid": tokens._kid(ours.public_key()), **(header or {})}
    told = {name: value for name, value in told.items() if value is not None}
    return jwt.encode(claims, ours if key is None else key, algorithm=algorithm, headers=told)


def raw(header, claims, signature=b""):
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def by_hmac(header, claims, secret, algorithm="HS256"):
    """Signed as if what everybody may know were a secret (RFC 8725, section 2.1)."""
    message = raw({**header, "alg": algorithm}, claims).rpartition(".")[0]
    digest = {"HS256": "sha256", "HS512": "sha512"}[algorithm]
    signature = hmac.digest(secret, message.encode(), digest)
    return f"{message}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_a_token_says_whose_it_is(cafe, key, issue):
    issued = issue(scopes=["program:read", "member:read"], origins=["https://shop.example"])
    header, claims = opened(issued.token)
    assert (header["typ"], header["alg"]) == ("at+jwt", "EdDSA")
    assert claims["iss"] == "http://cafe.localhost:8000/"
    assert claims["aud"] == f"tenant:{cafe.tenant.pk}"
    assert claims["tenant_id"] == str(cafe.tenant.pk)
    assert claims["sub"] == claims["client_id"]
    assert claims["scope"] == "member:read program:read"
    assert claims["exp"] - claims["iat"] == issued.expires_in == 3600
    bearer = tokens.read(issued.token, cafe.tenant, at=NOW)
    assert (bearer.key, bearer.member) == (key, None)
    assert bearer.origins == ("https://shop.example",)


def test_a_members_token_is_shorter_and_hers(cafe, issue):
    issued = issue(member=cafe.member.pk)
    assert issued.expires_in == 900
    assert tokens.read(issued.token, cafe.tenant, at=NOW).member == cafe.member.pk


def test_a_token_lasts_as_long_as_it_says_and_the_leeway(cafe, issue):
    token = issue().token
    end = NOW + tokens.SERVER_FOR + dt.timedelta(seconds=tokens.LEEWAY)
    assert tokens.read(token, cafe.tenant, at=end - SECOND)
    assert tokens.read(token, cafe.tenant, at=NOW - dt.timedelta(seconds=tokens.LEEWAY))
    for wrong in (end, NOW - dt.timedelta(seconds=tokens.LEEWAY + 1)):
        with pytest.raises(BadToken):
            tokens.read(token, cafe.tenant, at=wrong)


def test_anybody_can_check_one_with_the_public_keys(issue):
    token = issue().token
    header, _ = opened(token)
    (jwk,) = (each for each in tokens.key_set()["keys"] if each["kid"] == header["kid"])
    assert "d" not in jwk
    public = jwt.PyJWK(jwk).key
    options = {"verify_exp": False, "verify_aud": False, "verify_nbf": False, "verify_iat": False}
    assert jwt.decode(token, public, algorithms=["EdDSA"], options=options)["scope"]


def test_the_key_follows_from_the_secret_and_old_ones_still_verify(cafe, issue, settings):
    old, before = issue().token, settings.SECRET_KEY
    (known,) = tokens.key_set()["keys"]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 9, [before]
    new = issue().token
    assert opened(new)[0]["kid"] != opened(old)[0]["kid"]
    assert known in tokens.key_set()["keys"]
    for token in (old, new):
        assert tokens.read(token, cafe.tenant, at=NOW)
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(BadToken):
        tokens.read(old, cafe.tenant, at=NOW)


def test_a_revoked_token_and_a_retired_key_are_nothing(cafe, key, issue):
    one, two = issue().token, issue().token
    bearer = tokens.read(one, cafe.tenant, at=NOW)
    tokens.revoke(bearer)
    tokens.revoke(bearer)
    with pytest.raises(BadToken):
        tokens.read(one, cafe.tenant, at=NOW)
    assert tokens.read(two, cafe.tenant, at=NOW)
    assert tokens.forget_old(NOW) == 0
    assert tokens.forget_old(NOW + dt.timedelta(hours=3)) == 1
    assert not RevokedToken.objects.exists()
    keys.retire(key, at=NOW, by=BY)
    with pytest.raises(BadToken):
        tokens.read(two, cafe.tenant, at=NOW)


def test_a_good_token_is_another_shops_there(cafe, spa, issue):
    token = issue().token
    with inside(spa.tenant), pytest.raises(OtherShop):
        tokens.read(token, spa.tenant, at=NOW)
    assert tokens.read(token, cafe.tenant, at=NOW)


def test_host_claim_and_scope_must_name_one_shop(cafe, spa, issue):
    """Even what we had signed ourselves by mistake: each of the three alone is enough to refuse."""
    _, claims = opened(issue().token)
    there = {"tenant_id": str(spa.tenant.pk)}
    aud = {"aud": f"tenant:{spa.tenant.pk}"}
    iss = {"iss": "http://spa.localhost:8000/"}
    with inside(spa.tenant):
        for forged in (there, aud, iss, {**there, **aud}, {**there, **aud, **iss}):
            with pytest.raises((BadToken, OtherShop)):
                tokens.read(signed({**claims, **forged}), spa.tenant, at=NOW)
        with pytest.raises(BadToken):  # claim and host agree; the key is not in their scope
            tokens.read(signed({**claims, **there, **aud, **iss}), spa.tenant, at=NOW)


def wrong_tokens(cafe, spa, token, *, at=NOW):
    """Every wrong token that we can think of, by name."""
    header, claims = opened(token)
    ours = tokens._keys()[0].public_key()
    jwk = tokens.key_set()["keys"][0]
    public = base64.urlsafe_b64decode(jwk["x"] + "==")
    told, body, signature = token.split(".")

    def without(name):
        return signed({k: v for k, v in claims.items() if k != name})

    other = raw({}, {**claims, "scope": "all"}).split(".")[1]
    pem = ours.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    late = int(at.timestamp()) + 10_000
    return {
        "nothing": "",
        "a word": "token",
        "dots": "..",
        "a secret key": "sk_live_" + "0" * 40,
        "10 kB": "x" * 10_000,
        "not ASCII": token + "\u00e4",
        "none": raw({**header, "alg": "none"}, claims),
        "None": raw({**header, "alg": "None"}, claims),
        "none with the signature": raw({**header, "alg": "none"}, claims, b"x" * 64),
        "HS256 with the public key": by_hmac(header, claims, public),
        "HS256 with it as PEM": by_hmac(header, claims, pem),
        "HS512 with the public key": by_hmac(header, claims, public, "HS512"),
        "EdDSA of another": signed(claims, key=Ed25519PrivateKey.generate()),
        "unknown kid": signed(claims, header={"kid": "nobody"}),
        "kid is a number": raw({**header, "kid": 7}, claims, b"x" * 64),
        "a key in the header": signed(
            claims,
            header={"kid": "mine", "jwk": jwk, "jku": "https://evil.example/jwks.json"},
            key=Ed25519PrivateKey.generate(),
        ),
        "no kid": raw({"typ": "at+jwt", "alg": "EdDSA"}, claims, b"x" * 64),
        "wrong typ": signed(claims, header={"typ": "JWT"}),
        "an id token": signed(claims, header={"typ": "id+jwt"}),
        "expired": signed({**claims, "exp": int(at.timestamp()) - 31}),
        "not yet": signed({**claims, "nbf": late}),
        "issued later": signed({**claims, "iat": late}),
        "no exp": without("exp"),
        "no jti": without("jti"),
        "no aud": without("aud"),
        "no tenant": without("tenant_id"),
        "exp is a text": signed({**claims, "exp": str(late)}),
        "exp is true": signed({**claims, "exp": True}),
        "wrong audience": signed({**claims, "aud": f"tenant:{spa.tenant.pk}"}),
        "a list of audiences": signed({**claims, "aud": [claims["aud"]]}),
        "wrong issuer": signed({**claims, "iss": "https://evil.example/"}),
        "forged tenant": signed({**claims, "tenant_id": str(spa.tenant.pk)}),
        "its claims exchanged": ".".join([told, other, signature]),
        "cut off": token[:-4],
        "unknown key": signed({**claims, "client_id": "key_" + "0" * 26, "sub": "key_" + "0" * 26}),
        "nobody's subject": signed({**claims, "sub": "evil"}),
        "jti is no UUID": signed({**claims, "jti": "x"}),
        "origins are a text": signed({**claims, "origins": "https://evil.example"}),
        "critical": signed(claims, header={"crit": ["x"], "x": 1}),
        "body": body,
    }


def test_every_wrong_token_is_wrong(cafe, spa, issue):
    token = issue().token
    assert tokens.read(token, cafe.tenant, at=NOW)
    let_in = []
    for name, wrong in wrong_tokens(cafe, spa, token).items():
        try:
            tokens.read(wrong, cafe.tenant, at=NOW)
            let_in.append(name)
        except BadToken:
            pass
    assert let_in == []
