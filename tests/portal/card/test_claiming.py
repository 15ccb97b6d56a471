"""One more number or address, bound by its code."""

from __future__ import annotations

from uuid import uuid4

import pytest

from loyalty import finding, operations
from loyalty.models import Claim, Identifier
from loyalty.programs import set_policy
from loyalty.purchases import record
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import Guess
from tests.conftest import NOW
from tests.portal.cards import (
    KEY,
    KNOWN,
    NEW,
    NEW_MAIL,
    browser,
    join,
    last_code,
    letters,
    member_of,
)


def test_a_known_number_is_joined_by_its_code(cafe):
    with inside(cafe.tenant):
        set_policy(cafe.program, {"enrol_bonus": 5}, at=NOW, by=cafe.till)
        record(cafe.member, 2000, at=NOW, by=cafe.till, key="before")
    client = browser(cafe)
    join(client, KNOWN, name="Amina")
    assert "Confirm your number" in client.get("/c").text
    assert client.post("/c/confirm/send").status_code == 303
    assert letters(cafe)[-1].to == "+971501234567"
    page = client.get("/c/confirm").text
    wrong = {"key": KEY.search(page)[1], "code": "00000x"}
    assert client.post("/c/confirm", wrong).status_code == 422
    right = last_code(cafe).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    assert client.post("/c/confirm", {**wrong, "code": right}).headers["Location"] == "/c"
    assert member_of(cafe, client) == cafe.member
    page = client.get("/c").text
    assert "<b>20</b>" in page
    assert "Confirm your number" not in page
    assert client.get("/c/confirm").headers["Location"] == "/c"


def test_another_code_is_not_sent_at_once(cafe):
    client = browser(cafe)
    join(client)
    assert client.post("/c/confirm/send").status_code == 303
    again = client.post("/c/confirm/send")
    assert again.status_code == 422
    assert "A code was just sent" in again.text
    assert len(letters(cafe)) == 1


def test_an_address_gets_its_code_at_once(cafe):
    client = browser(cafe)
    join(client, NEW_MAIL)
    (letter,) = letters(cafe)
    assert (letter.kind, letter.to, letter.subject) == (
        "card_welcome",
        NEW_MAIL,
        "Your card at Cafe",
    )
    page = client.get("/c/confirm").text
    assert "We sent six digits by mail" in page
    form = {"key": KEY.search(page)[1], "code": last_code(cafe)}
    assert client.post("/c/confirm", form).status_code == 303
    with inside(cafe.tenant):
        assert Identifier.objects.get(value=NEW_MAIL).verified_at
        assert not Claim.objects.exists()


def test_guessing_at_a_number_is_dear(cafe):
    """Whoever asks for codes again and again is made to wait, whichever card she has in hand."""
    client = browser(cafe)
    answers = []
    for _ in range(8):
        client.post("/c/back", {"by": "phone", "phone": KNOWN})
        page = client.get("/c/back/code").text
        found = KEY.search(page)
        form = {"key": found[1] if found else "", "code": "123456"}
        answers.append(client.post("/c/back/code", form).status_code)
    assert answers[0] == 422
    assert answers[-1] == 429
    with inside(cafe.tenant):
        assert Guess.objects.filter(door="code").exists()


@pytest.mark.parametrize("where", ["/c/confirm", "/c/back/code"])
def test_a_key_that_has_joined_other_cards_is_made_anew(cafe, where):
    client, key = browser(cafe), str(uuid4())
    with inside(cafe.tenant):
        by = Actor.member(cafe.member.pk)
        operations.unsaved("merge", by, key=key, print_="x", at=NOW, result={}).save()
    join(client, KNOWN)
    if where == "/c/confirm":
        client.post("/c/confirm/send")
    else:
        client.post("/c/back", {"by": "phone", "phone": KNOWN})
    form = {"key": key, "code": last_code(cafe)}
    answer = client.post(where, form)
    assert answer.status_code == 422
    assert "This form is too old. Try again." in answer.text
    fresh = KEY.search(answer.text)[1]
    assert client.post(where, {**form, "key": fresh}).status_code == 303
    assert member_of(cafe, client) == cafe.member


def test_a_second_tap_on_another_address_sends_one_letter(cafe):
    client = browser(cafe)
    join(client)
    for _ in range(2):
        answer = client.post("/c/add", {"by": "email", "email": NEW_MAIL})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/c/confirm")
    assert len(letters(cafe)) == 1
    form = {"key": KEY.search(client.get("/c/confirm").text)[1], "code": last_code(cafe)}
    assert client.post("/c/confirm", form).headers["Location"] == "/c"


def test_a_mistyped_number_is_typed_again_and_another_added(cafe):
    client = browser(cafe)
    join(client, "050 999 8870")
    assert "Wrong number? Type it again" in client.get("/c/confirm").text
    assert client.post("/c/add", {"by": "phone", "phone": "12"}).status_code == 422
    assert client.post("/c/add", {"by": "phone", "phone": NEW}).headers["Location"] == "/c/confirm"
    with inside(cafe.tenant):
        assert finding.find_for_till("8870") == []
    for by, reach in (("phone", ""), ("email", NEW_MAIL)):
        if reach:
            assert "Add my email address" in client.get("/c/privacy").text
            client.post("/c/add", {"by": by, by: reach})
        form = {"key": KEY.search(client.get("/c/confirm").text)[1], "code": last_code(cafe)}
        assert client.post("/c/confirm", form).status_code == 303
    with inside(cafe.tenant):
        known = Identifier.objects.filter(member=member_of(cafe, client), verified_at__isnull=False)
        assert sorted(known.values_list("value", flat=True)) == ["+971509998877", NEW_MAIL]
