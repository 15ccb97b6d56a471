"""How owner and managers come in."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from tenants import secrets
from tenants.context import inside
from tenants.models import Staff
from tenants.people import user_with
from tests.portal.conftest import HOUR, PIECE, sign_in_link


def test_a_link_signs_in_once(stranger, cafe):
    link = f"/accounts/link/{sign_in_link(cafe)}/"
    assert "Owner of cafe" in stranger.get(link).text
    answer = stranger.post(link)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/manage/")
    assert stranger.get("/manage/").status_code == 200
    again = Client(HTTP_HOST=cafe.host)
    assert again.get(link).status_code == again.post(link).status_code == 410


def test_looking_at_a_link_signs_nobody_in(stranger, cafe):
    link = f"/accounts/link/{sign_in_link(cafe)}/"
    stranger.get(link)
    assert stranger.get("/manage/").status_code == 303


def test_a_link_of_the_neighbour_opens_nothing_here(stranger, cafe, spa):
    link = f"/accounts/link/{sign_in_link(spa)}/"
    assert stranger.get(link).content == stranger.get("/accounts/link/nothing/").content
    assert stranger.post(link).status_code == 410


def test_who_works_elsewhere_gets_nothing_here(stranger, cafe):
    user = user_with("somebody@else.example")
    with inside(cafe.tenant):
        link = secrets.mint(secrets.SIGN_IN, user.pk, HOUR, at=timezone.now())
    assert stranger.post(f"/accounts/link/{link}/").status_code == 410
    assert stranger.get("/manage/").status_code == 303


def test_a_session_of_one_shop_is_anonymous_at_the_next(owner, spa):
    neighbour = Client(HTTP_HOST=spa.host)
    neighbour.cookies["sessionid"] = owner.cookies["sessionid"].value
    assert neighbour.get("/manage/").status_code == 303


def test_a_stranger_is_sent_to_the_door_and_back(stranger):
    answer = stranger.get("/manage/members/?q=x")
    assert answer.headers["Location"] == "/accounts/login/?next=%2Fmanage%2Fmembers%2F%3Fq%3Dx"
    assert (
        stranger.get("/manage/", headers=PIECE)
        .headers["HX-Redirect"]
        .startswith("/accounts/login/")
    )
    assert "Send me a code" in stranger.get("/accounts/login/").text


@pytest.mark.parametrize("wish", ["//evil.example", "https://evil.example/", "javascript:alert(1)"])
def test_the_door_leads_only_into_this_shop(owner, wish):
    assert owner.get("/accounts/login/", {"next": wish}).headers["Location"] == "/manage/"
    assert (
        owner.get("/accounts/login/", {"next": "/manage/members/"}).headers["Location"]
        == "/manage/members/"
    )


def test_signing_out_ends_the_session(owner):
    assert owner.get("/accounts/logout/").status_code == 405
    assert owner.post("/accounts/logout/").headers["Location"] == "/accounts/login/"
    assert owner.get("/manage/").status_code == 303


def test_a_colleague_without_the_right_is_told_so(owner, cafe):
    with inside(cafe.tenant):
        Staff.objects.filter(pk=cafe.owner.pk).update(role=Staff.Role.CASHIER)
    answer = owner.get("/manage/")
    assert answer.status_code == 403
    assert "right of a manager" in answer.text


def test_who_left_is_a_stranger_at_once(owner, cafe):
    with inside(cafe.tenant):
        Staff.objects.filter(pk=cafe.owner.pk).update(is_active=False)
    assert owner.get("/manage/").status_code == 303


@pytest.mark.parametrize("path", ["signup/", "password/reset/", "2fa/", "password/change/"])
def test_doors_that_do_not_exist(stranger, path):
    assert stranger.get(f"/accounts/{path}").status_code == 404
