"""Leaving: asked for with a proof, undone with one tap for a week, and carried out in the night."""

from __future__ import annotations

import datetime as dt
import re
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from loyalty import leaving
from loyalty.enrolment import new_link
from loyalty.models import Entry, Identifier, Member
from portal.card.forms import Leave
from tenants.context import inside
from tenants.models import AuditEntry, Letter
from tests.portal.cards import KEY, KNOWN, browser, buy, join, last_code, letters

SURE = {"sure": "on"}
FRIDAY = dt.datetime(2026, 11, 27, 21, tzinfo=dt.UTC)  # one o'clock on Saturday in Dubai
ITS_DAY = "Sunday, 6 December"  # after seven whole days there


@pytest.fixture(autouse=True)
def _on_a_friday(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: FRIDAY)


def member_of(shop) -> Member:
    with inside(shop.tenant):
        return Member.everyone.get(pk=shop.member.pk)


def leave(client, shop) -> None:
    answer = client.post("/c/leave", SURE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/c")
    assert member_of(shop).erase_at


def test_what_goes_and_when_is_said_before(customer):
    page = customer.get("/c/leave").text
    assert f"On {ITS_DAY}, your name" in page
    assert "Until then you can keep your card" in page


def test_whoever_leaves_has_a_week_to_stay(customer, cafe):
    buy(cafe)
    unsure = customer.post("/c/leave", {})
    assert unsure.status_code == 422
    assert "Tick the box if you mean it." in unsure.text
    assert member_of(cafe).erase_at is None
    leave(customer, cafe)
    page = customer.get("/c").text
    assert f"Your card is erased on {ITS_DAY}" in page
    assert "<b>24</b>" in page
    assert 'class="qr"' not in page
    assert "Leave and erase" not in customer.get("/c/privacy").text
    assert customer.post("/c/stay").headers["Location"] == "/c"
    page = customer.get("/c").text
    assert "is erased" not in page
    assert 'class="qr"' in page
    with inside(cafe.tenant):
        acts = AuditEntry.objects.filter(act__in=("member.leaving", "member.stayed"))
        assert set(acts.values_list("who", flat=True)) == {f"member:{cafe.member.pk}"}
        assert acts.count() == 2


def test_after_the_week_she_is_forgotten(customer, cafe):
    buy(cafe)
    leave(customer, cafe)
    with inside(cafe.tenant):
        assert leaving.erase_due(member_of(cafe).erase_at) == 1
        assert (member_of(cafe).status, member_of(cafe).name) == ("erased", "")
        assert Entry.objects.filter(kind="forfeit").get().amount == -24
    for path in ("/c/leave", "/c/stay"):
        assert customer.post(path).headers["Location"] == "/c/back"
    gone = customer.get("/c")
    assert (gone.headers["Location"], gone.cookies["card"].value) == ("/", "")


def test_leaving_twice_keeps_the_first_day(customer, cafe):
    leave(customer, cafe)
    first = member_of(cafe).erase_at
    for answer in (customer.get("/c/leave"), customer.post("/c/leave", SURE)):
        assert (answer.status_code, answer.headers["Location"]) == (303, "/c")
    assert member_of(cafe).erase_at == first
    with inside(cafe.tenant):
        assert AuditEntry.objects.filter(act="member.leaving").count() == 1
    for _ in range(2):
        assert customer.post("/c/stay").status_code == 303
    assert member_of(cafe).erase_at is None


def test_where_a_number_was_proved_a_code_confirms_it(customer, cafe):
    with inside(cafe.tenant):
        Identifier.objects.update(verified_at=timezone.now())
    page = customer.get("/c/leave").text
    assert "Send me a code to confirm" in page
    assert "Erase me" not in page
    assert customer.post("/c/leave/send").headers["Location"] == "/c/leave?sent=1"
    assert "Erase me" in customer.get("/c/leave?sent=1").text
    for typed in ({"code": ""}, {"code": "12"}, {"code": "000000"}, SURE):
        assert customer.post("/c/leave", typed).status_code == 422
    assert member_of(cafe).erase_at is None
    with inside(cafe.tenant):
        letter = Letter.objects.get()
        assert (letter.kind, letter.channel) == ("card_leave", "text")
        code = re.search(r"\d{6}", letter.text)[0]
    assert customer.post("/c/leave", {"code": code}).headers["Location"] == "/c"
    assert member_of(cafe).erase_at
    customer.post("/c/leave/send")
    with inside(cafe.tenant):
        assert Letter.objects.count() == 1  # who is leaving is sent no code for it


def test_to_keep_it_is_asked_of_a_browser_that_shows_it(customer, cafe, stranger):
    leave(customer, cafe)
    assert stranger.post("/c/stay").headers["Location"] == "/c/back"
    forged = Client(HTTP_HOST=cafe.host, enforce_csrf_checks=True)
    forged.cookies["card"] = customer.cookies["card"].value
    assert forged.post("/c/stay").status_code == 403
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', forged.get("/c").text)[1]
    other = Client(HTTP_HOST=cafe.host, enforce_csrf_checks=True)  # the page was kept for nobody
    with inside(cafe.tenant):
        other.cookies["card"] = new_link(cafe.member)
    assert f'value="{token}"' not in other.get("/c").text
    assert forged.post("/c/stay", {"csrfmiddlewaretoken": token}).status_code == 303
    assert member_of(cafe).erase_at is None


def test_coming_back_by_a_code_shows_that_the_card_is_ending(customer, cafe, stranger):
    leave(customer, cafe)
    stranger.post("/c/back", {"by": "phone", "phone": KNOWN})
    form = {"key": KEY.search(stranger.get("/c/back/code").text)[1], "code": last_code(cafe)}
    assert stranger.post("/c/back/code", form).headers["Location"] == "/c"
    assert "Your card is erased on" in stranger.get("/c").text
    stranger.post("/c/stay")
    assert "is erased" not in customer.get("/c").text


def test_whoever_joins_anew_and_proves_it_is_back(customer, cafe):
    leave(customer, cafe)
    new = browser(cafe)
    join(new, KNOWN)
    assert "is erased" not in new.get("/c").text  # nobody learns that she is leaving
    new.post("/c/confirm/send")
    form = {"key": KEY.search(new.get("/c/confirm").text)[1], "code": last_code(cafe)}
    assert new.post("/c/confirm", form).headers["Location"] == "/c"
    assert "is erased" not in new.get("/c").text
    assert member_of(cafe).erase_at is None
    assert [letter.kind for letter in letters(cafe)] == ["card_code"]


def test_a_blocked_or_paused_card_can_be_left_and_kept(customer, cafe):
    with inside(cafe.tenant):
        Member.objects.update(status="blocked")
    leave(customer, cafe)
    page = customer.get("/c").text
    assert "Your card is erased on" in page
    assert "This card is blocked" not in page
    customer.post("/c/stay")
    assert "This card is blocked" in customer.get("/c").text
    with inside(cafe.tenant):
        cafe.program.status = "paused"
        cafe.program.save()
    leave(customer, cafe)
    assert "Your card is erased on" in customer.get("/c").text


def test_no_reward_is_shown_at_the_counter_meanwhile(customer, cafe):
    leave(customer, cafe)
    assert customer.get(f"/c/use/{uuid4()}").headers["Location"] == "/c"


def test_the_till_says_why_it_gives_nothing(till, customer, cafe):
    leave(customer, cafe)
    sold = till.post(
        f"/till/members/{cafe.member.pk}/purchases/", {"key": str(uuid4()), "amount": "2450"}
    )
    assert "about to be erased" in sold.text


def test_the_owner_reads_that_she_is_leaving_and_when(owner, customer, cafe):
    leave(customer, cafe)
    page = owner.get(f"/manage/members/{cafe.member.pk}/").text
    assert f"She asked to be erased. That happens on {ITS_DAY}" in page
    customer.post("/c/stay")
    assert "asked to be erased" not in owner.get(f"/manage/members/{cafe.member.pk}/").text


def test_the_form_asks_for_one_proof():
    assert list(Leave(needs_code=True).fields) == ["code"]
    assert list(Leave(needs_code=False).fields) == ["sure"]
