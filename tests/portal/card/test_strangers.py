"""Nobody learns from a card, a claim or a code whom the shop knew."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.portal.cards import (
    KEY,
    KNOWN,
    KNOWN_MAIL,
    NEW,
    NEW_MAIL,
    browser,
    join,
    key_of,
    letters,
    of_a_card,
    plain,
    seen,
    shape,
)

REACHED = pytest.mark.parametrize(("known", "new"), [(KNOWN, NEW), (KNOWN_MAIL, NEW_MAIL)])


@REACHED
def test_joining_tells_nobody_whom_the_shop_knew(mailed, known, new):
    """Answer, bytes and statements of joining; every page of the card that follows; the letters."""
    told = []
    for reach in (known, new):
        client = browser(mailed)
        key, by = key_of(client), "email" if "@" in reach else "phone"
        with CaptureQueriesContext(connection) as captured:
            answer = client.post("/j", {"key": key, "by": by, by: reach, "name": "Noor"})
        told.append([seen(answer), shape(captured), of_a_card(client, reach)])
    assert told[0][0] == told[1][0]
    assert told[0][1] == told[1][1]
    assert len(told[0][1]) > 8  # it did something
    for one, other in zip(told[0][2], told[1][2], strict=True):
        assert one == other
        assert len(one) > 30
    written = letters(mailed)
    assert len(written) == (2 if "@" in known else 0)
    assert len({letter.kind for letter in written}) <= 1


@REACHED
def test_coming_back_tells_nobody_whom_the_shop_knew(mailed, known, new):
    """What is told is told in the letter alone. (The first stranger's network is not counted yet,
    so somebody was here before.)
    """
    told = []
    for reach in ("050 999 0000", known, new):
        client = browser(mailed)
        by = "email" if "@" in reach else "phone"
        with CaptureQueriesContext(connection) as captured:
            answer = client.post("/c/back", {"by": by, by: reach})
        page = client.get("/c/back/code")
        form = {"key": KEY.search(page.text)[1], "code": "000000"}
        with CaptureQueriesContext(connection) as wrong:
            again = client.post("/c/back/code", form)
        texts = [plain(each).replace(reach, "…") for each in (page, again)]
        where = (answer.status_code, answer.headers["Location"], again.status_code)
        told.append([where, shape(captured), shape(wrong), texts])
    assert told[1] == told[2]
    assert told[1][0] == (303, "/c/back/code", 422)
    kinds = [letter.kind for letter in letters(mailed)]
    assert kinds == ["card_nobody", "card_back", "card_nobody"]


@REACHED
def test_claiming_one_more_number_tells_nobody_whom_the_shop_knew(mailed, known, new):
    """Who has a card says that this is hers too, types a wrong code, and asks for another."""
    told = []
    first = "omar@example.com" if "@" in new else "050 888 0000"  # whom the network is counted with
    for number, reach in enumerate((first, known, new)):
        client = browser(mailed)
        mine = f"050 777 000{number}"
        join(client, mine)
        by, parts = "email" if "@" in reach else "phone", []
        for path, sent in (
            ("/c/add", {"by": by, by: reach}),
            ("/c/confirm", {"key": str(uuid4()), "code": "000000"}),
            ("/c/confirm/send", {}),
        ):
            with CaptureQueriesContext(connection) as captured:
                answer = client.post(path, sent)
            parts.append([answer.status_code, shape(captured), plain(answer).replace(reach, "…")])
        told.append([parts, of_a_card(client, reach, mine)])
    assert told[1] == told[2]
    assert [status for status, *_ in told[1][0]][:2] == [303, 422]
