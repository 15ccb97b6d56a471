"""Getting a card: one field, and it is there."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from loyalty import consents, finding
from loyalty.models import Identifier, Member, Program
from portal.card import holders
from tenants.context import inside
from tenants.limits import Rate
from tests.portal.cards import (
    KEY,
    NEW,
    browser,
    join,
    key_of,
    member_of,
)


def test_a_card_at_once(cafe):
    client = browser(cafe)
    assert "Get my card" in client.get("/j").text
    answer = join(client, name="Yusuf", news="on")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/c")
    assert "Yusuf" in client.get("/c").text
    assert client.get("/j").headers["Location"] == "/c"
    with inside(cafe.tenant):
        assert finding.find_for_till("8877")[0].member.name == "Yusuf"
        said = consents.latest(member_of(cafe, client), "marketing")
        assert (said.granted, said.text_version, said.source) == (True, "offers-1", "poster")


def test_the_same_form_twice_is_one_card(cafe):
    one, two = browser(cafe), browser(cafe)
    form = {"key": key_of(one), "by": "phone", "phone": NEW}
    assert [each.post("/j", form).status_code for each in (one, two)] == [303, 303]
    assert member_of(cafe, one) == member_of(cafe, two)


@pytest.mark.parametrize(
    ("by", "typed"),
    [
        ("phone", ""),
        ("phone", "050 12"),
        ("phone", "9" * 10_000),
        ("phone", "\x00\ud800abc"),
        ("phone", "-5e3"),
        ("email", "no address"),
        ("email", "a@b"),
        ("email", f"{'a' * 300}@example.com"),
        ("email", "a\r\nBcc: b@example.com"),
        ("nothing", "x"),
    ],
)
def test_what_cannot_be_read_comes_back_with_a_sentence(cafe, by, typed):
    client = browser(cafe)
    sent = typed.encode("utf-8", "surrogatepass")
    form = urlencode({"key": key_of(client), "by": by, by: sent, "name": "Ruth"})
    answer = client.post("/j", form, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert 'class="error"' in answer.text
    assert 'value="Ruth"' in answer.text
    with inside(cafe.tenant):
        assert Member.objects.count() == 1


@pytest.mark.parametrize("typed", ["٠٥٠ ٩٩٩ ٨٨٧٧", "০৫০৯৯৯৮৮৭৭"])
def test_a_number_is_typed_in_every_script(cafe, typed):
    client = browser(cafe)
    assert join(client, typed).status_code == 303
    with inside(cafe.tenant):
        assert Identifier.objects.filter(value="+971509998877").exists()


def test_a_form_without_its_key_is_asked_for_again(cafe):
    client = browser(cafe)
    for key in ("", "x", "0" * 5000):
        assert client.post("/j", {"key": key, "by": "phone", "phone": NEW}).status_code == 422


def test_a_shop_that_takes_a_break_says_so(cafe):
    with inside(cafe.tenant):
        Program.objects.update(status="paused")
    client = browser(cafe)
    for path in ("/", "/j"):
        assert "The card takes a break" in client.get(path).text
    assert client.post("/j", {"by": "phone", "phone": NEW}).status_code == 200
    with inside(cafe.tenant):
        assert Member.objects.count() == 1


def test_who_makes_cards_without_end_has_to_wait(cafe, settings, monkeypatch):
    settings.RATE_LIMITS = True
    monkeypatch.setattr(holders, "FROM_A_NETWORK", Rate(per_minute=1, burst=3))
    answers = [join(browser(cafe), f"050 999 88{n}").status_code for n in range(10, 14)]
    assert answers == [303] * 3 + [429]


def test_a_key_that_comes_again_with_another_number_is_asked_about(cafe):
    """She went back in her browser and typed another one: nothing breaks, and nobody is told whose
    the first card is.
    """
    client, other = browser(cafe), browser(cafe)
    key = key_of(client)
    assert join(client, key=key).status_code == 303
    form = {"key": key, "by": "phone", "phone": "050 999 8870", "name": "Ruth"}
    answer = other.post("/j", form)
    assert answer.status_code == 422
    assert "This form is too old. Try again." in answer.text
    assert 'value="Ruth"' in answer.text
    assert 'value="050 999 8870"' in answer.text
    fresh = KEY.search(answer.text)[1]
    assert fresh != key
    assert other.post("/j", {**form, "key": fresh}).status_code == 303
    assert member_of(cafe, other) != member_of(cafe, client)
