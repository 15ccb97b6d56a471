"""What is a person's own: her sessions, her address, the proof that it is she, and the way out."""

from __future__ import annotations

import time

from allauth.account.internal.flows import login as allauth_login
from django.test import Client
from django.utils import timezone

from tenants import sessions
from tenants.context import inside
from tenants.models import AuditEntry, Session, Staff
from tests.portal.conftest import code_of, letters_to, prove, sign_in_link
from tests.portal.doors.conftest import LOGIN, signed_in

# Sessions


def test_the_list_of_sessions_is_of_this_shop(owner, cafe, spa):
    phone = Client(
        HTTP_HOST=cafe.host, HTTP_USER_AGENT="Mozilla (Linux; Android 14) Chrome/120 Safari/1"
    )
    phone.post(f"/accounts/link/{sign_in_link(cafe)}/")
    page = owner.get("/accounts/").text
    assert "Chrome · Android" in page
    assert page.count("Sign out</button>") == 2
    assert page.count("This one") == 1
    row = Session.objects.get(agent="Chrome · Android")
    assert (row.tenant_id, row.user_id) == (cafe.tenant.pk, cafe.owner.user_id)
    assert row.begun_at
    assert row.seen_at
    assert row.address == "127.0.0.0"
    with inside(spa.tenant):
        assert sessions.living(cafe.owner.user_id, at=timezone.now()) == []
        assert sessions.end_all(cafe.owner.user_id) == 0
    mark = sessions.mark(row.session_key)
    assert owner.post(f"/accounts/sessions/{mark}/").status_code == 303
    assert phone.get("/accounts/").status_code == 303
    assert owner.post(f"/accounts/sessions/{mark}/").status_code == 404
    assert row.session_key not in page


def test_all_others_are_signed_out(owner, cafe):
    other = Client(HTTP_HOST=cafe.host)
    other.post(f"/accounts/link/{sign_in_link(cafe)}/")
    owner.post("/accounts/sessions/others/")
    assert (owner.get("/accounts/").status_code, other.get("/accounts/").status_code) == (200, 303)


def test_being_seen_is_noted_every_five_minutes(owner, cafe, statements):
    def update():
        with statements() as seen:
            owner.get("/accounts/")
        return "UPDATE tenants_session" in seen

    assert not update()
    Session.objects.update(seen_at=timezone.now() - sessions.SEEN_EVERY * 2)
    assert update()
    assert not update()


# Another address


def test_another_address_needs_a_fresh_proof_and_its_code(owner, cafe):
    assert owner.get("/accounts/email/").headers["Location"].startswith("/accounts/reauthenticate/")
    prove(owner, cafe)
    old = cafe.owner.user.email
    assert owner.post("/accounts/email/", {"email": old}).status_code == 422
    assert owner.post("/accounts/email/", {"email": "New@Cafe.example"}).status_code == 303
    code = code_of(letters_to(cafe, "new@cafe.example")[-1])
    assert owner.post("/accounts/email/code/", {"code": "AAA-AAA"}).status_code == 422
    assert owner.post("/accounts/email/code/", {"code": code}).status_code == 303
    cafe.owner.user.refresh_from_db()
    assert cafe.owner.user.email == "new@cafe.example"
    assert [letter.kind for letter in letters_to(cafe, old)] == ["account_notice"]
    assert owner.get("/accounts/").status_code == 200


def test_the_address_of_somebody_else_is_told_to_nobody(owner, cafe, spa):
    prove(owner, cafe)
    theirs = spa.owner.user.email
    assert owner.post("/accounts/email/", {"email": theirs}).status_code == 303
    assert letters_to(cafe, theirs) == []
    with inside(cafe.tenant):
        code = owner.session["code:address"]["code"]
    assert owner.post("/accounts/email/code/", {"code": code}).status_code == 422


# Once more who one is


def test_proving_by_mail_leads_back(owner, cafe):
    gone = owner.post(
        "/manage/team/invite/", headers={"Referer": "http://cafe.localhost/manage/?x=1"}
    )
    assert gone.headers["Location"] == "/accounts/reauthenticate/?next=%2Fmanage%2F%3Fx%3D1"
    page = owner.get("/manage/team/invite/", follow=True)
    assert "Is it you?" in page.text
    url = page.redirect_chain[-1][0]
    assert owner.post(url, {"action": "send"}).status_code == 303
    code = code_of(letters_to(cafe, cafe.owner.user.email)[-1])
    assert owner.post(url, {"code": "AAA-AAA"}).status_code == 422
    assert owner.post(url, {"code": code}).headers["Location"] == "/manage/team/invite/"
    assert owner.get("/manage/team/invite/").status_code == 200


def test_a_proof_lasts_five_minutes(fresh_owner, cafe, monkeypatch):
    assert fresh_owner.get("/accounts/email/").status_code == 200
    now = time.time()
    monkeypatch.setattr("portal.guards.time.time", lambda: now + 301)
    assert fresh_owner.get("/accounts/email/").status_code == 303


def test_one_persons_proof_is_not_anothers(owner, cafe, spa):
    prove(owner, cafe, spa.owner)
    assert owner.get("/accounts/email/").status_code == 303
    assert allauth_login.AUTHENTICATION_METHODS_SESSION_KEY == "account_authentication_methods"


def test_strangers_are_sent_to_the_door(stranger):
    for path in (
        "", "email/", "email/code/", "reauthenticate/", "passkeys/add/", "passkeys/1/", "app/",
        "passkeys/1/remove/", "app/remove/", "recovery-codes/", "recovery-codes/new/",
    ):  # fmt: skip
        for answer in (stranger.get(f"/accounts/{path}"), stranger.post(f"/accounts/{path}")):
            assert answer.status_code in (303, 405)
            if answer.status_code == 303:
                assert answer.headers["Location"].startswith(LOGIN)


# Leaving


def test_a_cashier_leaves_by_herself(stranger, cafe, noor):
    signed_in(stranger, cafe, noor.user.email, "")
    assert 'href="/accounts/leave/"' in stranger.get("/accounts/").text
    page = stranger.get("/accounts/leave/")
    assert "Leave this shop?" in page.text
    assert stranger.get("/accounts/").status_code == 200, "looking leaves nothing"
    assert stranger.post("/accounts/leave/").headers["Location"] == LOGIN
    assert stranger.get("/accounts/").status_code == 303
    with inside(cafe.tenant):
        assert not Staff.objects.filter(pk=noor.pk).exists()
        told = AuditEntry.objects.get(act="staff.removed")
        assert (told.subject, told.who) == (noor.pk, f"staff:{noor.pk}")


def test_leaving_asks_once_more_who_one_is(owner, cafe):
    for answer in (owner.get("/accounts/leave/"), owner.post("/accounts/leave/")):
        assert "/reauthenticate/" in answer.headers["Location"]
    assert owner.get("/accounts/").status_code == 200


def test_the_last_owner_cannot_leave(fresh_owner):
    answer = fresh_owner.post("/accounts/leave/")
    assert answer.status_code == 422
    assert "keeps an owner" in answer.text
    assert fresh_owner.get("/accounts/").status_code == 200
