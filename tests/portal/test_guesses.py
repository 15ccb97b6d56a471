"""Who guesses at a door of the portal: links, and every login that allauth could make."""

from __future__ import annotations

import pytest
from allauth.account import app_settings as of_accounts
from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.core.internal import ratelimit
from allauth.mfa import app_settings as of_mfa
from django.core.exceptions import ValidationError
from django.test import Client, RequestFactory
from django.utils import timezone
from django_redis import get_redis_connection

from tenants import guesses
from tenants.context import inside
from tenants.guesses import FREE, LINK, LOGIN, LOGIN_FROM, WAITS
from tenants.logs import coming_from, network_of
from tenants.models import Guess, User
from tests.portal.conftest import PIECE, sign_in_link

HOME, ELSEWHERE = "203.0.113.7", "198.51.100.7"
PAGE = {"Accept": "text/html"}
DOORS = ["/accounts/link/{}/", "/till/pair/{}/", "/c/{}/"]
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _only_guesses(settings):
    """What a shop may ask for is another matter, and a hash that is slow on purpose too."""
    settings.RATE_LIMITS = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def browser(shop, address=HOME):
    return Client(HTTP_HOST=shop.host, REMOTE_ADDR=address)


@pytest.fixture
def guessed(cafe):
    """Somebody guessed at one door until all three were closed to her network."""
    with inside(cafe.tenant):
        for _ in range(FREE[LINK] - 2):
            guesses.wrong(LINK, network_of(HOME), at=timezone.now())
    answers = [browser(cafe).get(f"/c/{n}/").status_code for n in range(3)]
    assert answers == [410, 410, 429]
    return cafe


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_who_guesses_links_waits_at_every_door(guessed, door, method):
    answer = getattr(browser(guessed), method)(door.format("none"), headers=PAGE)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= WAITS[0]
    assert "Too much at once." in answer.text
    assert browser(guessed, ELSEWHERE).get(door.format("none")).status_code == 410


def test_even_the_right_link_waits_and_is_not_used_up(guessed):
    link = f"/accounts/link/{sign_in_link(guessed)}/"
    assert browser(guessed).post(link, headers=PIECE).status_code == 429
    assert browser(guessed, ELSEWHERE).post(link).status_code == 303


def test_the_neighbour_is_not_closed(guessed, spa):
    assert browser(spa).get("/c/none/").status_code == 410


def test_an_old_link_is_no_guess(cafe):
    link = f"/accounts/link/{sign_in_link(cafe)}/"
    assert browser(cafe).post(link).status_code == 303
    for _ in range(FREE[LINK] + 5):
        assert browser(cafe).get(link).status_code == 410
    with inside(cafe.tenant):
        assert not Guess.objects.exists()


# Logins


@pytest.fixture
def carol(cafe):
    user = User.objects.get(pk=cafe.owner.user_id)
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def login(cafe):
    """`login(email, password)` as any form of allauth tries it: True, False, or why not."""

    def tried(email, password, address=HOME, path="/accounts/login/"):
        request = RequestFactory().post(path)
        with inside(cafe.tenant), coming_from("", address):
            try:
                found = get_adapter(request).authenticate(request, email=email, password=password)
            except ValidationError as error:
                return error.code
            return found is not None

    return tried


CLOSED = "too_many_login_attempts"


def test_a_password_is_guessed_at_five_times(login, carol):
    for n in range(FREE[LOGIN]):
        assert login(carol.email, f"guess {n}") is False
    assert login(carol.email, PASSWORD) == CLOSED
    assert login(f" {carol.email.upper()} ", PASSWORD) == CLOSED
    assert login("another@cafe.example", "guess") is False


def test_the_right_one_forgives_this_person_and_not_the_network(login, carol, cafe):
    for _ in range(3):
        login(carol.email, "guess")
        login("another@cafe.example", "guess")
    assert login(carol.email, PASSWORD) is True
    with inside(cafe.tenant):
        counts = dict(Guess.objects.values_list("door", "wrong").order_by("wrong"))
        assert Guess.objects.get(door=LOGIN, wrong=0)
    assert counts[LOGIN_FROM] == 6


def test_one_network_cannot_try_everybody(login, carol):
    for n in range(FREE[LOGIN_FROM]):
        assert login(f"nobody-{n}@cafe.example", "Summer2026") is False
    assert login(carol.email, PASSWORD) == CLOSED
    assert login(carol.email, PASSWORD, address=ELSEWHERE) is True


def test_confirming_who_one_is_goes_through_the_same_door(login, carol, cafe):
    request = RequestFactory().post("/")
    for _ in range(FREE[LOGIN]):
        login(carol.email, "guess")
    with inside(cafe.tenant), coming_from("", HOME), pytest.raises(ValidationError):
        get_adapter(request).authenticate(request, email=carol.email, password=PASSWORD)


def test_allauths_own_limits_never_run(login, carol, monkeypatch):
    def locked(key):
        raise AssertionError(f"allauth asked the cache for {key}")

    monkeypatch.setattr(ratelimit, "cache_lock", locked)
    assert of_accounts.RATE_LIMITS == of_mfa.RATE_LIMITS == {}
    before = get_redis_connection("default").keys("*allauth*")
    assert login(carol.email, "guess") is False
    assert login(carol.email, PASSWORD) is True
    assert get_redis_connection("default").keys("*allauth*") == before


def test_they_would_run_if_they_were_on(carol, monkeypatch, settings):
    settings.ACCOUNT_RATE_LIMITS = {}
    asked = []
    monkeypatch.setattr(ratelimit, "cache_lock", lambda key: asked.append(key) or 1 / 0)
    request = RequestFactory().post("/")
    with pytest.raises(ZeroDivisionError):
        DefaultAccountAdapter(request).pre_authenticate(request, email=carol.email)
    assert asked


@pytest.mark.parametrize("trouble", ["flushed", "gone"])
def test_guesses_count_without_valkey(login, carol, settings, trouble):
    for n in range(FREE[LOGIN] - 1):
        assert login(carol.email, f"guess {n}") is False
    if trouble == "flushed":
        get_redis_connection("default").flushdb()
    else:
        gone = {
            name: {**alias, "LOCATION": "unix:///nowhere/valkey.sock"}
            for name, alias in settings.CACHES.items()
        }
        settings.CACHES = gone
    assert login(carol.email, "guess") is False
    assert login(carol.email, PASSWORD) == CLOSED
