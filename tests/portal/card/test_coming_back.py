"""Her card on another phone, by a code."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from loyalty import ledger
from loyalty.models import Identifier
from loyalty.purchases import record
from tenants.context import inside
from tenants.models import AuditEntry, Guess, OneTimeSecret
from tests.conftest import NOW
from tests.portal.cards import (
    KEY,
    KNOWN,
    KNOWN_MAIL,
    NEW,
    NEW_MAIL,
    browser,
    join,
    last_code,
    member_of,
)


def test_she_comes_back_by_a_code_on_another_phone(cafe, stranger):
    assert stranger.get("/c").headers["Location"] == "/c/back"
    assert stranger.get("/c/history").headers["Location"] == "/c/back"
    stranger.post("/c/back", {"by": "phone", "phone": "٠٥٠ ١٢٣ ٤٥٦٧"})
    form = {"key": KEY.search(stranger.get("/c/back/code").text)[1], "code": last_code(cafe)}
    other = browser(cafe)
    other.cookies["back"] = "forged"
    assert other.post("/c/back/code", form).headers["Location"] == "/c/back"
    assert stranger.post("/c/back/code", form).headers["Location"] == "/c"
    assert member_of(cafe, stranger) == cafe.member
    with inside(cafe.tenant):
        assert Identifier.objects.get(kind="phone", member=cafe.member.pk).verified_at


def two_taps(shop, reach, **cookies):
    """Two browsers that are one: its second tap was on the way before the first was answered."""
    taps = [browser(shop), browser(shop)]
    taps[0].cookies.load(cookies)
    by = "email" if "@" in reach else "phone"
    taps[0].post("/c/back", {"by": by, by: reach})
    form = {"key": KEY.search(taps[0].get("/c/back/code").text)[1], "code": last_code(shop)}
    taps[1].cookies.load({name: each.value for name, each in taps[0].cookies.items()})
    return form, taps


@pytest.mark.parametrize("reach", [KNOWN, KNOWN_MAIL])
def test_a_second_tap_opens_the_card_too(mailed, reach):
    """It is no guess, and nothing happens twice."""
    form, taps = two_taps(mailed, reach)
    answers = [tap.post("/c/back/code", form) for tap in taps]
    for tap, answer in zip(taps, answers, strict=True):
        assert (answer.status_code, answer.headers["Location"]) == (303, "/c")
        assert answer.cookies["back"].value == ""
        assert member_of(mailed, tap) == mailed.member
        assert tap.get("/c").status_code == 200
    with inside(mailed.tenant):
        assert not Guess.objects.filter(door="code", wrong__gt=0).exists()
        assert AuditEntry.objects.filter(act="member.proved").count() == 1


def test_a_second_tap_keeps_the_card_that_was_joined(cafe):
    client = browser(cafe)
    join(client)
    form, taps = two_taps(cafe, KNOWN, card=client.cookies["card"].value)
    for tap in taps:
        assert tap.post("/c/back/code", form).status_code == 303
        assert member_of(cafe, tap) == cafe.member
        assert tap.cookies["card"].value == client.cookies["card"].value


def test_after_a_minute_and_in_another_browser_a_used_code_opens_nothing(cafe, monkeypatch):
    form, taps = two_taps(cafe, KNOWN)
    other = browser(cafe)
    other.post("/c/back", {"by": "phone", "phone": KNOWN})
    assert taps[0].post("/c/back/code", form).status_code == 303
    assert other.post("/c/back/code", form).status_code == 422
    with inside(cafe.tenant):
        used = OneTimeSecret.objects.filter(used_at__isnull=False)
        used.update(used_at=timezone.now() - dt.timedelta(seconds=61))
    assert taps[1].post("/c/back/code", form).status_code == 422
    assert "card" not in taps[1].cookies


def test_who_shows_her_card_and_reads_the_code_keeps_what_she_proved_on_it(cafe):
    """The page for coming back is open to her too, and she is the hand that typed the number."""
    client = browser(cafe)
    join(client)
    client.post("/c/add", {"by": "email", "email": NEW_MAIL})
    code = {"key": KEY.search(client.get("/c/confirm").text)[1], "code": last_code(cafe)}
    assert client.post("/c/confirm", code).status_code == 303
    link = client.cookies["card"].value
    form, (tap, _) = two_taps(cafe, NEW, card=link)
    assert tap.post("/c/back/code", form).status_code == 303
    assert tap.cookies["card"].value == link
    with inside(cafe.tenant):
        proved = Identifier.objects.filter(verified_at__isnull=False)
        assert set(proved.values_list("value", flat=True)) == {"+971509998877", NEW_MAIL}


def test_three_wrong_codes_and_the_right_one_is_over(cafe, stranger):
    stranger.post("/c/back", {"by": "phone", "phone": KNOWN})
    key, right = KEY.search(stranger.get("/c/back/code").text)[1], last_code(cafe)
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for _ in range(3):
        assert stranger.post("/c/back/code", {"key": key, "code": wrong}).status_code == 422
    over = stranger.post("/c/back/code", {"key": key, "code": right})
    assert over.status_code == 422
    assert "Ask for a new one" in over.text


def test_a_loose_card_on_this_phone_goes_with_her(cafe):
    """She joined with another number first, and collected: coming back joins both."""
    client = browser(cafe)
    join(client)
    with inside(cafe.tenant):
        record(member_of(cafe, client), 700, at=NOW, by=cafe.till, key="loose")
    client.post("/c/back", {"by": "phone", "phone": KNOWN})
    form = {"key": KEY.search(client.get("/c/back/code").text)[1], "code": last_code(cafe)}
    assert client.post("/c/back/code", form).status_code == 303
    assert member_of(cafe, client) == cafe.member
    with inside(cafe.tenant):
        assert ledger.account_of(cafe.member).balance == 7


def test_a_code_of_one_shop_is_nothing_at_the_next(cafe, spa):
    client, other = browser(cafe), browser(spa)
    client.post("/c/back", {"by": "phone", "phone": KNOWN})
    form = {"key": KEY.search(client.get("/c/back/code").text)[1], "code": last_code(cafe)}
    other.cookies["back"] = client.cookies["back"].value
    assert other.post("/c/back/code", form).status_code == 422
    assert client.post("/c/back/code", form).status_code == 303
