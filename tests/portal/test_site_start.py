"""A stranger opens a shop on the apex: every step, the way back, and what bad input is told."""

from __future__ import annotations

import datetime as dt
import io
import re

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from loyalty.models import EarnRule, Program, Reward, Tier
from tenants import signups
from tenants.context import inside
from tenants.ids import uuid7
from tenants.models import (
    Domain,
    Letter,
    Logo,
    Seat,
    Shop,
    SignUp,
    SiteGuess,
    SiteLetter,
    Staff,
    Tenant,
)
from tests.portal.conftest import PIECE

pytestmark = pytest.mark.django_db
EMAIL = "layla@aroma.example"
NASTY = ["\x00", "x" * 10_000, "-1", "1e99", "<b>", "٣٫٥"]


@pytest.fixture
def apex(settings) -> Client:
    settings.RATE_LIMITS = False
    return Client(HTTP_HOST="localhost")


def begin(apex, email=EMAIL, name="Café Aroma", country="AE", key=None):
    said = {"key": key or str(uuid7()), "name": name, "email": email, "country": country}
    return apex.post("/start/", said)


def code_of(letter: SiteLetter) -> str:
    return re.search(r"^([0-9A-Z]{3}-[0-9A-Z]{3})$", letter.text, re.MULTILINE)[1]


def last_code() -> str:
    return code_of(SiteLetter.objects.order_by("made_at", "pk").last())


def confirmed(apex, **said):
    begin(apex, **said)
    assert apex.post("/start/code/", {"code": last_code()}).status_code == 303
    return SignUp.objects.order_by("made_at").last()


POINTS = {
    "preset": "points",
    "points-cost": "360",
    "points-worth": "18",
    "points-reward": "Free coffee",
}
GREEN = {"swatch": "#0a6847", "icon": "coffee", "greeting": "Good coffee."}


def ready(apex, slug="cafe-aroma", program=POINTS, **said):
    """Everything is said but the look."""
    confirmed(apex, **said)
    assert apex.post("/start/address/", {"slug": slug})["Location"] == "/start/program/"
    assert apex.post("/start/program/", program)["Location"] == "/start/brand/"


def png(size=(8, 8), kind="PNG"):
    file = io.BytesIO()
    Image.new("1" if size[0] > 1000 else "RGB", size).save(file, kind)
    file.seek(0)
    file.name = f"logo.{kind.lower()}"
    return file


def test_a_stranger_opens_a_shop(apex):
    assert b"/start/" in apex.get("/").content
    assert begin(apex)["Location"] == "/start/code/"
    assert EMAIL.encode() in apex.get("/start/code/").content
    answer = apex.post("/start/code/", {"code": last_code().lower().replace("-", " ")})
    assert answer["Location"] == "/start/address/"
    assert b'value="cafe-aroma"' in apex.get("/start/address/").content
    ready_slug = apex.post("/start/address/", {"slug": "Cafe Aroma"})
    assert ready_slug["Location"] == "/start/program/"
    assert apex.post("/start/program/", POINTS)["Location"] == "/start/brand/"
    answer = apex.post("/start/brand/", {**GREEN, "logo": png()})
    assert answer["Location"] == "/start/open/"
    tenant = Tenant.objects.get(slug="cafe-aroma")
    page = apex.get("/start/open/").content.decode()
    link = re.search(r'href="(http://cafe-aroma\.localhost[^"]*/accounts/arrive/[^"]+)"', page)
    assert link
    assert 'rel="noreferrer"' in page
    with inside(tenant):
        shop = Shop.objects.get()
        assert (shop.name, shop.colour, shop.icon) == ("Café Aroma", "#0a6847", "coffee")
        assert shop.greeting == "Good coffee."
        assert Logo.objects.get().digest == shop.logo
        assert Staff.objects.get().name == "Layla"
        rule = EarnRule.objects.get()
        assert (rule.kind, rule.points, rule.per) == ("spend", 1, 100)
        reward = Reward.objects.get()
        assert (reward.name, reward.cost, reward.value) == ("Free coffee", 360, 1800)
        assert Letter.objects.get().kind == "welcome"
    owner = Client(HTTP_HOST="cafe-aroma.localhost")
    path = link[1].partition("/accounts")[2]
    came = owner.get(
        f"/accounts{path}", HTTP_SEC_FETCH_SITE="same-site", HTTP_SEC_FETCH_MODE="navigate"
    )
    assert came["Location"] == "/manage/start/"


def test_opened_twice_it_opens_once(apex):
    ready(apex)
    for _ in range(2):
        assert apex.post("/start/brand/", GREEN)["Location"] == "/start/open/"
    assert Tenant.objects.count() == Domain.objects.count() == Seat.objects.count() == 1
    assert apex.get("/start/brand/")["Location"] == "/start/open/"
    assert apex.get("/start/").status_code == 200  # here another one begins
    begin(apex, name="Second")
    assert SignUp.objects.filter(opened=None).count() == 1


PROGRAMS = {
    "stamps": {"stamps-needed": "٨", "stamps-worth": "15", "stamps-reward": "Coffee"},
    "visits": {
        "visits-needed": "10",
        "visits-worth": "18.50",
        "visits-reward": "Coffee",
        "visits-gold": "২৫",
    },
    "cashback": {"cashback-percent": "5", "cashback-least": "10"},
}


@pytest.mark.parametrize("preset", PROGRAMS)
def test_every_preset_opens_a_program_that_runs(apex, preset):
    from loyalty import redemptions
    from loyalty.enrolment import enrol
    from loyalty.purchases import record
    from tenants.actors import Actor

    ready(apex, program={"preset": preset, **PROGRAMS[preset]})
    assert apex.post("/start/brand/", GREEN).status_code == 303
    now = timezone.now()
    with inside(Tenant.objects.get()):
        program, reward = Program.objects.get(), Reward.objects.get()
        by = Actor.of_staff(Staff.objects.get())
        member = enrol(name="Amina", phone="+971501234567", at=now, by=by)
        for n in range(10):
            record(member, 20_000, at=now, by=by, key=f"sale-{n}")
        account = member.accounts.get()
        assert account.balance == {"stamps": 10, "visits": 10, "cashback": 10_000}[preset]
        assert Tier.objects.count() == (2 if preset == "visits" else 0)
        assert program.policy["point_value"]
        given = redemptions.redeem(member, reward, at=now, by=by, key="reward", total=5000)
        assert given.cost == {"stamps": 8, "visits": 10, "cashback": 5000}[preset]


def test_the_first_missing_step_is_shown_instead_of_a_later_one(apex):
    later = ["/start/code/", "/start/address/", "/start/program/", "/start/brand/", "/start/open/"]
    assert {apex.get(path)["Location"] for path in later} == {"/start/"}
    begin(apex)
    assert {apex.get(path)["Location"] for path in later[1:]} == {"/start/code/"}
    assert {apex.post(path)["Location"] for path in later[1:4]} == {"/start/code/"}
    apex.post("/start/code/", {"code": last_code()})
    assert {apex.get(path)["Location"] for path in later[2:]} == {"/start/address/"}
    apex.post("/start/address/", {"slug": "aroma"})
    assert {apex.get(path)["Location"] for path in later[3:]} == {"/start/program/"}
    for path in ("/start/", *later[1:3]):
        assert apex.get(path).status_code == 200, "Back and reload show what was said"
    assert b'value="aroma"' in apex.get("/start/address/").content


def test_two_who_want_one_address(apex, cafe):
    ready(apex, slug="aroma")
    rival = Client(HTTP_HOST="localhost")
    ready(rival, slug="aroma", email="b@b.example")
    assert rival.post("/start/brand/", GREEN)["Location"] == "/start/open/"
    assert apex.post("/start/brand/", GREEN)["Location"] == "/start/address/"
    page = apex.get("/start/address/").content
    assert b"belongs to another shop" in page
    assert b'value="aroma"' in page
    assert apex.post("/start/address/", {"slug": "aroma-2"})["Location"] == "/start/brand/"
    assert apex.post("/start/brand/", GREEN)["Location"] == "/start/open/"
    assert Tenant.objects.filter(slug="aroma-2").exists()


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("", "Type the address"),
        ("ab", "Three letters"),
        ("a" * 64, "too long"),
        ("www", "ourselves"),
        ("-ab-", "Only a to z, digits"),
        ("саfe", "look alike"),
        ("مقهى", "look alike"),
        ("xn--caf-dma", "Only a to z, digits"),
        ("cafe", "another shop"),
    ],
)
def test_an_address_that_cannot_be_is_told_why(apex, cafe, typed, word):
    confirmed(apex)
    asked = apex.get("/start/address/", {"slug": typed}, headers=PIECE)
    assert asked.status_code == 200
    if typed:
        assert word in asked.content.decode()
    assert b'id="state"' in asked.content
    answer = apex.post("/start/address/", {"slug": typed})
    assert answer.status_code == 422
    assert word in answer.content.decode()
    assert 'aria-invalid="true"' in answer.content.decode()
    assert SignUp.objects.get().slug == ""


def test_three_wrong_codes_use_one_up(apex, monkeypatch):
    begin(apex)
    right = last_code()
    wrong = "000-000" if right != "000-000" else "111-111"
    said = [apex.post("/start/code/", {"code": wrong}) for _ in range(3)]
    assert [answer.status_code for answer in said] == [422] * 3
    assert b"1 try is left" in said[1].content
    assert b"used up" in said[2].content
    assert apex.post("/start/code/", {"code": right}).status_code == 422
    soon = apex.post("/start/code/again/")
    assert soon.status_code == 429
    SignUp.objects.update(code_sent_at=timezone.now() - signups.RESEND_AFTER)
    assert apex.post("/start/code/again/").status_code == 303
    assert apex.post("/start/code/", {"code": last_code()})["Location"] == "/start/address/"


def test_a_code_does_not_live_for_ever(apex):
    begin(apex)
    SignUp.objects.update(code_until=timezone.now())
    assert apex.post("/start/code/", {"code": last_code()}).status_code == 422


def test_another_address_is_confirmed_anew(apex):
    confirmed(apex)
    assert begin(apex, email="other@aroma.example")["Location"] == "/start/code/"
    assert SiteLetter.objects.latest("made_at").to == "other@aroma.example"
    assert apex.get("/start/address/")["Location"] == "/start/code/"


def test_the_same_form_twice_is_one_letter(apex):
    key = str(uuid7())
    for _ in range(2):
        assert begin(apex, key=key)["Location"] == "/start/code/"
    assert SignUp.objects.count() == SiteLetter.objects.count() == 1


def test_an_id_opens_nobody_elses_sign_up(apex):
    hers = confirmed(apex)
    thief = Client(HTTP_HOST="localhost")
    begin(thief, key=str(hers.pk))
    assert thief.get("/start/address/")["Location"] == "/start/code/"
    assert SignUp.objects.count() == 2


def test_known_and_unknown_addresses_are_answered_alike(cafe, settings, statements):
    settings.RATE_LIMITS = False
    known, unknown = "owner@cafe.example", "nobody@cafe.example"
    seen, pages = [], []
    begin(Client(HTTP_HOST="localhost"), email="first@cafe.example")  # the network's own count
    for path, field in (("/start/", True), ("/find/", False)):
        for email in (known, unknown):
            apex = Client(HTTP_HOST="localhost")
            with statements() as made:
                said = {"key": str(uuid7()), "name": "Café", "email": email, "country": "AE"}
                answer = apex.post(path, said if field else {"email": email})
                shown = apex.get(answer["Location"])
            seen.append([statement[:40] for statement in made])
            changing = rb'name="csrfmiddlewaretoken" value="[^"]*"|<wait-for seconds="\d+"'
            token = re.sub(changing, b"", shown.content)
            pages.append(
                (answer.status_code, answer["Location"], token.replace(email.encode(), b""))
            )
    assert seen[0] == seen[1]
    assert seen[2] == seen[3]
    assert pages[0] == pages[1]
    assert pages[2] == pages[3]
    told = {letter.kind + letter.to: letter.text for letter in SiteLetter.objects.all()}
    assert "http://cafe.localhost" in told[f"signup_code{known}"]
    assert "http://cafe.localhost" in told[f"my_shops{known}"]
    assert "cafe.localhost" not in told[f"signup_code{unknown}"]
    assert "cafe.localhost" not in told[f"my_shops{unknown}"]


def test_letters_are_limited_for_an_address(settings):
    settings.RATE_LIMITS = False
    answers = [
        Client(HTTP_HOST="localhost").post("/find/", {"email": EMAIL}).status_code for _ in range(7)
    ]
    assert answers == [303] * 5 + [429] * 2
    assert SiteLetter.objects.count() == 5
    assert SiteGuess.objects.exists()
    assert EMAIL not in "".join(SiteGuess.objects.values_list("subject", flat=True))


@pytest.mark.thorough
@pytest.mark.parametrize("nasty", NASTY)
def test_bad_input_gets_a_sentence_and_changes_nothing(apex, nasty):
    assert begin(apex, name=nasty, email=nasty, country=nasty, key=nasty).status_code == 422
    assert apex.post("/find/", {"email": nasty}).status_code == 422
    assert apex.get("/start/", {"name": nasty}).status_code == 200
    confirmed(apex)
    assert apex.post("/start/address/", {"slug": nasty}).status_code in (303, 422)
    apex.post("/start/address/", {"slug": "aroma"})
    for preset, fields in (("points", POINTS), *PROGRAMS.items()):
        for name in (each for each in fields if each != "preset"):
            said = {"preset": preset, **fields, name: nasty}
            answer = apex.post("/start/program/", said)
            if name.endswith("reward"):
                assert answer.status_code in (303, 422)
            elif nasty != "٣٫٥":
                assert answer.status_code == 422, (name, nasty)
                assert b"aria-invalid" in answer.content
            assert apex.get("/start/program/", said, headers=PIECE).status_code == 200
    assert apex.post("/start/program/", {"preset": nasty}).status_code == 422
    apex.post("/start/program/", POINTS)
    for name in ("swatch", "colour", "icon"):
        if nasty.strip("\x00"):
            assert apex.post("/start/brand/", {**GREEN, name: nasty}).status_code == 422
        assert apex.get("/start/brand/", {**GREEN, name: nasty}).status_code == 200
    assert not Tenant.objects.exists()


@pytest.mark.parametrize(
    ("logo", "word"),
    [
        (lambda: png((9000, 9000)), "pixels"),
        (lambda: io.BytesIO(b"GIF89a" + bytes(30)), "no PNG"),
        (lambda: io.BytesIO(b"x" * (1024 * 1024 + 1)), "1 MB"),
        (lambda: io.BytesIO(b"<svg >"), "cannot be read"),
    ],
)
def test_a_bad_logo_is_told_at_its_field(apex, logo, word):
    ready(apex)
    upload = logo()
    upload.name = "logo.png"
    answer = apex.post("/start/brand/", {**GREEN, "logo": upload})
    assert answer.status_code == 422
    assert word in answer.content.decode()
    assert not Tenant.objects.exists()


def test_what_is_old_is_forgotten(apex):
    begin(apex)
    later = timezone.now() + dt.timedelta(days=2)
    assert signups.forget_old(later) >= 2
    assert not SignUp.objects.exists()
    assert SiteLetter.objects.exists()
    signups.forget_old(later + dt.timedelta(days=14))
    assert not SiteLetter.objects.exists()


def test_the_outbox_shows_letters_where_nobody_sends_them(apex, cafe, settings):
    begin(apex)
    assert last_code().encode() in apex.get("/outbox/").content
    stranger = Client(HTTP_HOST=cafe.host)
    assert last_code().encode() not in stranger.get("/outbox/").content
    settings.OUTBOX = False
    assert apex.get("/outbox/").status_code == 404
    assert stranger.get("/outbox/").status_code == 404


def test_what_is_asked_while_one_types_costs_little(apex, statements):
    ready(apex)
    signup = SignUp.objects.get()
    signups.say(signup, logo=b"x" * 1000, logo_kind="image/webp")
    for path, query in (
        ("/start/address/", {"slug": "aroma"}),
        ("/start/program/", POINTS),
        ("/start/brand/", GREEN),
    ):
        with statements() as made:
            assert apex.get(path, query, headers=PIECE).status_code == 200
        assert len(made) <= 6, made


@pytest.mark.parametrize(
    ("header", "country"),
    [
        ("en-GB,en;q=0.9", "GB"),
        ("ar-kw", "KW"),
        ("zh-Hant-TW", "TW"),
        ("bn", "BD"),
        ("en", "AE"),
        ("", "AE"),
        ("xx-ZZ;q=nan, \x00", "AE"),
    ],
)
def test_the_country_is_guessed_from_what_the_browser_prefers(apex, header, country):
    page = apex.get("/start/", headers={"Accept-Language": header}).content.decode()
    assert f'<option value="{country}" selected>' in page


def test_a_shops_old_letters_go_with_the_nightly_tidying(cafe):
    from tenants.tasks import tidy

    now = timezone.now()
    with inside(cafe.tenant):
        for days in (1, 20):
            Letter.objects.create(kind="x", to="a", made_at=now - dt.timedelta(days=days))
        tidy(at=now.isoformat())
        assert Letter.objects.count() == 1


@pytest.mark.thorough
@pytest.mark.django_db(transaction=True)
def test_two_taps_at_once_open_one_shop(settings):
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    settings.RATE_LIMITS = False
    apex = Client(HTTP_HOST="localhost")
    ready(apex)

    def tap(_):
        other = Client(HTTP_HOST="localhost")
        other.cookies = apex.cookies
        try:
            return other.post("/start/brand/", GREEN)["Location"]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        went = list(pool.map(tap, range(4)))
    assert went == ["/start/open/"] * 4
    assert Tenant.objects.count() == 1
    with inside(Tenant.objects.get()):
        assert Letter.objects.count() == 1


def test_another_currency_asks_for_the_program_once_more(apex):
    ready(apex)
    assert begin(apex, country="KW")["Location"] == "/start/program/"
    row = SignUp.objects.get()
    assert (row.preset, row.choices) == ("", {})
    assert b'value="360"' not in apex.get("/start/program/").content
    apex.post("/start/program/", POINTS)
    assert SignUp.objects.get().choices["worth"] == 18_000, "fils are thousandths there"
    assert begin(apex, country="KW", name="Aroma")["Location"] == "/start/brand/"


def test_another_country_with_the_same_money_keeps_the_program(apex):
    ready(apex, country="DE")
    assert begin(apex, country="FR")["Location"] == "/start/brand/"
    assert SignUp.objects.get().choices["worth"] == 1800


def test_amounts_that_were_typed_in_the_money_before_are_not_kept(apex):
    ready(apex)
    stale = SignUp.objects.get()
    begin(apex, country="KW")
    signups.choose_program(stale, "points", {"cost": 1, "worth": 1, "reward": "x"})
    assert SignUp.objects.get().preset == stale.preset == ""
