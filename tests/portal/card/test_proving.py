"""Who claims a phone and an address confirms either, in whichever order."""

from __future__ import annotations

from uuid import uuid4

import pytest

from loyalty.models import Identifier
from tenants.context import inside
from tests.portal.cards import NEW, NEW_MAIL, browser, join, last_code, letters, member_of


@pytest.fixture
def claiming(cafe):
    """She has typed her phone first, then her address; a code is on its way to that."""
    client = browser(cafe)
    join(client, NEW)
    client.post("/c/add", {"by": "email", "email": NEW_MAIL})
    return client


def proved(shop, client) -> list[str]:
    with inside(shop.tenant):
        hers = Identifier.objects.filter(member=member_of(shop, client), verified_at__isnull=False)
        return sorted(hers.values_list("value", flat=True))


def test_each_claim_has_its_own_link(claiming):
    page = claiming.get("/c/privacy").text
    assert "/c/confirm?by=phone" in page
    assert "/c/confirm?by=email" in page


def test_the_first_claim_is_confirmed_by_its_own_code(cafe, claiming):
    page = claiming.get("/c/confirm?by=phone").text
    assert "050 999 8877" in page
    assert NEW_MAIL not in page
    sent = claiming.post("/c/confirm/send", {"by": "phone"})
    assert sent.headers["Location"] == "/c/confirm?by=phone"
    assert letters(cafe)[-1].to == "+971509998877"
    form = {"key": str(uuid4()), "by": "phone", "code": last_code(cafe)}
    wrong = claiming.post("/c/confirm", {**form, "code": "0"})
    assert wrong.status_code == 422
    assert "050 999 8877" in wrong.text
    assert '<input type="hidden" name="by" value="phone">' in wrong.text
    assert claiming.post("/c/confirm", form).headers["Location"] == "/c"
    assert proved(cafe, claiming) == ["+971509998877"]
    assert NEW_MAIL in claiming.get("/c/confirm").text


def test_a_code_for_the_one_is_none_for_the_other(cafe, claiming):
    form = {"key": str(uuid4()), "by": "phone", "code": last_code(cafe)}
    assert claiming.post("/c/confirm", form).status_code == 422
    assert claiming.post("/c/confirm", {**form, "by": "email"}).status_code == 303
    assert proved(cafe, claiming) == [NEW_MAIL]


def test_a_second_code_too_soon_is_said_of_the_same_claim(claiming):
    claiming.post("/c/confirm/send", {"by": "phone"})
    again = claiming.post("/c/confirm/send", {"by": "phone"})
    assert again.status_code == 422
    assert "050 999 8877" in again.text


@pytest.mark.parametrize("by", ["", "card", "x" * 9000, "%00", "\x00", "٣", "Phone"])
def test_what_nobody_claims_by_is_the_latest_claim(claiming, by):
    assert NEW_MAIL in claiming.get("/c/confirm", {"by": by}).text
    form = {"key": str(uuid4()), "by": by, "code": "0"}
    wrong = claiming.post("/c/confirm", form)
    assert wrong.status_code == 422
    assert NEW_MAIL in wrong.text
    assert claiming.post("/c/confirm/send", {"by": by}).status_code == 422  # one is on its way


def test_where_only_one_is_claimed_it_is_asked_for(cafe):
    client = browser(cafe)
    join(client, NEW)
    assert "050 999 8877" in client.get("/c/confirm?by=email").text


def test_both_cost_the_same_statements(claiming, statements):
    with statements() as latest:
        claiming.get("/c/confirm")
    with statements() as one:
        claiming.get("/c/confirm?by=phone")
    assert latest == one
