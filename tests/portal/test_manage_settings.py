"""Settings: who may change what, what cannot be, two people at once, and what the worker does."""

from __future__ import annotations

import re
from unittest.mock import patch
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from loyalty import currencies, programs, purchases, tasks
from loyalty.models import EarnRule, Program
from tenants import jobs, relocating, secrets, shops
from tenants.context import inside
from tenants.models import AuditEntry, Shop, Staff, Tenant
from tests.conftest import NOW, make_shop
from tests.portal.conftest import HOUR, PIECE, prove

URL = "/manage/settings/"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture(autouse=True)
def _unlimited(settings):
    settings.RATE_LIMITS = False


@pytest.fixture
def manager(cafe) -> Client:
    """The owner's browser, whose person is a manager only."""
    client = Client(HTTP_HOST=cafe.host)
    with inside(cafe.tenant):
        user = cafe.owner.user_id
        secret = secrets.mint(secrets.SIGN_IN, user, HOUR, at=timezone.now())
        Staff.objects.filter(pk=cafe.owner.pk).update(role=Staff.Role.MANAGER)
    assert client.post(f"/accounts/link/{secret}/").status_code == 303
    return client


def shop_of(cafe):
    with inside(cafe.tenant):
        return Shop.objects.select_related("tenant").get()


def send(browser, part, **told):
    page = browser.get(f"{URL}{part}/").text
    seen = re.search(r'name="seen" value="([^"]*)"', page)[1]
    return browser.post(f"{URL}{part}/", {"seen": seen, **told})


BRAND = {"name": "Café Aroma", "greeting": "Good coffee.", "colour": "#FFD75E", "icon": "leaf"}
GOOD = {
    "brand": (BRAND, {"name": "Café Aroma", "colour": "#ffd75e", "icon": "leaf"}),
    "languages": (
        {"languages": ["ar", "bn"], "language_id": "bn", "native_digits": "on"},
        {"languages": ["ar", "bn"], "language_id": "bn", "native_digits": True},
    ),
    "contact": (
        {"phone": "٠٥٠ 123 4567", "email": " A@B.example", "privacy": "We keep\r\nlittle."},
        {"phone": "+971501234567", "email": "a@b.example", "privacy": "We keep\nlittle."},
    ),
    "till": (
        {"pin_length": "6", "lock_after": "10", "award_limit": "500", "proof_above": "300"},
        {"pin_length": 6, "lock_after": 10, "award_limit": 50_000, "proof_above": 300},
    ),
}


@pytest.mark.parametrize("part", GOOD)
def test_the_owner_sets_it_and_every_page_shows_it(owner, cafe, part):
    told, wanted = GOOD[part]
    answer = send(owner, part, **told)
    assert answer.status_code == 303
    assert 'class="notice good" role="status"' in owner.get(answer["Location"]).text
    shop = shop_of(cafe)
    assert {name: getattr(shop, name) for name in wanted} == wanted
    with inside(cafe.tenant):
        assert AuditEntry.objects.get(act="shop.changed").after["fields"]


WRONG = [
    ("brand", {**BRAND, "colour": "red"}, "Write a colour as #5d2a50."),
    ("brand", {**BRAND, "name": "\x00"}, "This field is required."),
    ("brand", {**BRAND, "name": "x" * 10_000}, "Keep it under 80 letters."),
    ("brand", {**BRAND, "icon": "skull"}, "Choose one of these."),
    ("languages", {"language_id": "en"}, "Choose one at least."),
    ("languages", {"languages": "tlh", "language_id": "en"}, "Choose among these."),
    ("languages", {"languages": "ar", "language_id": "en"}, "languages of your pages"),
    ("contact", {"phone": "123"}, "no phone number we can read"),
    ("contact", {"email": "nobody"}, "That is no e-mail address."),
    ("contact", {"privacy": "x" * 6000}, "Keep it under 5000 letters."),
    ("till", {"pin_length": "3", "lock_after": "5"}, "Select a valid choice"),
    ("till", {"pin_length": "4", "lock_after": "0"}, "Give a number from 1 to 60."),
    ("till", {"pin_length": "4", "lock_after": "5", "award_limit": "1e9"}, "That is no amount."),
    ("words", {"en-one": "bean", "en-other": ""}, "Fill in all of them, or none."),
    ("words", {"en-one": "b" * 99, "en-other": "b"}, "Keep it under 24 letters."),
]


def test_what_cannot_be_is_told_at_its_field(owner, cafe):
    before = shop_of(cafe).__dict__
    for part, told, sentence in WRONG:
        answer = send(owner, part, **told)
        assert (answer.status_code, part, told) == (422, part, told)
        assert sentence in answer.text, (part, told)
        assert 'aria-invalid="true"' in answer.text, (part, told)
    after = shop_of(cafe).__dict__
    assert {k: v for k, v in after.items() if k != "_state"} == {
        k: v for k, v in before.items() if k != "_state"
    }
    assert owner.get(f"{URL}nothing/").status_code == 404


def test_two_who_change_the_same_part(owner, cafe):
    page = owner.get(f"{URL}brand/").text
    seen = re.search(r'name="seen" value="([^"]*)"', page)[1]
    assert owner.post(f"{URL}brand/", {"seen": seen, **BRAND}).status_code == 303
    late = owner.post(f"{URL}brand/", {"seen": seen, **BRAND, "name": "Mine"})
    assert late.status_code == 409
    assert 'value="Mine"' in late.text
    assert owner.post(f"{URL}brand/", {**BRAND, "name": "Mine"}).status_code == 409
    assert shop_of(cafe).name == "Café Aroma"
    seen = re.search(r'name="seen" value="([^"]*)"', late.text)[1]
    assert owner.post(f"{URL}brand/", {"seen": seen, **BRAND, "name": "Mine"}).status_code == 303


def test_a_logo_comes_and_goes(owner, cafe):
    upload = SimpleUploadedFile("l.png", PNG, "image/png")
    assert send(owner, "brand", **BRAND, logo=upload).status_code == 303
    digest = shop_of(cafe).logo
    assert owner.get(f"/logo.{digest}").status_code == 200
    bad = SimpleUploadedFile("l.png", b"GIF89a", "image/png")
    assert "That is no PNG" in send(owner, "brand", **BRAND, logo=bad).text
    assert send(owner, "brand", **BRAND, without="on").status_code == 303
    assert shop_of(cafe).logo == ""


def test_the_colour_is_seen_before_it_is_kept(owner, cafe):
    piece = owner.post(f"{URL}look/", {**BRAND, "colour": "#ff8800"}, headers=PIECE).text
    assert piece.lstrip().startswith('<section class="look" id="look"')
    assert "/manage/settings/colour.ff8800.css" in piece
    assert "easy to read" in piece or "so text stays readable" in piece
    assert "--brand:" in owner.get(f"{URL}colour.ff8800.css").text
    assert owner.get(f"{URL}colour.zz.css").status_code == 404
    assert shop_of(cafe).colour != "#ff8800"


def test_points_get_another_name_in_each_language(owner, cafe):
    with inside(cafe.tenant):
        shops.change(languages=["en", "ar"])
    forms = dict(zip(("zero", "one", "two", "few", "many", "other"), "ابتثجح", strict=True))
    told = {f"ar-{form}": word for form, word in forms.items()}
    answer = send(owner, "words", **told, **{"en-one": "bean", "en-other": "beans"})
    assert answer.status_code == 303
    with inside(cafe.tenant):
        words = Program.objects.get().unit_words
    assert (words["en"], words["ar"]) == (["bean", "beans"], list("ابتثجح"))
    assert "bn" in words  # a language that is not offered keeps its own
    page = owner.get("/manage/program/").text
    assert "1 bean for every" in page
    late = owner.post(f"{URL}words/", {"seen": "x", "en-one": "a", "en-other": "b"})
    assert late.status_code == 409


def test_a_manager_sets_all_but_the_limits_and_the_place(manager, cafe):
    assert send(manager, "brand", **BRAND).status_code == 303
    page = manager.get(f"{URL}till/").text
    assert "award_limit" not in page
    assert "Currency and time" not in page
    told = {"pin_length": "5", "lock_after": "9", "award_limit": "1", "proof_above": "1"}
    assert send(manager, "till", **told).status_code == 303
    shop = shop_of(cafe)
    assert (shop.pin_length, shop.award_limit, shop.proof_above) == (5, None, None)
    assert manager.get(f"{URL}place/").status_code == 403
    assert (
        manager.post(f"{URL}place/", {"currency": "JPY", "zone": "Asia/Tokyo"}).status_code == 403
    )


def test_the_place_is_changed_by_the_worker(owner, fresh_owner):
    asked, told = [], {"currency": "JPY", "zone": "Asia/Tokyo"}
    with patch.object(jobs, "enqueue", lambda task, **args: asked.append((task, args))):
        for wrong in ({"zone": "Mars/Base"}, {"currency": "XXQ"}, {"currency": "\x00"}):
            assert fresh_owner.post(f"{URL}place/", {**told, **wrong}).status_code == 422
        answer = fresh_owner.post(f"{URL}place/", told)
    assert "It will hold in a moment." in fresh_owner.get(answer["Location"]).text
    piece = fresh_owner.get(answer["Location"], headers=PIECE).text
    assert piece.lstrip().startswith('<div id="place" hx-get=')
    (task, args), *_ = asked
    assert (task.name, args["currency"], args["digits"]) == ("loyalty.relocate", "JPY", 2)
    for odd in ("?currency=%00&zone=x", "?currency=AED&zone=Asia/Dubai"):
        assert fresh_owner.get(f"{URL}place/{odd}").status_code == 200


def chosen_in(page: str, name: str) -> str:
    """What is chosen in a select of the page."""
    body = re.search(rf'<select name="{name}".*?</select>', page, re.DOTALL)[0]
    return re.search(r'<option value="([^"]*)" selected', body)[1]


def test_the_place_asks_who_she_is_first_and_forgets_nothing_of_what_was_chosen(owner, cafe):
    told = {"currency": "JPY", "zone": "Asia/Tokyo"}
    answer = owner.post(f"{URL}place/", told)
    door = urlsplit(answer["Location"])
    assert door.path == "/accounts/reauthenticate/"
    back = parse_qs(door.query)["next"][0]
    assert answer["Location"] == f"{door.path}?{urlencode({'next': back})}"
    assert 'name="next"' in owner.get(answer["Location"]).text
    prove(owner, cafe)
    page = owner.get(back).text
    assert (chosen_in(page, "currency"), chosen_in(page, "zone")) == ("JPY", "Asia/Tokyo")
    assert "Nothing is changed yet." in page
    assert "<save-bar data-open>" in page
    for soon in ("It will hold in a moment.", 'hx-trigger="load delay:2s" hx-target="#place"'):
        assert soon not in page, "nothing was asked for"
    with patch.object(jobs, "enqueue") as asked:
        assert owner.post(f"{URL}place/", told).status_code == 303
    assert asked.call_count == 1


@pytest.mark.parametrize(
    "told", [{"currency": "\x00", "zone": "Mars/Base"}, {"currency": "XXQ"}, {"zone": "x" * 9999}]
)
def test_an_impossible_place_is_carried_nowhere(owner, told):
    answer = owner.post(f"{URL}place/", told)
    back = parse_qs(urlsplit(answer["Location"]).query)["next"][0]
    assert len(back) < 200
    for url in (back, f"{URL}place/?{urlencode({f'chosen_{k}': v for k, v in told.items()})}"):
        page = owner.get(url).text
        assert (chosen_in(page, "currency"), chosen_in(page, "zone")) == ("AED", "Asia/Dubai")
        assert "Nothing is changed yet." not in page


@pytest.mark.thorough
def test_the_worker_gives_the_shop_another_currency_and_clock(transactional_db):
    cafe = make_shop("cafe")
    told = {"currency": "JPY", "zone": "Asia/Tokyo", "digits": 2, "by": "staff:x"}
    with inside(cafe.tenant):
        programs.set_policy(cafe.program, {"point_value": "5"}, at=NOW, by=cafe.till)
        for _ in range(2):  # done twice it is done once
            tasks.relocate(**told, at=NOW.isoformat())
        tenant = Tenant.objects.get(pk=cafe.tenant.pk)
        assert (tenant.currency_id, tenant.zone) == ("JPY", "Asia/Tokyo")
        assert shops.front().currency == "JPY"
        assert EarnRule.objects.get().per == 1
        assert Program.objects.get().policy["point_value"] == "1/20"
        acts = AuditEntry.objects.values_list("act", flat=True)
        assert sorted(acts).count("tenant.relocated") == 1
        purchases.record(cafe.member, 100, at=NOW, by=cafe.till, key="a")
        assert currencies.is_fixed()
        tasks.relocate(**{**told, "currency": "AED", "digits": 0}, at=timezone.now().isoformat())
        assert Tenant.objects.get(pk=cafe.tenant.pk).currency_id == "JPY"
        with pytest.raises(relocating.NoSuchPlace):
            relocating.check("JPY", "Mars/Base")
