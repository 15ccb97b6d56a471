"""The owner's first page: what waits for her, the first day, and a page that lies open."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from psycopg.errors import QueryCanceled

from loyalty import adjustments, members, purchases, rewards
from loyalty.enrolment import enrol
from loyalty.models import Program
from portal.manage import live
from portal.manage.views import home as view
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import Device, Invitation, Shop, Staff
from tests.portal.conftest import PIECE


@pytest.fixture
def empty(cafe):
    """The café before its first member."""
    with inside(cafe.tenant):
        members.erase(
            cafe.member, at=timezone.now(), by=Actor.of_staff(cafe.owner), key=str(uuid4())
        )
    return cafe


def test_each_figure_leads_to_its_list(owner, cafe):
    with inside(cafe.tenant):
        purchases.record(cafe.member, 2450, at=timezone.now(), by=cafe.till, key="a")
    page = owner.get("/manage/").text
    assert '?keep=today">Who came' in page
    assert '?sort=points">Who holds most' in page
    assert "<b>24</b> given" in page
    assert "+ <b>24</b> owed" in page


def test_the_first_day_is_a_list_that_ticks_itself(owner, empty):
    page = owner.get("/manage/").text
    assert "2 lines to your first member." in page, "a program and a tablet are there"
    assert page.count('class="done"') == 3
    assert page.count('class="next-up"') == 1
    with inside(empty.tenant):
        shop = Shop.objects.get()
        shop.colour, shop.poster_at = "#0a6847", timezone.now()
        shop.save()
        Device.objects.update(is_active=False)
    page = owner.get("/manage/").text
    assert "1 line to your first member." in page
    assert page.count('class="btn primary"') == 1, "the next one alone has the key"


def test_whoever_waits_for_the_first_member_sees_the_day_begin(owner, empty):
    waiting = owner.get("/manage/?waiting=1", headers=PIECE)
    assert waiting.text.lstrip().startswith('<live-part id="now"')
    with inside(empty.tenant):
        enrol(name="Lena", phone="0507776666", at=timezone.now(), by=empty.till)
    assert owner.get("/manage/?waiting=1", headers=PIECE).headers["HX-Refresh"] == "true"
    assert "<bdi>Lena</bdi> is your first member." in owner.get("/manage/").text


def test_what_needs_the_owner_is_told_and_nothing_else(owner, cafe):
    assert "Needs you" not in owner.get("/manage/").text
    now, by = timezone.now(), Actor.of_staff(cafe.owner)
    with inside(cafe.tenant):
        Staff.objects.filter(pk=cafe.cashier.pk).update(pin_wrong=10)
        Device.objects.update(wrong_pins=30, wrong_pins_on=now.date())
        Invitation.objects.create(email="a@b.example", name="A", invited_by=cafe.owner, at=now)
        rewards.create(Program.objects.get(), "gift", "Mug", at=now, by=by, cost=9, stock=0)
        for n in range(5):
            adjustments.adjust(cafe.member, 1, reason="x", at=now, by=by, key=str(n))
    page = owner.get("/manage/").text
    for told in (
        "Sam</bdi>’s PIN is off",
        "Counter</bdi> takes no PIN any more today</b>",
        "<b>1 invitation</b> has not been taken up.",
        "<bdi>Mug</bdi> is used up.",
        "Owner of cafe</bdi> corrected points by hand</b> 5 times",
        '<span class="badge warn num">5</span>',
    ):
        assert told in page, told
    for path in ("team/", "devices/"):
        assert "No PIN until tomorrow" in owner.get(f"/manage/{path}").text


def test_a_figure_that_takes_too_long_fails_alone(owner, cafe, monkeypatch):
    def slow(_at):
        raise OperationalError("slow") from QueryCanceled("statement timeout")

    monkeypatch.setattr(view, "owed", slow)
    page = owner.get("/manage/").text
    assert "This is being added up." in page
    assert "Nobody has been in yet today." in page
    monkeypatch.setattr(view, "overview", slow)
    page = owner.get("/manage/")
    assert page.status_code == 200
    assert page.text.count("This is being added up.") == 4


@pytest.mark.django_db(transaction=True)
def test_a_page_that_lies_open_is_answered_without_the_database(
    owner, cafe, statements, monkeypatch
):
    monkeypatch.setattr(live, "ANEW", 10**10)  # the tag's minutes do not end in between
    first = owner.get("/manage/", headers=PIECE)
    assert first.text.lstrip().startswith('<live-part id="now"')
    assert '<hx-partial hx-target="#counter">' in first.text
    known = {**PIECE, "HX-PTag": owner.get("/manage/", headers=PIECE).headers["HX-PTag"]}
    with statements() as asked:
        again = owner.get("/manage/", headers=known)
    assert again.status_code == 304
    assert not again.content
    assert not [each for each in asked if "loyalty_" in each], asked
    with inside(cafe.tenant):
        purchases.record(cafe.member, 2450, at=timezone.now(), by=cafe.till, key="a")
    answer = owner.get("/manage/", headers=known)
    assert answer.status_code == 200
    assert "1 visit</a>" in answer.text


@pytest.mark.django_db(transaction=True)
def test_a_tag_is_of_one_person_and_of_these_minutes(owner, cafe, monkeypatch):
    owner.get("/manage/", headers=PIECE)
    tag = owner.get("/manage/", headers=PIECE).headers["HX-PTag"]
    assert tag != owner.get("/manage/?lang=ar", headers=PIECE, follow=True).headers.get("HX-PTag")
    later = live.time.time() + live.ANEW
    monkeypatch.setattr(live.time, "time", lambda: later)
    owner.get("/manage/", headers=PIECE)
    assert owner.get("/manage/", headers=PIECE).headers["HX-PTag"] != tag


def test_the_polled_part_costs_little(owner, cafe, statements):
    owner.get("/manage/", headers=PIECE)
    with statements() as asked:
        owner.get("/manage/", headers=PIECE)
    read = [each for each in asked if "loyalty_" in each]
    assert len(read) <= 6, read


def test_home_is_for_managers_of_this_shop(stranger, till, spa, owner):
    assert owner.get("/manage/counter/").status_code == 200
    for url in ("/manage/", "/manage/counter/", "/manage/members/chips/"):
        assert stranger.get(url).status_code == 303, url
        assert till.get(url).status_code == 303, url
        other = Client(HTTP_HOST=spa.host)
        other.cookies = owner.cookies
        assert other.get(url).status_code == 303, url
