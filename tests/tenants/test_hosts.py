"""Every way to spell a host, and where it lands."""

from __future__ import annotations

import time

import pytest
from django.db import OperationalError, connection
from hypothesis import given
from hypothesis import strategies as st

from tenants import hosts
from tenants.hosts import Kind, parse
from tests.conftest import make_shop

BASE = "loyal.example"
CASES = [
    # what a browser sends            what it is      the label
    ("loyal.example", Kind.APEX, ""),
    ("LOYAL.example:8000", Kind.APEX, ""),
    ("loyal.example.", Kind.MOVED, ""),
    ("cafe.loyal.example", Kind.TENANT, "cafe"),
    ("CAFE.Loyal.Example", Kind.TENANT, "cafe"),
    ("cafe.loyal.example:8000", Kind.TENANT, "cafe"),
    ("cafe.loyal.example.", Kind.MOVED, "cafe"),
    ("cafe.loyal.example.:8000", Kind.MOVED, "cafe"),
    ("my-cafe-2.loyal.example", Kind.TENANT, "my-cafe-2"),
    (f"{'a' * 63}.loyal.example", Kind.TENANT, "a" * 63),
    ("", Kind.UNKNOWN, ""),
    (".", Kind.UNKNOWN, ""),
    (":8000", Kind.UNKNOWN, ""),
    ("cafe.loyal.example..", Kind.UNKNOWN, ""),
    (".loyal.example", Kind.UNKNOWN, ""),
    ("x.cafe.loyal.example", Kind.UNKNOWN, ""),
    ("cafeloyal.example", Kind.UNKNOWN, ""),
    ("cafe.loyal.example.evil.test", Kind.UNKNOWN, ""),
    ("evil.test", Kind.UNKNOWN, ""),
    ("cafe_1.loyal.example", Kind.UNKNOWN, ""),
    ("-cafe.loyal.example", Kind.UNKNOWN, ""),
    ("cafe-.loyal.example", Kind.UNKNOWN, ""),
    ("ab.loyal.example", Kind.UNKNOWN, ""),
    (f"{'a' * 64}.loyal.example", Kind.UNKNOWN, ""),
    ("www.loyal.example", Kind.UNKNOWN, ""),
    ("admin.loyal.example", Kind.UNKNOWN, ""),
    ("xn--caf-dma.loyal.example", Kind.UNKNOWN, ""),
    ("café.loyal.example", Kind.UNKNOWN, ""),
    ("cafe.loyal.example:80:80", Kind.UNKNOWN, ""),
    ("cafe.loyal.example:port", Kind.UNKNOWN, ""),
    ("cafe.loyal.example:", Kind.UNKNOWN, ""),
    ("cafe.loyal.example:123456", Kind.UNKNOWN, ""),
    ("127.0.0.1", Kind.UNKNOWN, ""),
    ("127.0.0.1:8000", Kind.UNKNOWN, ""),
    ("[::1]:8000", Kind.UNKNOWN, ""),
    ("cafe.loyal.example/evil", Kind.UNKNOWN, ""),
    ("cafe.loyal.example@evil.test", Kind.UNKNOWN, ""),
    ("cafe\x00.loyal.example", Kind.UNKNOWN, ""),
    (" cafe.loyal.example", Kind.UNKNOWN, ""),
    ("cafe.loyal.example\n", Kind.UNKNOWN, ""),
    ("cafe.loyal.example:8000\n", Kind.UNKNOWN, ""),
]


@pytest.mark.parametrize(("raw", "kind", "name"), CASES, ids=[repr(raw) for raw, _, _ in CASES])
def test_host(raw, kind, name):
    host = parse(raw, BASE)
    assert (host.kind, host.name) == (kind, name)


@given(st.text(max_size=300))
def test_no_host_raises_and_only_a_label_names_a_tenant(raw):
    host = parse(raw, BASE)
    if host.kind is Kind.TENANT:
        assert hosts.is_label(host.name)
        assert host.host == f"{host.name}.{BASE}"


# The same through the whole portal


def get(client, host, path="/", **headers):
    return client.get(path, headers={"host": host, **headers})


def test_spellings_of_a_shops_host_lead_to_it(client, cafe):
    for host in ("cafe.localhost", "CAFE.LOCALHOST", "cafe.localhost:8000"):
        assert b"Cafe" in get(client, host).content
    moved = get(client, "cafe.localhost.", "/c?x=1")
    assert (moved.status_code, moved["Location"]) == (301, "http://cafe.localhost:8000/c?x=1")


def test_unknown_hosts_and_tricks_are_404(client, cafe):
    for host in ("nobody.localhost", "x.cafe.localhost", "127.0.0.1", "evil.test", "[::1]"):
        response = get(client, host)
        assert response.status_code == 404, host
        assert b"Cafe" not in response.content
    tricked = get(client, "nobody.localhost", **{"x-forwarded-host": "cafe.localhost"})
    assert tricked.status_code == 404
    assert b"Cafe" in get(client, "cafe.localhost", **{"x-forwarded-host": "evil.test"}).content


def test_the_apex_has_no_shop_and_a_shop_has_no_apex(client, cafe):
    assert get(client, "localhost").status_code == 200
    assert get(client, "localhost", "/till/").status_code == 404
    assert get(client, "localhost", "/manage/").status_code == 404


def test_a_suspended_shop_says_so_on_every_page(client, cafe):
    from tenants.context import platform
    from tenants.models import Tenant

    with platform("a test"):
        Tenant.objects.filter(pk=cafe.tenant.pk).update(state="suspended")
    hosts.directory.forget()
    for path in ("/", "/till/", "/manage/", "/c"):
        response = get(client, "cafe.localhost", path)
        assert response.status_code == 503
        assert response["Retry-After"]


def test_the_directory_answers_from_memory_for_some_seconds(cafe, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert hosts.directory.find("cafe").pk == cafe.tenant.pk
        assert hosts.directory.find("cafe").pk == cafe.tenant.pk
    with django_assert_num_queries(1):
        assert hosts.directory.find("nobody") is None
        assert hosts.directory.find("nobody") is None


def test_urls_are_spelled_in_one_place(cafe, settings):
    assert hosts.url_of(cafe.tenant, "/c") == "http://cafe.localhost:8000/c"
    assert hosts.url_of(None) == "http://localhost:8000/"
    settings.SECURE, settings.PUBLIC_PORT, settings.BASE_DOMAIN = True, 443, "loyal.example"
    assert hosts.url_of(cafe.tenant) == "https://cafe.loyal.example/"


def test_two_shops_cannot_have_one_address(cafe):
    from tenants.onboarding import BadName

    for slug, code in (("cafe", "taken"), ("admin", "reserved"), ("Ca fe", "form"), ("ab", "form")):
        with pytest.raises(BadName) as refused:
            make_shop(slug)
        assert refused.value.code == code


def test_while_the_database_is_away_it_is_not_asked_at_every_request(cafe, monkeypatch):
    """Each try may wait for the pool in vain (found by the matrix of faults)."""
    directory, asked = hosts.Directory(), []
    assert directory.find("cafe") == cafe.tenant

    def away(execute, *rest):
        asked.append(rest)
        raise OperationalError("away")

    monkeypatch.setattr(directory, "FRESH", 60)
    monkeypatch.setitem(directory._known, "cafe", (time.monotonic() - 61, cafe.tenant))
    with connection.execute_wrapper(away):
        for _ in range(10):
            assert directory.find("cafe") == cafe.tenant
        with pytest.raises(OperationalError):
            directory.find("spa")
    assert len(asked) == 2
