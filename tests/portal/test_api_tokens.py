"""The way into the API: the exchange, what a token may, and that nothing else opens it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from loyalty.models import Entry, Member, Operation, Purchase, Reward, Voucher
from tenants import keys, tokens
from tenants.actors import Actor
from tenants.context import inside
from tenants.ids import uuid7
from tenants.prefixed import spell
from tenants.testing import make
from tests.conftest import NOW
from tests.portal.apis import MONEY, SITE, System, make_key, member_id, system, token_of
from tests.tenants.test_tokens import wrong_tokens

ALL = " ".join(keys.SCOPES)


@pytest.fixture(autouse=True)
def _as_often_as_one_likes(settings):
    settings.RATE_LIMITS = False


def exchange(shop, secret, **body):
    return System(shop.host, secret).post("tokens", {"scope": "member:read", **body})


def test_a_key_is_exchanged_for_a_token_that_opens(cafe):
    _, secret = make_key(cafe)
    answer = exchange(cafe, secret, scope=ALL)
    assert answer.status_code == 201
    told = answer.json()
    assert told["token_type"] == "Bearer"
    assert (told["expires_in"], told["scope"]) == (3600, ALL)
    assert answer.headers["Cache-Control"] == "no-store"
    assert System(cafe.host, told["access_token"]).get("members").status_code == 200


def test_a_secret_key_is_no_token_and_a_token_no_key(cafe):
    key, secret = make_key(cafe)
    assert System(cafe.host, secret).get("members").status_code == 401
    assert exchange(cafe, token_of(cafe, key)).status_code == 401
    assert exchange(cafe, secret).status_code == 201


def test_a_key_opens_its_own_shop_alone(cafe, spa):
    key, secret = make_key(cafe)
    assert exchange(spa, secret).status_code == 401
    assert exchange(cafe, secret).status_code == 201
    with inside(cafe.tenant):
        keys.retire(key, at=NOW, by=Actor.of_staff(cafe.owner))
    assert exchange(cafe, secret).status_code == 401


def test_a_token_gets_no_more_than_its_key_may(cafe):
    _, secret = make_key(cafe, "member:read", "program:read")
    assert exchange(cafe, secret, scope="member:write").json()["code"] == "insufficient_scope"
    other = exchange(cafe, secret, origins=["https://evil.example"])
    assert other.json()["errors"][0]["code"] == "not_of_the_key"
    assert exchange(cafe, secret, origins=[SITE]).status_code == 201


@pytest.mark.parametrize("how", ["id", "phone"])
def test_a_members_token_shows_her_card_and_nothing_more(cafe, how):
    _, secret = make_key(cafe)
    who = {"id": member_id(cafe), "phone": "+971 50 123 4567"}
    scope = "member:read program:read"
    answer = exchange(cafe, secret, scope=scope, member={how: who[how]}, origins=[SITE])
    assert answer.json()["expires_in"] == 900
    hers = System(cafe.host, answer.json()["access_token"])
    assert hers.get("me", Origin=SITE).json()["name"] == "Amina Rahman"
    for path in ("members", f"members/{member_id(cafe)}", f"members/{member_id(cafe)}/entries"):
        assert hers.get(path).json()["code"] == "server_only"
    sale = hers.post(f"members/{member_id(cafe)}/purchases", {"amount": MONEY}, key="k")
    assert sale.json()["code"] == "server_only"
    too_much = exchange(cafe, secret, scope=ALL, member={"id": member_id(cafe)})
    assert too_much.json()["errors"][0]["code"] == "not_for_members"


def test_a_members_token_must_name_one_who_is_here(cafe, spa):
    _, secret = make_key(cafe)
    missing = exchange(cafe, secret, member={"id": spell("mem", cafe.owner.pk)})
    theirs = exchange(cafe, secret, member={"id": member_id(spa)})
    assert missing.status_code == theirs.status_code == 422
    assert missing.json()["code"] == theirs.json()["code"] == "unknown_member"
    for member in ({}, {"id": member_id(cafe), "phone": "050 123 4567"}, {"phone": "050 999 9999"}):
        assert exchange(cafe, secret, member=member).status_code == 422


def test_the_token_of_somebody_who_is_gone_is_good_for_nothing(cafe):
    key, _ = make_key(cafe)
    hers = System(cafe.host, token_of(cafe, key, member=cafe.member))
    assert hers.get("me").status_code == 200
    with inside(cafe.tenant):
        Member.everyone.filter(pk=cafe.member.pk).update(is_active=False, status="erased")
    assert hers.get("me").status_code == 401


NEEDED = [
    ("member:read", "GET", "members"),
    ("member:read", "GET", "members/{}"),
    ("member:read", "GET", "members/{}/entries"),
    ("member:write", "POST", "members"),
    ("member:write", "PATCH", "members/{}"),
    ("purchase:write", "POST", "members/{}/purchases"),
    ("reward:redeem", "POST", "members/{}/redemptions"),
    ("points:adjust", "POST", "members/{}/adjustments"),
    ("program:read", "GET", "program"),
    ("program:read", "GET", "rewards"),
    ("program:read", "GET", "tiers"),
]


def test_each_thing_needs_its_scope(cafe):
    for scope, method, path in NEEDED:
        url = path.format(member_id(cafe))
        others = [each for each in keys.SCOPES if each != scope]
        refused = system(cafe, *others).ask(method, url, {} if method != "GET" else None)
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
        assert scope in refused.headers["WWW-Authenticate"]
        let_in = system(cafe, scope).ask(method, url, {} if method != "GET" else None)
        assert let_in.status_code in (200, 400, 422)


SITES = [(None, 200), (SITE, 200), ("https://evil.example", 403), ("null", 403)]


def test_a_browser_may_use_a_token_from_the_sites_it_names(cafe):
    for origin, status in SITES:
        key, _ = make_key(cafe)
        hers = System(cafe.host, token_of(cafe, key, member=cafe.member, origins=(SITE,)))
        assert hers.get("me", **({"Origin": origin} if origin else {})).status_code == status
        server = System(cafe.host, token_of(cafe, key))
        assert server.get("program", **({"Origin": origin} if origin else {})).status_code == (
            403 if origin else 200
        )


# --- Every wrong token ---------------------------------------------------------------------------


def everything_of(shop):
    with inside(shop.tenant):
        return [model.objects.count() for model in (Entry, Member, Operation, Purchase)]


def test_every_wrong_token_gets_401_and_changes_nothing(cafe, spa):
    key, _ = make_key(cafe)
    good = token_of(cafe, key)
    sale, paths = {"amount": MONEY}, [f"members/{member_id(cafe)}/purchases", "members"]
    before = everything_of(cafe)
    with inside(cafe.tenant):
        wrong = wrong_tokens(cafe, spa, good, at=timezone.now())
    told = {}
    for name, token in wrong.items():
        as_sent = token.encode().decode("latin-1")
        for path in paths:
            answer = System(cafe.host, as_sent).post(path, sale, key="k")
            told[name, path] = answer.status_code, answer.headers.get("Content-Type")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer"), name
    assert set(told.values()) == {(401, "application/problem+json")}
    assert everything_of(cafe) == before
    assert System(cafe.host, good).post(paths[0], sale, key="k").status_code == 201


def test_a_good_token_of_one_shop_gets_403_in_another_and_changes_nothing(cafe, spa):
    key, _ = make_key(cafe)
    here = System(cafe.host, token_of(cafe, key))
    there = System(spa.host, here.credential)
    before = everything_of(spa)
    for path in ("members", f"members/{member_id(spa)}", "program", "me"):
        answer = there.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_tenant")
    sale = there.post(f"members/{member_id(spa)}/purchases", {"amount": MONEY}, key="k")
    assert (sale.status_code, sale.json()["code"]) == (403, "wrong_tenant")
    assert everything_of(spa) == before
    assert here.get("members").status_code == 200


def test_no_cookie_is_ever_read(cafe, owner, till, customer):
    for browser in (owner, till, customer):
        assert browser.get("/api/v1/members").status_code == 401
        path = f"/api/v1/members/{member_id(cafe)}/purchases"
        answer = browser.post(path, {"amount": MONEY}, content_type="application/json")
        assert answer.status_code == 401
        assert not answer.cookies
        assert "Cookie" not in answer.headers.get("Vary", "")


def test_a_token_takes_itself_back(cafe):
    key, _ = make_key(cafe)
    one, two = (System(cafe.host, token_of(cafe, key)) for _ in range(2))
    assert one.ask("DELETE", "tokens").status_code == 204
    assert one.get("members").status_code == one.ask("DELETE", "tokens").status_code == 401
    assert two.get("members").status_code == 200


def test_the_public_keys_are_everybodys(cafe):
    answer = Client(HTTP_HOST=cafe.host).get("/.well-known/jwks.json")
    assert answer.json() == tokens.key_set()
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "max-age" in answer.headers["Cache-Control"]


# --- The neighbour's -----------------------------------------------------------------------------


def bare(answer):
    told = answer.json()
    del told["instance"]
    return answer.status_code, told, sorted(answer.headers)


def test_what_is_a_neighbours_is_answered_like_what_is_nowhere(cafe, spa):
    here, there = system(cafe), system(spa)
    sold = there.post(f"members/{member_id(spa)}/purchases", {"amount": MONEY}, key="k").json()
    with inside(spa.tenant):
        voucher, reward = make(Voucher), make(Reward)
    nobody = spell("x", uuid7()).removeprefix("x_")
    asked = [
        ("GET", "members/{}", member_id(spa), None),
        ("PATCH", "members/{}", member_id(spa), {"name": "X"}),
        ("GET", "members/{}/entries", member_id(spa), None),
        ("GET", "rewards?member={}", member_id(spa), None),
        ("POST", "members/{}/purchases", member_id(spa), {"amount": MONEY}),
        ("POST", "members/{}/adjustments", member_id(spa), {"points": 5, "reason": "x"}),
        ("POST", "members/{}/redemptions", member_id(spa), {"reward": spell("rwd", reward.pk)}),
        ("POST", "purchases/{}/refunds", sold["id"], {}),
        ("POST", "redemptions/{}/reversal", spell("rdm", voucher.pk), {}),
    ]
    for method, path, theirs, body in asked:
        missing = f"{theirs.partition('_')[0]}_{nobody}"
        answers = [
            bare(here.ask(method, path.format(each), body, **{"Idempotency-Key": f"{path}{at}"}))
            for at, each in enumerate((theirs, missing, "mem_x", "%00", "x" * 300))
        ]
        assert [status for status, _, _ in answers[:4]] == [404] * 4, path
        assert answers[4][0] in (404, 422), path
        assert answers[0] == answers[1] == answers[2], path
    for body in (
        {"member": member_id(spa), "amount": MONEY},
        {"member": f"mem_{nobody}", "amount": MONEY},
    ):
        assert here.post("quotes", body).json()["code"] == "unknown_member"
    mine = f"members/{member_id(cafe)}/redemptions"
    for each in (spell("rwd", reward.pk), f"rwd_{nobody}"):
        assert here.post(mine, {"reward": each}, key=each).json()["code"] == "reward_unavailable"
