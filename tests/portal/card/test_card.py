"""The customer's card and the shop's own page."""

from __future__ import annotations

from uuid import uuid4

from django.test import Client
from django.utils import timezone

from loyalty.models import Program
from loyalty.purchases import record
from loyalty.refunds import void
from loyalty.sales import Recorded
from tenants import secrets
from tenants.context import inside
from tests.portal.conftest import HOUR


def buy(cafe, total=2450) -> Recorded:
    with inside(cafe.tenant):
        return record(cafe.member, total, at=timezone.now(), by=cafe.till, key=str(uuid4()))


def card_link(cafe) -> str:
    with inside(cafe.tenant):
        return secrets.mint(secrets.CARD, cafe.member.pk, HOUR, at=timezone.now())


def test_a_link_brings_the_card_onto_one_phone(stranger, cafe):
    link = f"/c/{card_link(cafe)}/"
    assert "Open my card" in stranger.get(link).text
    answer = stranger.post(link)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/c")
    cookie = answer.cookies["card"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")
    assert "Amina Rahman" in stranger.get("/c").text
    assert Client(HTTP_HOST=cafe.host).post(link).status_code == 410


def test_the_card_shows_balance_code_and_how_points_came_about(customer, cafe):
    buy(cafe)
    page = customer.get("/c").text
    assert "<b>24</b>" in page
    assert "Bought for AED\u00a024.50" in page
    assert "24 \u00d7 AED\u00a01.00" in page
    assert 'role="img"' in page
    assert "<script" not in page


def test_a_new_card_says_what_will_appear(customer):
    assert "Your first visit will appear here." in customer.get("/c").text


def test_the_card_of_one_shop_is_nothing_at_the_next(customer, spa):
    neighbour = Client(HTTP_HOST=spa.host)
    neighbour.cookies["card"] = customer.cookies["card"].value
    answer = neighbour.get("/c")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert answer.cookies["card"].value == ""


def test_the_card_costs_these_statements(customer, cafe, statements):
    """At most four were promised. The page itself is kept for as long as its account stays."""
    for _ in range(6):
        buy(cafe)
    customer.get("/")  # the host and the shop's front are known by now
    with statements() as first:
        assert customer.get("/c").status_code == 200
    with statements() as again:
        assert customer.get("/c").status_code == 200
    assert first == ["SELECT loyalty_account", "SELECT loyalty_entry"]
    assert again == ["SELECT loyalty_account"]


def test_a_kept_card_is_never_out_of_date(customer, cafe):
    """Each of these changes what the card shows, and the next look shows it."""
    seen = [customer.get("/c").content]
    sold = buy(cafe)
    seen.append(customer.get("/c").content)
    with inside(cafe.tenant):
        void(sold.purchase, at=sold.purchase.occurred_at, by=cafe.till, key="u")
    seen.append(customer.get("/c").content)
    seen.append(customer.get("/c?lang=ar").content)
    with inside(cafe.tenant):
        cafe.member.name = "Somebody Else"
        cafe.member.save()
    seen.append(customer.get("/c").content)
    assert len(set(seen)) == len(seen)
    assert customer.get("/c").content == seen[-1]


def test_a_paused_program_leaves_the_card_its_name(customer, cafe):
    with inside(cafe.tenant):
        Program.objects.update(status="paused")
    answer = customer.get("/c")
    assert answer.status_code == 200
    assert b"Amina Rahman" in answer.content


def test_the_card_is_a_small_page(customer, cafe):
    for _ in range(6):
        buy(cafe)
    assert len(customer.get("/c").content) < 20_000


def test_a_scanned_code_leads_a_stranger_to_the_shop_whatever_it_is(stranger, cafe):
    for code in (cafe.member.code, cafe.member.code.lower(), "000000000000", "x" * 12):
        for path in (f"/m/{code}", f"/M/{code}"):
            answer = stranger.get(path)
            assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_a_scanned_code_leads_staff_to_the_member(till, cafe):
    answer = till.get(f"/M/{cafe.member.code}")
    assert answer.headers["Location"] == f"/till/members/{cafe.member.pk}/"
    assert till.get("/m/000000000000").headers["Location"] == "/"


def test_the_shops_page_knows_the_phone_that_has_a_card(stranger, customer):
    assert "A card for regulars" in stranger.get("/").text
    assert "Show my card" in customer.get("/").text
