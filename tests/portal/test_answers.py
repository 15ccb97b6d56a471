"""What every answer has in common: headers, language, and pages for when there is none."""

from __future__ import annotations

import pytest
from django.test import Client

from tenants import hosts
from tenants.context import inside, platform
from tenants.models import Shop, Tenant


def test_no_answer_may_load_or_send_anything_elsewhere(stranger):
    for path in ("/", "/till/", "/nowhere/", "/accounts/login/"):
        answer = stranger.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_that_is_not_here_has_one_face(stranger):
    answers = {stranger.get(path).content for path in ("/nope/", "/till/nope/", "/manage/x/y/")}
    assert len(answers) == 1
    assert b"Nothing on this shelf" in answers.pop()


@pytest.mark.django_db
def test_a_name_without_a_shop_says_so():
    answer = Client(HTTP_HOST="nobody.localhost").get("/")
    assert answer.status_code == 404
    assert "No shop answers to this name." in answer.text
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.django_db
def test_the_bare_domain_says_what_this_is():
    answer = Client(HTTP_HOST="localhost").get("/")
    assert answer.status_code == 200
    assert "Remember every regular." in answer.text


def test_a_suspended_shop_says_so_everywhere(stranger, cafe):
    with platform("test"):
        Tenant.objects.filter(pk=cafe.tenant.pk).update(state=Tenant.State.SUSPENDED)
    hosts.directory.forget()
    for path in ("/", "/till/", "/manage/", "/c"):
        answer = stranger.get(path)
        assert answer.status_code == 503
        assert "Cafe is resting." in answer.text


def test_a_fault_of_ours_shows_its_number_and_nothing_else(stranger, monkeypatch):
    def broken(*args):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("portal.card.views.shop.link_of", broken)
    stranger.raise_request_exception = False
    answer = stranger.get("/")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert answer.headers["X-Request-ID"][-12:] in answer.text


def test_a_form_of_another_session_is_refused_with_a_way_on(cafe):
    client = Client(HTTP_HOST=cafe.host, enforce_csrf_checks=True)
    answer = client.post("/till/lock/")
    assert answer.status_code == 403
    assert "This form is too old." in answer.text


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        (("", "", ""), "en"),
        (("", "", "ar-AE,ar;q=0.9,en;q=0.8"), "ar"),
        (("", "", "fr,bn;q=0.5"), "bn"),
        (("", "bn", "ar"), "bn"),
        (("ar", "bn", "en"), "ar"),
        (("xx", "", ""), "en"),
        (("", "zz", "*"), "en"),
    ],
)
def test_the_language_of_a_page(stranger, cafe, wish, language):
    asked, cookie, preferred = wish
    with inside(cafe.tenant):
        Shop.objects.update(languages=["en", "ar", "bn"])
    if cookie:
        stranger.cookies["lang"] = cookie
    answer = stranger.get(
        "/", {"lang": asked} if asked else {}, headers={"accept-language": preferred}
    )
    assert answer.headers["Content-Language"] == language
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in answer.text


def test_a_language_that_was_asked_for_is_remembered(stranger, cafe):
    with inside(cafe.tenant):
        Shop.objects.update(languages=["en", "ar"])
    assert stranger.get("/?lang=ar").cookies["lang"].value == "ar"
    assert 'dir="rtl"' in stranger.get("/").text
    assert "lang" not in stranger.get("/?lang=xx").cookies


def test_the_shops_colour_is_a_sheet_that_may_be_kept(stranger):
    link = stranger.get("/").text.split('href="/theme.')[1].split('"')[0]
    answer = stranger.get(f"/theme.{link}")
    assert answer.headers["Content-Type"] == "text/css"
    assert "immutable" in answer.headers["Cache-Control"]
    old = stranger.get("/theme.000000000000.css")
    assert (old.content, old.headers["Cache-Control"]) == (answer.content, "no-store")
