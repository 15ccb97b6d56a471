"""What is kept of a customer: what she says of herself, allows, and takes along."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.test import Client

from loyalty import consents
from loyalty.models import Member
from tenants.context import inside
from tenants.models import Shop
from tenants.shops import change
from tests.portal.card.test_card import card_link
from tests.portal.cards import KEY, KNOWN, browser, buy, last_code, update


def test_she_says_what_she_is_called_and_the_birthday_once(customer, cafe):
    form = {"name": "Amina  R.", "birth_date": "١٩٩٠-٠٤-٠٢", "language": "en", "look": "night"}
    assert customer.post("/c/me", form).headers["Location"] == "/c"
    customer.post("/c/me", {**form, "birth_date": "1991-01-01"})
    with inside(cafe.tenant):
        member = Member.objects.get(pk=cafe.member.pk)
    assert (member.name, member.birth_date) == ("Amina R.", dt.date(1990, 4, 2))
    assert 'css/dark.css">' in customer.get("/c").text
    assert "Wrong? Ask at the counter." in customer.get("/c/me").text


def test_her_language_is_her_choice_on_every_phone(customer, cafe):
    with inside(cafe.tenant):
        change(languages=["en", "ar"])
    customer.post("/c/me", {"language": "ar", "look": ""})
    assert 'lang="ar"' in customer.get("/c").text
    other = Client(HTTP_HOST=cafe.host)
    other.cookies["lang"] = "en"
    assert other.post(f"/c/{card_link(cafe)}/").cookies["lang"].value == "ar"
    assert 'lang="ar"' in other.get("/c").text


def test_her_language_comes_back_with_her_card(customer, cafe):
    with inside(cafe.tenant):
        change(languages=["en", "ar"])
    customer.post("/c/me", {"language": "ar", "look": ""})
    other = browser(cafe)
    other.post("/c/back", {"by": "phone", "phone": KNOWN})
    form = {"key": KEY.search(other.get("/c/back/code").text)[1], "code": last_code(cafe)}
    assert other.post("/c/back/code", form).cookies["lang"].value == "ar"
    assert 'lang="ar"' in other.get("/c").text


def test_as_the_phone_has_it_forgets_the_language(customer, cafe):
    with inside(cafe.tenant):
        change(languages=["en", "ar"])
    customer.post("/c/me", {"language": "ar", "look": ""})
    assert customer.post("/c/me", {"language": "", "look": ""}).cookies["lang"].value == ""
    assert 'lang="en"' in customer.get("/c").text
    assert 'lang="ar"' in customer.get("/c", headers={"Accept-Language": "ar"}).text
    fresh = Client(HTTP_HOST=cafe.host)  # nothing chosen: the new phone keeps what it has
    fresh.cookies["lang"] = "ar"
    assert "lang" not in fresh.post(f"/c/{card_link(cafe)}/").cookies


@pytest.mark.parametrize(
    "typed",
    [{"birth_date": "2999-01-01"}, {"birth_date": "x\x00"}, {"language": "xx"}, {"look": "noon"}],
)
def test_what_cannot_be_is_said_at_the_field(customer, cafe, typed):
    answer = customer.post("/c/me", {"name": "Kept", **typed})
    assert answer.status_code == 422
    assert 'value="Kept"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    with inside(cafe.tenant):
        assert Member.objects.get(pk=cafe.member.pk).name == "Amina Rahman"


def test_she_allows_and_takes_back(customer, cafe):
    assert "You never allowed it." in customer.get("/c/privacy").text
    assert customer.post("/c/privacy/consent", {"give": "1"}).status_code == 303
    assert "You allowed it on" in customer.get("/c/privacy").text
    customer.post("/c/privacy/consent", {"withdraw": "1"})
    assert "Not allowed, since" in customer.get("/c/privacy").text
    with inside(cafe.tenant):
        assert not consents.has_given(cafe.member, "marketing")
        assert consents.latest(cafe.member, "marketing").source == "card"


def test_she_takes_her_data_along(customer, cafe):
    buy(cafe)
    update(cafe, Shop, privacy="We keep it for <three> years.")
    page = customer.get("/c/privacy").text
    assert "050 123 4567" in page
    told = json.loads(customer.get("/c/data.json").text)
    assert told["member"]["name"] == "Amina Rahman"
    assert told["known_by"][0]["value"] == "+971501234567"
    assert told["sales"][0]["total"] == 2450
    table = customer.get("/c/data.csv")
    assert "attachment" in table.headers["Content-Disposition"]
    assert "earn,24" in table.text
