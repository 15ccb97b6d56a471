"""Tablets: paired with a code, named, turned away."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from tenants import devices
from tenants.actors import Actor
from tenants.context import inside
from tenants.ids import uuid7
from tenants.models import AuditEntry, Device, Location
from tests.portal.conftest import PIECE

PAIR = "/manage/devices/pair/"


@pytest.fixture(autouse=True)
def _unlimited(settings):
    settings.RATE_LIMITS = False


def shown(page):
    return re.search(r'dir="ltr">([0-9A-Z]{4} [0-9A-Z]{4})<', page)[1]


def test_a_code_pairs_one_tablet_and_the_owner_sees_it(owner, stranger, cafe):
    code = shown(owner.get(PAIR).text)
    assert shown(owner.get(PAIR).text) == code  # a reload shows the same
    answer = stranger.post("/till/pair/", {"code": code.lower().replace(" ", "-")})
    path = answer.headers["Location"]
    assert "Pair this tablet" in stranger.get(path).text
    assert 'id="pairing"' in owner.get(PAIR, headers=PIECE).text
    assert stranger.post(path, {"name": "Counter\x00 iPad"}).headers["Location"] == "/till/"
    assert "Who is at the counter?" in stranger.get("/till/").text
    seen = owner.get(PAIR, headers=PIECE).text
    assert "Counter iPad" in seen
    assert 'data-every="2"' not in seen
    again = Client(HTTP_HOST=cafe.host)
    assert again.post("/till/pair/", {"code": code}).status_code == 422
    assert again.post(path, {"name": "x"}).status_code == 410
    with inside(cafe.tenant):
        assert AuditEntry.objects.filter(act="device.paired").count() == 2


def test_a_code_lives_ten_minutes_and_only_here(owner, stranger, cafe, spa):
    with inside(spa.tenant):
        theirs = devices.offer_code(spa.location, at=timezone.now())
    with inside(cafe.tenant):
        old = devices.offer_code(cafe.location, at=timezone.now() - devices.CODE_LIVES)
    for code in (theirs, old, "0000 0000", "", "x" * 10_000, "\x00", "é"):
        answer = stranger.post("/till/pair/", {"code": code})
        assert answer.status_code == 422
        assert "aria-invalid" in answer.text
    code = shown(owner.get(PAIR).text)
    owner.post(PAIR)
    assert shown(owner.get(PAIR).text) != code


def test_codes_are_tried_thirty_times_from_one_network(stranger, cafe):
    said = [stranger.post("/till/pair/", {"code": f"0000000{n % 10}"}).text for n in range(31)]
    assert "then try again" not in said[28]
    assert "then try again" in said[30]


def test_the_place_of_a_tablet_is_chosen(owner, cafe):
    with inside(cafe.tenant):
        harbour = Location.objects.create(name="Harbour")
    code = shown(owner.get(PAIR, {"location": harbour.pk}).text)
    tablet = Client(HTTP_HOST=cafe.host)
    tablet.post(f"/till/pair/{code.replace(' ', '')}/", {"name": "Second"})
    with inside(cafe.tenant):
        assert Device.objects.get(name="Second").location == harbour
    for bad in ("x", uuid7(), "\x00"):
        assert owner.get(PAIR, {"location": bad}).status_code == 200


def test_a_revoked_tablet_is_none_at_its_next_touch(owner, till, cafe):
    url = f"/manage/devices/{cafe.device.pk}/"
    assert "till-desk" in till.get("/till/").text
    assert "Revoke" in owner.get(f"{url}revoke/").text
    assert owner.post(f"{url}revoke/").headers["Location"] == "/manage/devices/"
    assert "no till yet" in till.get("/till/").text
    assert owner.post(f"{url}revoke/").status_code == 404


def test_a_tablet_is_named(owner, cafe, spa):
    url = f"/manage/devices/{cafe.device.pk}/"
    assert owner.post(url, {"name": ""}).status_code == 422
    assert owner.post(url, {"name": "x" * 81}).status_code == 422
    assert owner.post(url, {"name": "Front"}).status_code == 303
    assert "Front" in owner.get("/manage/team/").text
    assert owner.get(f"/manage/devices/{spa.device.pk}/").status_code == 404
    with inside(cafe.tenant):
        assert AuditEntry.objects.filter(act="device.renamed").count() == 1


def test_a_tablet_that_is_paired_again_is_one_tablet(device, cafe):
    """What it was until now nobody could open any more, and it stood in the list for ever."""
    with inside(cafe.tenant):
        code = devices.offer_code(cafe.location, at=timezone.now())
    assert device.post(f"/till/pair/{code}/", {"name": "Anew"}).status_code == 303
    with inside(cafe.tenant):
        (anew,) = Device.objects.all()
        assert (anew.name, anew.wrong_pins) == ("Anew", 0)
        told = AuditEntry.objects.get(act="device.revoked")
        assert (told.subject, told.who) == (cafe.device.pk, f"device:{anew.pk}")


def test_pairing_gives_the_browser_a_new_session_and_nobody_before_it(owner, cafe):
    before = owner.cookies["sessionid"].value
    with inside(cafe.tenant):
        code = devices.offer_code(cafe.location, at=timezone.now())
        assert Actor.of_staff(cafe.owner).manages
    owner.post(f"/till/pair/{code}/")
    assert owner.cookies["sessionid"].value != before
