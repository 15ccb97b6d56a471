"""Owner and managers sign in by a code by mail; whoever else tries learns nothing."""

from __future__ import annotations

import re
import time
from urllib.parse import quote_plus

import pytest
from allauth.account.internal.flows import login as allauth_login
from django.test import Client
from django.utils import timezone

from loyalty.models import Member
from portal import links
from portal.doors import codes
from portal.doors.urls import urlpatterns
from tenants import people, secrets, sessions
from tenants.context import inside
from tenants.models import AuditEntry, Letter, Session, Staff
from tenants.people import employ, user_with
from tenants.shops import change
from tests.conftest import NOW, PIN
from tests.portal.conftest import code_of, letters_to, prove, sign_in_link

LOGIN, CODE = "/accounts/login/", "/accounts/login/code/"
CLOCKED = ("X-Request-ID", "Content-Length", "Expires")  # differ between any two answers
TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"')


@pytest.fixture(autouse=True)
def _only_guesses(settings):
    settings.RATE_LIMITS = False


def ask(client, address, **more):
    return client.post(LOGIN, {"email": address, **more})


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


def signed_in(stranger, cafe, address, wish):
    """Where a code leads whoever wanted to go to `wish`."""
    ask(stranger, address, next=wish)
    code = code_of(letters_to(cafe, address)[-1])
    return stranger.post(CODE, {"code": code}).headers["Location"]


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


@pytest.fixture
def noor(cafe):
    """A cashier who signs in."""
    with inside(cafe.tenant):
        user = user_with("noor@cafe.example", "Noor")
        return employ("Noor", Staff.Role.CASHIER, user=user, at=NOW, by=cafe.till)


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


# The hand-over


@pytest.fixture
def crossing(cafe):
    return links.across(cafe.tenant, cafe.owner.user_id, at=timezone.now()).partition("8000")[2]


OURS = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}


def test_a_link_of_ours_signs_in_at_once_and_once(stranger, cafe, crossing):
    answer = stranger.get(crossing, headers=OURS)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/manage/")
    assert stranger.get("/accounts/").status_code == 200
    assert Client(HTTP_HOST=cafe.host).get(crossing, headers=OURS).status_code == 410


@pytest.mark.parametrize("headers", [{}, {**OURS, "Sec-Fetch-Site": "cross-site"}])
def test_any_other_browser_is_asked_first(stranger, crossing, headers):
    assert "Go on" in stranger.get(crossing, headers=headers).text
    assert stranger.get("/accounts/").status_code == 303
    assert stranger.post(crossing).status_code == 303
    assert stranger.get("/accounts/").status_code == 200


def test_it_lives_for_a_minute_and_only_here(stranger, cafe, spa):
    late = links.across(
        cafe.tenant, cafe.owner.user_id, at=timezone.now() - links.HAND_OVER_FOR
    ).partition("8000")[2]
    theirs = links.across(spa.tenant, spa.owner.user_id, at=timezone.now()).partition("8000")[2]
    not_hers = links.across(cafe.tenant, spa.owner.user_id, at=timezone.now()).partition("8000")[2]
    for path in (late, theirs, not_hers):
        assert stranger.get(path, headers=OURS).status_code == 410
        assert stranger.post(path).status_code == 410
    assert stranger.get("/accounts/").status_code == 303


def test_a_new_shop_begins_at_its_beginning(stranger, cafe, crossing):
    with inside(cafe.tenant):
        Member.objects.all().update(is_active=False)
    where = stranger.get(crossing, headers=OURS).headers["Location"]
    assert where in ("/manage/start/", "/manage/")


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


# Language


def test_a_colleagues_language_comes_before_her_browsers(owner, cafe):
    with inside(cafe.tenant):
        change(languages=["en", "ar", "bn"])
    for hers, cookie, accepts, spoken in (
        ("ar", "", "en", "ar"),
        ("", "", "bn", "bn"),
        ("ar", "bn", "en", "ar"),
        ("", "bn", "en", "bn"),
        ("", "", "", "en"),
    ):
        with inside(cafe.tenant):
            people.introduce(cafe.owner, "Layla", hers, at=NOW, by=cafe.till)
        owner.cookies["lang"] = cookie
        answer = owner.get("/accounts/", headers={"Accept-Language": accepts})
        assert answer.headers["Content-Language"] == spoken


def test_what_she_chooses_on_a_page_lasts_as_long_as_she_is_signed_in(owner, cafe):
    """A GET writes nothing about her: her own choice stands in her account."""
    with inside(cafe.tenant):
        change(languages=["en"])
        people.introduce(cafe.owner, "Layla", "ar", at=NOW, by=cafe.till)
    spoken = [
        owner.get(path).headers["Content-Language"]
        for path in ("/manage/team/", "/manage/team/?lang=bn", "/manage/team/", "/accounts/")
    ]
    assert spoken == ["ar", "bn", "bn", "bn"]
    with inside(cafe.tenant):
        assert Staff.objects.get(pk=cafe.owner.pk).language == "ar"
    assert owner.get("/").headers["Content-Language"] == "en", "the shop speaks no other to guests"
    owner.post("/accounts/profile/", {"name": "Layla", "language": "en"})
    assert owner.get("/manage/team/").headers["Content-Language"] == "en"
    owner.post("/accounts/profile/", {"name": "Layla", "language": "ar"})
    owner.get("/manage/team/?lang=bn")
    owner.post("/accounts/logout/")
    owner.post(f"/accounts/link/{sign_in_link(cafe)}/")
    assert owner.get("/manage/team/").headers["Content-Language"] == "ar"


def test_who_works_here_has_every_language_and_guests_have_the_shops(stranger, device, owner, cafe):
    with inside(cafe.tenant):
        change(languages=["en"])
    for browser, path in (
        (stranger, "/accounts/login/"),
        (device, "/till/"),
        (owner, "/manage/"),
        (owner, "/accounts/"),
    ):
        assert browser.get(path, {"lang": "ar"}).headers["Content-Language"] == "ar", path
        assert browser.cookies["lang"].value == "ar", path
    assert 'href="?lang=bn"' in stranger.get("/accounts/login/").text
    assert stranger.get("/", {"lang": "ar"}).headers["Content-Language"] == "en"


def test_at_a_till_the_language_is_of_the_person_before_it(device, cafe):
    with inside(cafe.tenant):
        change(languages=["en", "ar"])
        people.introduce(cafe.cashier, "Sam", "ar", at=NOW, by=cafe.till)
    device.cookies["lang"] = "en"
    device.post("/till/person/", {"person": cafe.cashier.pk, "pin": PIN})
    assert device.get("/till/").headers["Content-Language"] == "ar"


def test_a_till_does_not_speak_as_whoever_signed_in_beside_it(owner, cafe):
    """The owner looked into her portal on the tablet; then a cashier unlocks it."""
    with inside(cafe.tenant):
        people.introduce(cafe.owner, "Layla", "ar", at=NOW, by=cafe.till)
        people.introduce(cafe.cashier, "Sam", "bn", at=NOW, by=cafe.till)
    owner.cookies["device"] = cafe.token
    assert owner.get("/till/").headers["Content-Language"] == "en"
    owner.post("/till/person/", {"person": cafe.cashier.pk, "pin": PIN})
    assert owner.get("/till/").headers["Content-Language"] == "bn"
    assert owner.get("/manage/").headers["Content-Language"] == "ar"


def test_name_and_language_are_hers(owner, cafe):
    answer = owner.post("/accounts/profile/", {"name": "Layla\x00 H", "language": "ar"})
    assert answer.status_code == 303
    assert answer.cookies["lang"].value == "ar"
    with inside(cafe.tenant):
        staff = Staff.objects.get(pk=cafe.owner.pk)
    assert (staff.name, staff.language) == ("Layla H", "ar")
    for bad in ({"name": ""}, {"name": "x" * 81}, {"name": "x", "language": "xx"}):
        assert owner.post("/accounts/profile/", bad).status_code == 422


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


# Several shops


def test_a_person_of_two_shops_hops(owner, cafe, spa):
    with inside(spa.tenant):
        employ("Layla", Staff.Role.MANAGER, user=cafe.owner.user, at=NOW, by=spa.till)
    assert "Spa" in owner.get("/accounts/").text
    page = owner.post(f"/accounts/shops/{spa.tenant.pk}/").text
    path = re.search(r"http://spa\.localhost[:\d]*(/accounts/arrive/[^/]+/)", page)[1]
    there = Client(HTTP_HOST=spa.host)
    assert there.get(path, headers=OURS).status_code == 303
    assert there.get("/accounts/").status_code == 200


def test_a_shop_where_she_works_no_more_is_not_there(owner, cafe, spa):
    with inside(spa.tenant):
        staff = employ("L", Staff.Role.MANAGER, user=cafe.owner.user, at=NOW, by=spa.till)
        Staff.objects.filter(pk=staff.pk).update(is_active=False)
    for tenant in (spa.tenant.pk, cafe.tenant.pk):
        assert owner.post(f"/accounts/shops/{tenant}/").status_code == 404


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
