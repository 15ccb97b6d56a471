"""What a shop that asks too much is told, and a stranger who tries names."""

from __future__ import annotations

import re
from functools import partial

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from portal import cors
from portal.bulkhead import Bulkhead, BulkheadMiddleware
from tenants import hosts, limits
from tenants.breaker import Breaker
from tenants.context import platform
from tenants.limits import PLANS, POLICIES, Rate
from tenants.models import Tenant
from tests.portal.conftest import PIECE

# So few, and one more only after a minute: no test is as slow as that.
FREE = {name: Rate(1, burst) for name, burst in zip(POLICIES, (40, 30, 20, 10, 5), strict=True)}
AT = 1_800_000_000 * limits.SECOND
PAGE = {"Accept": "text/html,*/*"}


@pytest.fixture(autouse=True)
def _slow(monkeypatch):
    """Time stands still, so that a wait of a minute is one on any machine."""
    monkeypatch.setitem(PLANS, "free", FREE)
    monkeypatch.setattr(limits, "_now", lambda: AT)
    monkeypatch.setattr(limits, "ask_valkey", partial(limits.ask_valkey, now=AT))


def spend(shop, policy):
    """Use up whatever the shop has left."""
    while limits.admit(shop.tenant.pk, "free", policy).allowed:
        pass


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("/", "public"),
        ("/c", "public"),
        ("/c/none/", "public"),
        ("/nowhere/", "public"),
        ("/tills/", "public"),
        ("/till/", "till"),
        ("/till/nowhere/", "till"),
        ("/manage/", "pages"),
        ("/accounts/login/", "pages"),
        ("/api/v1/members/", "api"),
        ("/api/v1/me/", "api"),
        ("/api/v1/me", "embed"),
        ("/api/v1/program", "embed"),
        ("/api/v1/rewards", "embed"),
    ],
)
def test_every_answer_says_what_is_left_of_which_policy(stranger, path, policy):
    rate = FREE[policy]
    answer = stranger.get(path)
    assert answer.headers["RateLimit-Policy"] == f'"{policy}";q={rate.burst};w={rate.window}'
    assert answer.headers["RateLimit"] == f'"{policy}";r={rate.burst - 1};t=60'
    assert stranger.get(path).headers["RateLimit"].startswith(f'"{policy}";r={rate.burst - 2};')


def test_beyond_that_it_is_429_until_the_time_that_is_told(stranger, cafe):
    spend(cafe, "public")
    answer = stranger.get("/", headers=PAGE)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"
    assert answer.headers["RateLimit"] == f'"public";r=0;t={FREE["public"].window}'
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Too much at once." in answer.text
    assert "Wait 60 seconds, then try again." in answer.text
    assert stranger.get("/accounts/login/").status_code == 200, "what else it has is untouched"


def test_a_refusal_asks_the_database_nothing(stranger, cafe, django_assert_num_queries):
    stranger.get("/")
    spend(cafe, "public")
    with django_assert_num_queries(0):
        assert stranger.get("/c", headers=PAGE).status_code == 429


def test_the_neighbour_feels_nothing(stranger, cafe, spa):
    spend(cafe, "public")
    assert stranger.get("/").status_code == 429
    assert Client(HTTP_HOST=spa.host).get("/").status_code == 200


@pytest.mark.parametrize(
    ("language", "words"), [("ar", "هذا كثير دفعة واحدة."), ("bn", "একসঙ্গে অনেক বেশি।")]
)
def test_it_is_said_in_the_readers_language(stranger, cafe, language, words):
    spend(cafe, "public")
    answer = stranger.get("/", headers={**PAGE, "Accept-Language": language})
    assert words in answer.text
    assert f'lang="{language}"' in answer.text


def test_a_form_that_was_sent_is_not_lost(till, cafe):
    spend(cafe, "till")
    path = f"/till/members/{cafe.member.pk}/purchases/"
    answer = till.post(path, {"amount": "24.50"}, headers=PAGE)
    assert answer.status_code == 429
    assert "what you typed is still there" in answer.text
    piece = till.post(path, {"amount": "24.50"}, headers=PIECE)
    assert (piece.status_code, piece.headers["HX-Reswap"]) == (429, "none")
    assert piece.text == "Wait 60 seconds, then try again."


def test_a_program_gets_a_problem(stranger, cafe):
    spend(cafe, "api")
    answer = stranger.get("/api/v1/members/")
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert told["type"] == "http://cafe.localhost:8000/api/docs#too_many_requests"
    assert told["title"] == "Too Many Requests"
    assert (told["status"], told["code"]) == (429, "too_many_requests")
    assert told["retry_after"] == 60


def test_a_busy_site_takes_nothing_from_the_shops_own_system(stranger, cafe):
    spend(cafe, "embed")
    assert stranger.get("/api/v1/me").status_code == 429
    assert stranger.get("/api/v1/members").status_code == 401
    assert stranger.get("/api/v1/members").headers["RateLimit-Policy"].startswith('"api"')


OPEN = ("/api/v1/me", "/api/v1/program", "/api/v1/rewards")
SITE = {"Origin": "https://shop.example"}


@pytest.fixture(params=["limit", "database", "closed"])
def not_now(request, cafe, monkeypatch):
    """Ways in which we say so before anybody is asked whose site it is; their status."""
    if request.param == "limit":
        spend(cafe, "embed")
        return 429
    if request.param == "database":
        broken = Breaker(failures=1, open_for=60)
        broken.failed()
        monkeypatch.setattr("portal.unavailable._breaker", broken)
        return 503
    with platform("test"):
        Tenant.objects.filter(pk=cafe.tenant.pk).update(state=Tenant.State.SUSPENDED)
    hosts.directory.forget()
    return 503


def test_a_site_may_read_that_it_has_to_wait(stranger, not_now):
    for path in OPEN:
        answer = stranger.get(path, headers=SITE)
        assert answer.status_code == not_now
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
        assert "Origin" in answer.headers["Vary"]
        assert answer.headers["Retry-After"]
    other = stranger.get("/api/v1/members", headers=SITE)
    assert "Access-Control-Allow-Origin" not in other.headers


def test_what_a_browser_asks_before_is_never_refused(stranger, not_now):
    """Else its script is told of no answer at all, and nothing of how long to wait."""
    asked = {**SITE, "Access-Control-Request-Method": "GET"}
    for path in OPEN:
        early = stranger.options(path, headers=asked)
        assert (early.status_code, early.content) == (204, b"")
        assert early.headers["Access-Control-Allow-Origin"] == "*"
        assert early.headers["Access-Control-Allow-Methods"] == "GET"
        assert "Authorization" in early.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Max-Age" not in early.headers, "it holds for this once"
    assert stranger.options("/api/v1/nowhere", headers=asked).status_code != 204


def test_a_shop_without_a_place_says_so_to_its_site_too(cafe):
    places = BulkheadMiddleware(HttpResponse)
    places.others = Bulkhead(1, waiting=0)
    request = RequestFactory().get(OPEN[0], headers=SITE)
    request.tenant = cafe.tenant
    with places.others.place(cafe.tenant.pk):
        answer = cors.CorsMiddleware(places)(request)
    assert answer.status_code == 503
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_to_refuse_a_site_asks_the_database_nothing(stranger, cafe, django_assert_num_queries):
    stranger.get("/api/v1/me")
    spend(cafe, "embed")
    with django_assert_num_queries(0):
        assert stranger.get("/api/v1/me", headers=SITE).status_code == 429
        assert stranger.options("/api/v1/me", headers=SITE).status_code == 204


def test_who_reads_no_pages_gets_a_line(stranger, cafe):
    spend(cafe, "public")
    answer = stranger.get("/", headers={"Accept": "*/*"})
    assert answer.text == "Too much at once. Wait 60 seconds, then try again.\n"


def test_a_closed_shop_is_limited_too(stranger, cafe):
    with platform("test"):
        Tenant.objects.filter(pk=cafe.tenant.pk).update(state=Tenant.State.SUSPENDED)
    hosts.directory.forget()
    assert stranger.get("/").status_code == 503
    spend(cafe, "public")
    assert stranger.get("/").status_code == 429


def test_health_and_files_are_never_limited(stranger, cafe):
    for policy in FREE:
        spend(cafe, policy)
    for path in ("/livez", "/readyz", "/static/css/site.css"):
        answer = stranger.get(path)
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers
        answer.close()


def test_switched_off_nobody_counts(stranger, cafe, settings):
    settings.RATE_LIMITS = False
    spend(cafe, "public")
    answer = stranger.get("/")
    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers


# Strangers


@pytest.fixture
def few(monkeypatch):
    """A network may ask five times."""
    monkeypatch.setattr("portal.limits.STRANGER", Rate(per_minute=1, burst=5))


def visit(host, *, times=1, address="203.0.113.7"):
    client = Client(HTTP_HOST=host, REMOTE_ADDR=address)
    return [client.get("/").status_code for _ in range(times)]


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["localhost", "nobody.localhost", "a.b.c", "nobody.localhost."])
def test_who_asks_for_no_shop_is_held_back_by_network(few, host):
    usual = 200 if host == "localhost" else 404
    assert visit(host, times=7) == [usual] * 5 + [429] * 2
    assert visit(host, address="203.0.113.99") == [429], "of the same network"
    assert visit(host, address="198.51.100.7") == [usual]


def test_trying_names_asks_the_database_no_more(few, db, statements):
    with statements() as seen:
        answers = [visit(f"name-{number}.localhost")[0] for number in range(50)]
    assert answers == [404] * 5 + [429] * 45
    assert seen == ["SELECT tenants_domain"] * 5


def test_a_real_shop_is_open_to_a_held_back_network(few, cafe):
    assert visit(cafe.host) == [200]
    visit("nobody.localhost", times=9)
    assert visit("nobody.localhost") == [429]
    assert visit(cafe.host) == [200]


def test_a_shop_that_is_asked_for_the_first_time_is_no_stranger(few, cafe, spa):
    for _ in range(9):
        assert visit(cafe.host) == [200]
        hosts.directory.forget()
    assert visit("nobody.localhost", times=6)[-1] == 429
    assert visit(spa.host) == [429], "nobody has asked for it yet: it might be one more guess"
    assert visit(spa.host, address="198.51.100.7") == visit(spa.host) == [200]


def test_a_held_back_stranger_is_told_when(few, db):
    visit("nobody.localhost", times=5)
    answer = Client(HTTP_HOST="nobody.localhost", REMOTE_ADDR="203.0.113.7").get("/", headers=PAGE)
    assert answer.headers["Retry-After"] == "60"
    assert re.search(r"<h1>Too much at once\.</h1>", answer.text)
