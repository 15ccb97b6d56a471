"""Getting a card, proving a number, coming back: nobody learns from it whom the shop knew."""

from __future__ import annotations

import datetime as dt
import re
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from loyalty import consents, finding, ledger, operations
from loyalty.models import Claim, Identifier, Member, Program
from loyalty.programs import set_policy
from loyalty.purchases import record
from portal.card import holders
from tenants.actors import Actor
from tenants.context import inside
from tenants.limits import Rate
from tenants.models import AuditEntry, Guess, Letter, OneTimeSecret
from tests.conftest import NOW

KNOWN, NEW = "050 123 4567", "050 999 8877"
KNOWN_MAIL, NEW_MAIL = "amina@example.com", "yusuf@example.com"
KEYS = (str(UUID(int=1)), str(UUID(int=2)))
KEY = re.compile(r'name="key" value="([0-9a-f-]{36})"')


@pytest.fixture(autouse=True)
def _limits_lifted(settings):
    settings.RATE_LIMITS = False


@pytest.fixture
def mailed(cafe):
    """Amina is known by her address too."""
    with inside(cafe.tenant):
        Identifier.objects.create(member=cafe.member, kind="email", value=KNOWN_MAIL)
    return cafe


def browser(shop) -> Client:
    return Client(HTTP_HOST=shop.host)


def key_of(client, path="/j") -> str:
    return KEY.search(client.get(path).text)[1]


def join(client, reach=NEW, **told):
    by = "email" if "@" in reach else "phone"
    told.setdefault("key", key_of(client))
    return client.post("/j", {"by": by, by: reach, **told})


def letters(shop) -> list[Letter]:
    with inside(shop.tenant):
        return list(Letter.objects.order_by("made_at", "id"))


def last_code(shop) -> str:
    return re.search(r"\b\d{6}\b", f"{letters(shop)[-1].subject} {letters(shop)[-1].text}")[0]


def member_of(shop, client) -> Member:
    with inside(shop.tenant):
        return finding.member_by_link(client.cookies["card"].value)


def plain(answer) -> str:
    """What is seen, without what differs for everybody: nonces, codes, drawings of codes,
    seconds to wait."""
    text = answer.content.decode() if answer.content else ""
    text = re.sub(r'name="(csrfmiddlewaretoken|key)" value="[^"]*"', "", text)
    text = re.sub(r'<div class="qr".*?</div>', "", text, flags=re.DOTALL)
    text = re.sub(r"in \d+ seconds", "in some seconds", text)
    return re.sub(r'class="code">[^<]*<', "", text)


def shape(captured) -> list[str]:
    """The text of each statement, its values left out."""
    values = r"'[^']*'|\b\d+\b|\bs\d+_x\d+\b|NULL"
    return [re.sub(values, "?", query["sql"]) for query in captured]


def seen(answer) -> tuple:
    own = ("Expires", "X-Request-ID")  # of the second, and of the request
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    cookies = {name: len(morsel.value) for name, morsel in answer.cookies.items()}
    return (answer.status_code, headers, cookies, plain(answer))


def of_a_card(client, *reaches) -> list[str]:
    """Every page of the card on this phone, without what is her own and what is random."""
    pages = ["", "/history", "/me", "/leave", "/privacy", "/confirm", "/data.json", "/data.csv"]
    texts = [plain(client.get(f"/c{path}")) for path in pages]
    for reach in reaches:
        for own in (reach, reach.replace(" ", "").replace("0", "+971", 1)):
            texts = [text.replace(own, "…") for text in texts]
    drawn = r"[0-9a-f-]{36}|\d\d:\d\d:\d\d[.\d]*|\b[0-9A-Z]{12}\b|(?:[0-9A-Z]{4} ){2}[0-9A-Z]{4}"
    return [re.sub(drawn, "", text) for text in texts]


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
