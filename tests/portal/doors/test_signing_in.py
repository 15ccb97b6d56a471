"""Owner and managers sign in by a code by mail; whoever else tries learns nothing."""

from __future__ import annotations

import re
import time
from urllib.parse import quote_plus

import pytest
from django.test import Client
from django.utils import timezone

from portal import links
from portal.doors import codes
from portal.doors.urls import urlpatterns
from tenants import secrets
from tenants.context import inside
from tenants.models import Letter
from tests.portal.conftest import code_of, letters_to
from tests.portal.doors.conftest import CODE, LOGIN, OURS, ask, signed_in

CLOCKED = ("X-Request-ID", "Content-Length", "Expires")  # differ between any two answers
TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"')


@pytest.fixture
def asked(stranger, cafe):
    """The owner's address was typed, and a letter written; her code."""
    assert ask(stranger, cafe.owner.user.email).headers["Location"] == CODE
    return code_of(letters_to(cafe, cafe.owner.user.email)[-1])


def test_allauth_has_these_addresses_and_no_others():
    assert {url.name for url in urlpatterns} == {
        "account", "account_profile", "account_other_sessions", "account_session", "account_shop",
        "account_login", "account_confirm_login_code", "account_logout", "account_link",
        "account_arrive", "account_join", "account_reauthenticate", "account_email",
        "account_email_code", "account_leave", "mfa_login_webauthn", "mfa_add_webauthn",
        "mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_authenticate", "mfa_activate_totp",
        "mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes",
    }  # fmt: skip


def test_a_code_signs_in_once(stranger, cafe, asked):
    answer = stranger.post(CODE, {"code": f" {asked.lower().replace('-', ' ')} "})
    offer = "/accounts/passkeys/add/?next=%2Fmanage%2F"  # for the next time
    assert (answer.status_code, answer.headers["Location"]) == (303, offer)
    assert stranger.post(offer, {"action": "later"}).headers["Location"] == "/manage/"
    assert "no-passkey" in stranger.cookies
    assert stranger.get("/manage/team/").status_code == 200
    again = Client(HTTP_HOST=cafe.host)
    ask(again, cafe.owner.user.email)
    assert again.post(CODE, {"code": asked}).status_code == 422


def test_it_leads_where_she_wanted_to_go_by_way_of_a_passkey(stranger, cafe):
    hers = cafe.owner.user.email
    offer = signed_in(stranger, cafe, hers, "/manage/team/?x=1")
    assert offer == "/accounts/passkeys/add/?next=%2Fmanage%2Fteam%2F%3Fx%3D1"
    assert "Not now" in stranger.get(offer).text
    later = {"action": "later", "next": "/manage/team/?x=1"}
    assert stranger.post("/accounts/passkeys/add/", later).headers["Location"] == later["next"]
    stranger.post("/accounts/logout/")
    assert signed_in(stranger, cafe, hers, "/manage/team/") == "/manage/team/", "asked once"


def test_who_comes_for_a_passkey_is_offered_one_once(stranger, cafe):
    adding = "/accounts/passkeys/add/"
    assert signed_in(stranger, cafe, cafe.owner.user.email, adding) == adding


def test_the_letter_carries_the_shops_name(cafe, asked):
    letter = letters_to(cafe, cafe.owner.user.email)[-1]
    assert letter.kind == "sign_in_code"
    assert asked in letter.subject
    assert "Cafe" in letter.text
    assert "Cafe" in letter.html


def test_three_wrong_tries_use_a_code_up(stranger, asked):
    said = [stranger.post(CODE, {"code": "AAA-AAA"}) for _ in range(3)]
    assert [answer.status_code for answer in said] == [422] * 3
    assert "Two tries are left" in said[0].text
    assert "nothing any more" in said[2].text
    assert stranger.post(CODE, {"code": asked}).headers["Location"] == LOGIN


def test_a_code_lives_for_a_quarter_of_an_hour(stranger, asked, monkeypatch):
    now = time.time()
    monkeypatch.setattr(codes.time, "time", lambda: now + 15 * 60 + 1)
    assert stranger.post(CODE, {"code": asked}).headers["Location"] == LOGIN


def test_another_letter_after_half_a_minute(stranger, cafe, asked, monkeypatch):
    address, again = cafe.owner.user.email, {"action": "resend"}
    assert stranger.post(CODE, again).headers["Location"] == CODE
    assert len(letters_to(cafe, address)) == 1
    now = time.time()
    monkeypatch.setattr(codes.time, "time", lambda: now + 31)
    stranger.post(CODE, again)
    first, second = letters_to(cafe, address)
    assert code_of(first) != code_of(second)
    assert stranger.post(CODE, {"code": code_of(first)}).status_code == 422
    assert stranger.post(CODE, {"code": code_of(second)}).status_code == 303


def steps(seen):
    """Statements without the look-ups that a process makes once and remembers."""
    remembered = ("SELECT tenants_domain", "SELECT tenants_shop")
    return [re.sub(r"[0-9a-f-]{32,36}", "", each) for each in seen if each not in remembered]


def test_who_does_not_work_here_is_answered_like_the_owner(cafe, spa, statements, monkeypatch):
    """Bytes, headers and statements: of somebody nobody knows, of the spa's owner, of ours."""
    known, theirs, nobody = cafe.owner.user.email, spa.owner.user.email, "owner@none.example"
    monkeypatch.setattr(codes.Awaited, "pause", 30)  # it counts seconds
    told = []
    for n, address in enumerate((known, nobody, theirs)):
        browser = Client(HTTP_HOST=cafe.host, REMOTE_ADDR=f"203.0.{n}.7")
        with statements() as seen:
            answers = [
                ask(browser, address),
                browser.get(CODE),
                browser.post(CODE, {"code": "BBB-BBB"}),
                browser.post(CODE, {"action": "resend"}),
            ]
        bodies = [TOKEN.sub(b"", each.content).replace(address.encode(), b"") for each in answers]
        heads = [{k: v for k, v in each.headers.items() if k not in CLOCKED} for each in answers]
        told.append((bodies, heads, [each.status_code for each in answers], steps(seen)))
    for at in range(4):
        assert told[0][at] == told[1][at] == told[2][at]
    with inside(cafe.tenant):
        assert list(Letter.objects.values_list("to", flat=True)) == [known, "", ""]


def test_a_code_for_nobody_signs_nobody_in(stranger, cafe):
    ask(stranger, "nobody@none.example")
    with inside(cafe.tenant):
        code = stranger.session["code:sign-in"]["code"]
    assert stranger.post(CODE, {"code": code}).status_code == 422
    assert stranger.get("/accounts/").status_code == 303


def test_codes_are_guessed_at_five_times(stranger, cafe):
    address = cafe.owner.user.email
    for n in range(5):
        if n % 3 == 0:
            ask(stranger, address)
        assert stranger.post(CODE, {"code": "AAA-AAA"}).status_code == 422
    ask(stranger, address)
    code = code_of(letters_to(cafe, address)[-1])
    answer = stranger.post(CODE, {"code": code})
    assert answer.status_code == 422
    assert "then try again" in answer.text


def test_one_box_is_not_filled(stranger, cafe):
    for _ in range(5):
        assert ask(stranger, cafe.owner.user.email).status_code == 303
    assert ask(stranger, cafe.owner.user.email).status_code == 422
    assert len(letters_to(cafe, cafe.owner.user.email)) == 5


FORM = "application/x-www-form-urlencoded"


def raw(field, value):
    """A form as the browser sends it, with whatever bytes."""
    return f"{field}={quote_plus(value.encode('utf-8', 'surrogatepass'))}"


BAD = ["", "x", "a@b", "\x00@x.example", "é" * 300, "a" * 10_000, "\ud800@x.example", "١@٢.٣"]


def test_bad_input_gets_a_sentence(stranger, cafe):
    for n, bad in enumerate(BAD):
        assert ask(stranger, f"nobody-{n}@none.example").status_code == 303
        for path, field in ((LOGIN, "email"), (CODE, "code")):
            answer = stranger.post(path, raw(field, bad), content_type=FORM)
            assert answer.status_code == 422, (path, bad[:9])
            assert "aria-invalid" in answer.text
    for bad in (*BAD, "{}", "[1]", '{"id": 1, "response": {"userHandle": "AA"}}', "[" * 5000):
        sent = raw("credential", bad)
        answer = stranger.post("/accounts/passkeys/login/", sent, content_type=FORM)
        assert answer.status_code == 422, bad[:9]


@pytest.mark.parametrize("wish", ["", "/manage/", "/manage/team/?x=1", "/accounts/"])
def test_a_cashiers_person_signs_in_and_sees_no_books(stranger, cafe, noor, wish):
    hers = noor.user.email
    assert signed_in(stranger, cafe, hers, wish) == ("/accounts/passkeys/add/?next=%2Faccounts%2F")
    assert stranger.get("/manage/").status_code == 403
    assert "Cashier" in stranger.get("/accounts/").text
    assert stranger.get(LOGIN, {"next": wish}).headers["Location"] == "/accounts/"


def test_a_cashier_arrives_at_her_account(stranger, cafe, noor):
    url = links.across(cafe.tenant, noor.user_id, at=timezone.now())
    with inside(cafe.tenant):
        secret = secrets.mint(secrets.SIGN_IN, noor.user_id, links.LIVE, at=timezone.now())
    assert stranger.get(url.partition("8000")[2], headers=OURS).headers["Location"] == "/accounts/"
    by_link = Client(HTTP_HOST=cafe.host)
    assert by_link.post(f"/accounts/link/{secret}/").headers["Location"] == "/accounts/"
