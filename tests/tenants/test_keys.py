"""Secret keys of the API: made once, shown once, found by their hash, retired for good."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from django.core.management import CommandError, call_command

from tenants import keys, prefixed
from tenants.actors import Actor
from tenants.context import inside
from tenants.ids import uuid7
from tenants.keys import BadKey
from tenants.models import ApiKey, AuditEntry
from tests.conftest import NOW

MINUTE = dt.timedelta(minutes=1)
BY = Actor.command("test")


def made(*scopes, name="web shop", origins=()):
    return keys.make(name, scopes or ["member:read"], origins, at=NOW, by=BY)


def test_a_key_is_known_by_its_hash_alone(in_cafe):
    key, secret = made("purchase:write", "member:read", origins=["https://Shop.example/"])
    assert secret.startswith("sk_live_")
    assert len(secret) == 48  # 160 bits
    kept = ApiKey.objects.values().get()
    assert secret not in str(kept)
    assert secret.startswith(kept["prefix"])
    assert kept["scopes"] == ["member:read", "purchase:write"]
    assert kept["origins"] == ["https://shop.example"]
    assert keys.find(secret, at=NOW) == key
    for wrong in ("", "sk_live_", secret[:-1], secret.upper(), f"{secret} ", "sk_live_" + "\udc80"):
        assert keys.find(wrong, at=NOW) is None


def test_a_retired_key_opens_nothing_and_stays_in_the_books(in_cafe):
    key, secret = made()
    assert keys.retire(key, at=NOW, by=BY) == keys.retire(key, at=NOW + MINUTE, by=BY)
    assert keys.find(secret, at=NOW) is None
    kept = ApiKey.everyone.get()
    assert (kept.is_active, kept.deleted_at) == (False, NOW)
    acts = AuditEntry.objects.filter(subject=key.pk).values_list("act", flat=True)
    assert list(acts.order_by("id")) == ["key.made", "key.retired"]


def test_a_key_is_nothing_in_another_shop(cafe, spa):
    with inside(cafe.tenant):
        _, secret = made()
    with inside(spa.tenant):
        assert keys.find(secret, at=NOW) is None
        assert not keys.serves("https://shop.example")


def test_its_use_is_noted_once_a_minute(in_cafe, django_assert_num_queries):
    key, secret = made()
    assert key.last_used is None
    keys.find(secret, at=NOW)
    with django_assert_num_queries(1):
        keys.find(secret, at=NOW + MINUTE / 2)
    assert ApiKey.objects.get().last_used == NOW
    keys.find(secret, at=NOW + MINUTE)
    assert ApiKey.objects.get().last_used == NOW + MINUTE


NO_KEYS = [
    ("name", {"name": " "}),
    ("name", {"name": "x" * 81}),
    ("name", {"name": "a\0b"}),
    ("scopes", {"scopes": []}),
    ("scopes", {"scopes": ["member:read", "everything"]}),
    *[
        ("origins", {"origins": [origin]})
        for origin in (
            "shop.example",
            "http://shop.example",
            "https://shop.example/path",
            "https://user@shop.example",
            "https://shop.example?x",
            "https://*.shop.example",
            "javascript:alert(1)",
            "https://[",
            "https://sh\u00f6p.example",
            "null",
            "*",
            "",
        )
    ],
]


def test_a_key_that_cannot_be_is_refused_by_its_field(in_cafe):
    for field, given in NO_KEYS:
        told = {"name": "n", "scopes": ["member:read"], "origins": [], **given}
        with pytest.raises(BadKey) as refused:
            keys.make(told["name"], told["scopes"], told["origins"], at=NOW, by=BY)
        assert refused.value.field == field
        assert not ApiKey.objects.exists()


def test_origins_are_spelled_as_a_browser_does(in_cafe):
    given = ["HTTPS://Shop.Example/", "https://shop.example:8443", "http://localhost:3000"]
    key, _ = made(origins=[*given, "https://shop.example"])
    assert key.origins[:3] == [
        "https://shop.example",
        "https://shop.example:8443",
        "http://localhost:3000",
    ]
    assert keys.serves("https://shop.example:8443")
    assert not keys.serves("https://shop.example:8444")
    assert not keys.serves("https://evil.example")


def test_the_command_makes_lists_and_retires(cafe):
    out, told = io.StringIO(), io.StringIO()

    def run(*arguments):
        call_command("api_key", "cafe", *arguments, stdout=out, stderr=told)

    run("--name", "Web shop", "--scope", "member:read", "--origin", "https://shop.example")
    secret = out.getvalue().strip()
    with inside(cafe.tenant):
        key = keys.find(secret, at=NOW)
    assert key.name == "Web shop"
    assert secret not in told.getvalue()
    run("--list")
    listed = out.getvalue().splitlines()[-1]
    assert secret not in listed
    assert all(text in listed for text in (key.prefix, "member:read", "https://shop.example"))
    run("--retire", key.prefix)
    with inside(cafe.tenant):
        assert keys.find(secret, at=NOW) is None
    for wrong in (
        ["--retire", key.prefix],
        ["--name", "x"],
        ["--name", "", "--scope", "member:read"],
    ):
        with pytest.raises(CommandError):
            run(*wrong)
    with pytest.raises(CommandError, match="no shop"):
        call_command("api_key", "nowhere", "--list")


def test_an_id_has_one_spelling():
    pk = uuid7()
    spelled = prefixed.spell("mem", pk)
    assert prefixed.read("mem", spelled) == pk
    assert spelled < prefixed.spell("mem", uuid7())  # as their UUIDs do
    letters = spelled.removeprefix("mem_")
    for wrong in (
        letters,
        f"pur_{letters}",
        f"mem_{letters.upper()}",
        f"mem_{letters}0",
        f"mem_8{letters[1:]}",  # more than 128 bits
        f"mem_{letters[:-1]}u",
        f"mem_{letters}\n",
        f"mem__{letters}",
        "mem_",
        "",
        "mem_" + "\u0660" * 26,
        str(pk),
    ):
        assert prefixed.read("mem", wrong) is None
