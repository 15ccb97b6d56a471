"""What every answer has, and what it costs."""

from __future__ import annotations

from django.test import Client

from tenants import hosts, limits
from tenants.context import inside, platform
from tenants.models import Shop, Tenant
from tests.portal.apis import (
    MONEY,
    SITE,
    System,
    code_of,
    make_key,
    system,
    token_of,
)


def test_a_site_that_a_key_names_may_read_and_no_other(cafe):
    key, _ = make_key(cafe)
    hers = System(cafe.host, token_of(cafe, key, member=cafe.member, origins=(SITE,)))
    asked = {"Access-Control-Request-Method": "GET"}
    for path in ("me", "program", "rewards"):
        early = System(cafe.host).ask("OPTIONS", path, Origin=SITE, **asked)
        assert early.status_code == 204
        assert early.headers["Access-Control-Allow-Origin"] == SITE
        assert early.headers["Access-Control-Max-Age"] == "7200"
        assert "Authorization" in early.headers["Access-Control-Allow-Headers"]
        told = hers.get(path, Origin=SITE)
        assert told.headers["Access-Control-Allow-Origin"] == SITE
        assert "Access-Control-Allow-Credentials" not in told.headers
        assert "Origin" in told.headers["Vary"]
        evil = System(cafe.host).ask("OPTIONS", path, Origin="https://evil.example", **asked)
        assert "Access-Control-Allow-Origin" not in evil.headers
    for path in ("members", "tokens", "tiers"):
        early = System(cafe.host).ask("OPTIONS", path, Origin=SITE, **asked)
        assert early.status_code == 204
        assert "Access-Control-Allow-Origin" not in early.headers


def test_every_answer_has_a_number_and_an_error_says_it(api, hers):
    for answer in (api.get(hers), api.get("members/x"), api.get("nowhere"), api.post("members")):
        assert answer.headers["X-Request-ID"]
    told = api.get("nowhere")
    assert told.headers["Content-Type"] == "application/problem+json"
    assert told.json()["instance"] == f"urn:request:{told.headers['X-Request-ID']}"
    assert told.json()["type"] == "http://cafe.localhost:8000/api/docs#not_found"


def test_there_are_other_methods_and_it_says_which(api, hers):
    for method, path in (
        ("PUT", hers),
        ("DELETE", "members"),
        ("POST", "program"),
        ("TRACE", "me"),
    ):
        answer = api.ask(method, path)
        assert code_of(answer) == (405, "method_not_allowed")
        assert "OPTIONS" in answer.headers["Allow"]
    head = api.ask("HEAD", hers)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"]


PATHS = ["/api/v1/program", "/api/v1/nowhere", "/.well-known/jwks.json"]


def test_where_there_is_no_shop_a_program_is_told_so(db):
    for path in PATHS:
        for host in ("nobody.localhost", "localhost"):
            answer = Client(HTTP_HOST=host).get(path)
            assert answer.status_code == 404
            assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_closed_shop_says_so_to_programs_too(api, cafe):
    with platform("test"):
        Tenant.objects.filter(pk=cafe.tenant.pk).update(state=Tenant.State.SUSPENDED)
    hosts.directory.forget()
    answer = api.get("program")
    assert code_of(answer) == (503, "suspended")
    assert answer.headers["Retry-After"]


def test_a_fault_of_ours_is_a_problem_too(api, hers, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("portal.api.telling.members", broken)
    client = Client(HTTP_HOST=api.host, raise_request_exception=False)
    answer = client.get(f"/api/v1/{hers}", headers={"Authorization": f"Bearer {api.credential}"})
    assert code_of(answer) == (500, "broken")
    assert b"secret" not in answer.content


def test_too_much_is_429(cafe, settings, monkeypatch):
    slow = limits.Rate(per_minute=1, burst=3)
    monkeypatch.setitem(limits.PLANS, "free", dict.fromkeys(limits.POLICIES, slow))
    api = system(cafe)
    settings.RATE_LIMITS = True
    assert api.get("members").headers["RateLimit-Policy"].startswith('"api"')
    while limits.admit(cafe.tenant.pk, cafe.tenant.plan, "api").allowed:
        pass
    assert api.get("program").status_code == 200, "what sites show is counted by itself"
    answer = api.get("members")
    assert answer.status_code == 429
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"]


def test_a_page_of_members_asks_little(api, cafe, statements):
    for at in range(5):
        api.post("members", {"phone": f"050 700 000{at}"}, key=f"n{at}")
    api.get("members")
    with statements() as seen:
        api.get("members")
    assert len(seen) <= 6, seen


def test_a_limit_of_the_tills_is_none_for_the_shops_own_system(api, cafe, hers):
    """It holds cashiers, who could type anything; a system's scopes say what it may."""
    with inside(cafe.tenant):
        Shop.objects.update(award_limit=1000)
    assert api.post(f"{hers}/purchases", {"amount": MONEY}, key="1").status_code == 201
