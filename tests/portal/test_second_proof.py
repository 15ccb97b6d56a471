"""Authenticator apps and recovery codes. Passkeys need a browser: e2e/test_accounts.py."""

from __future__ import annotations

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.test import Client

from tenants.context import inside
from tenants.models import AuditEntry
from tests.portal.conftest import code_of, letters_to, prove, sign_in_link

SECOND = "/accounts/authenticate/"


@pytest.fixture(autouse=True)
def _only_guesses(settings):
    settings.RATE_LIMITS = False


def now_shown(secret, steps=0):
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + steps))


@pytest.fixture
def app(fresh_owner):
    """The secret of the owner's app, set up with its first code."""
    page = fresh_owner.get("/accounts/app/").text
    secret = re.search(r'class="mono">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    assert fresh_owner.post("/accounts/app/", {"code": "000000"}).status_code == 422
    answer = fresh_owner.post("/accounts/app/", {"code": now_shown(secret)})
    assert answer.headers["Location"] == "/accounts/recovery-codes/"
    return secret


@pytest.fixture
def halfway(cafe, app):
    """Another browser of the owner's, after the code by mail."""
    browser = Client(HTTP_HOST=cafe.host)
    browser.post("/accounts/login/", {"email": cafe.owner.user.email})
    letters = [x for x in letters_to(cafe, cafe.owner.user.email) if x.kind == "sign_in_code"]
    answer = browser.post("/accounts/login/code/", {"code": code_of(letters[-1])})
    assert answer.headers["Location"] == SECOND
    assert browser.get("/accounts/").status_code == 303
    return browser


def test_an_app_is_asked_for_its_code(halfway, app):
    assert halfway.post(SECOND, {"code": "000000"}).status_code == 422
    where = halfway.post(SECOND, {"code": now_shown(app)}).headers["Location"]
    assert where.startswith("/accounts/passkeys/add/")
    assert halfway.get("/accounts/").status_code == 200


def test_a_code_of_the_app_opens_once(halfway, app, cafe):
    code = now_shown(app)
    assert halfway.post(SECOND, {"code": code}).status_code == 303
    by_link = Client(HTTP_HOST=cafe.host)
    link = f"/accounts/link/{sign_in_link(cafe)}/"
    assert by_link.post(link).headers["Location"] == SECOND
    from django_redis import get_redis_connection

    get_redis_connection("default").flushdb()
    assert by_link.post(SECOND, {"code": code}).status_code == 422


def test_six_digits_are_guessed_at_five_times(halfway, app):
    for _ in range(5):
        assert halfway.post(SECOND, {"code": "000000"}).status_code == 422
    answer = halfway.post(SECOND, {"code": now_shown(app)})
    assert "then try again" in answer.text
    assert halfway.get("/accounts/").status_code == 303


def test_recovery_codes_are_shown_once_and_open_once(fresh_owner, app, cafe, halfway):
    page = fresh_owner.get("/accounts/recovery-codes/").text
    shown = [code.replace(" ", "") for code in re.findall(r'"mono">([\d ]+)<', page)]
    assert len(shown) == 10
    again = fresh_owner.get("/accounts/recovery-codes/").text
    assert "shown once" in again
    assert not re.findall(r'"mono">', again)
    assert halfway.post(SECOND, {"code": shown[0]}).status_code == 303
    by_link = Client(HTTP_HOST=cafe.host)
    by_link.post(f"/accounts/link/{sign_in_link(cafe)}/")
    assert by_link.post(SECOND, {"code": shown[0]}).status_code == 422
    assert by_link.post(SECOND, {"code": shown[1]}).status_code == 303
    assert fresh_owner.post("/accounts/recovery-codes/new/").status_code == 303
    third = Client(HTTP_HOST=cafe.host)
    third.post(f"/accounts/link/{sign_in_link(cafe)}/")
    assert third.post(SECOND, {"code": shown[2]}).status_code == 422


def test_an_app_outlives_a_key_of_the_server(fresh_owner, app, cafe, settings):
    """Who signs in meanwhile has it under the new key, with her recovery codes."""
    page = fresh_owner.get("/accounts/recovery-codes/").text
    codes = [code.replace(" ", "") for code in re.findall(r'"mono">([\d ]+)<', page)]
    was, settings.SECRET_KEY = settings.SECRET_KEY, "another" * 9
    settings.SECRET_KEY_FALLBACKS = [was]

    def sign_in(code):
        browser = Client(HTTP_HOST=cafe.host)
        browser.post(f"/accounts/link/{sign_in_link(cafe)}/")
        return browser.post(SECOND, {"code": code}).status_code

    assert sign_in(codes[0]) == 303
    settings.SECRET_KEY_FALLBACKS = []
    assert sign_in(codes[0]) == 422, "it was used, under whichever key"
    assert sign_in(codes[1]) == 303
    assert sign_in(now_shown(app, steps=1)) == 303
    settings.SECRET_KEY = was
    assert sign_in(codes[2]) == 422


def test_starting_again(halfway):
    assert halfway.post(SECOND, {"action": "cancel"}).headers["Location"] == "/accounts/login/"
    assert halfway.get(SECOND).status_code in (302, 303)


def test_who_has_an_app_proves_it_with_the_app(fresh_owner, app, cafe):
    url = "/accounts/reauthenticate/?next=/accounts/email/"
    assert "send" not in re.findall(r'name="action" value="(\w+)"', fresh_owner.get(url).text)
    assert fresh_owner.post(url, {"action": "send"}).status_code == 422
    code = now_shown(app, 1)
    assert fresh_owner.post(url, {"code": code}).headers["Location"] == "/accounts/email/"


def test_the_app_is_taken_away(fresh_owner, app, cafe):
    assert fresh_owner.post("/accounts/app/remove/").status_code == 303
    assert not Authenticator.objects.exists()
    by_link = Client(HTTP_HOST=cafe.host)
    link = f"/accounts/link/{sign_in_link(cafe)}/"
    assert by_link.post(link).headers["Location"] == "/manage/"
    with inside(cafe.tenant):
        acts = set(AuditEntry.objects.values_list("act", flat=True))
    assert {"staff.app_set_up", "staff.app_removed"} <= acts
    kinds = [letter.kind for letter in letters_to(cafe, cafe.owner.user.email)]
    assert kinds == ["account_notice"]  # that of setting up waits for a commit


def test_a_secret_is_not_kept_as_it_is(app):
    data = str(Authenticator.objects.get(type="totp").data)
    assert app not in data


def test_codes_exist_only_with_an_app(fresh_owner):
    assert fresh_owner.get("/accounts/recovery-codes/").status_code == 404
    assert fresh_owner.post("/accounts/recovery-codes/new/").status_code == 404


def test_somebody_elses_passkey_is_not_there(fresh_owner, spa):
    theirs = Authenticator.objects.create(
        user=spa.owner.user, type="webauthn", data={"name": "theirs", "credential": {}}
    )
    for pk in (theirs.pk, theirs.pk + 1, 10**30):
        for path in (f"/accounts/passkeys/{pk}/", f"/accounts/passkeys/{pk}/remove/"):
            assert fresh_owner.get(path).status_code == 404
            assert fresh_owner.post(path, {"name": "mine"}).status_code == 404


def test_what_is_no_passkey_is_refused(fresh_owner, cafe):
    prove(fresh_owner, cafe)
    for bad in ("", "[]", "{}", '{"id":"AA","rawId":"AA","type":"public-key","response":{}}'):
        for path in ("/accounts/passkeys/add/", "/accounts/reauthenticate/"):
            answer = fresh_owner.post(path, {"credential": bad, "name": "x" * 500})
            assert answer.status_code == 422, path
