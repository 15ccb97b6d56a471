"""A language belongs to a person, not to a browser or a tablet."""

from __future__ import annotations

from tenants import people
from tenants.context import inside
from tenants.models import Staff
from tenants.shops import change
from tests.conftest import NOW, PIN
from tests.portal.conftest import sign_in_link


def test_a_colleagues_language_comes_before_her_browsers(owner, cafe):
    with inside(cafe.tenant):
        change(languages=["en", "ar", "bn"])
    for hers, cookie, accepts, spoken in (
        ("ar", "", "en", "ar"),
        ("", "", "bn", "bn"),
        ("ar", "bn", "en", "ar"),
        ("", "bn", "en", "bn"),
        ("", "", "", "en"),
    ):
        with inside(cafe.tenant):
            people.introduce(cafe.owner, "Layla", hers, at=NOW, by=cafe.till)
        owner.cookies["lang"] = cookie
        answer = owner.get("/accounts/", headers={"Accept-Language": accepts})
        assert answer.headers["Content-Language"] == spoken


def test_what_she_chooses_on_a_page_lasts_as_long_as_she_is_signed_in(owner, cafe):
    """A GET writes nothing about her: her own choice stands in her account."""
    with inside(cafe.tenant):
        change(languages=["en"])
        people.introduce(cafe.owner, "Layla", "ar", at=NOW, by=cafe.till)
    spoken = [
        owner.get(path).headers["Content-Language"]
        for path in ("/manage/team/", "/manage/team/?lang=bn", "/manage/team/", "/accounts/")
    ]
    assert spoken == ["ar", "bn", "bn", "bn"]
    with inside(cafe.tenant):
        assert Staff.objects.get(pk=cafe.owner.pk).language == "ar"
    assert owner.get("/").headers["Content-Language"] == "en", "the shop speaks no other to guests"
    owner.post("/accounts/profile/", {"name": "Layla", "language": "en"})
    assert owner.get("/manage/team/").headers["Content-Language"] == "en"
    owner.post("/accounts/profile/", {"name": "Layla", "language": "ar"})
    owner.get("/manage/team/?lang=bn")
    owner.post("/accounts/logout/")
    owner.post(f"/accounts/link/{sign_in_link(cafe)}/")
    assert owner.get("/manage/team/").headers["Content-Language"] == "ar"


def test_who_works_here_has_every_language_and_guests_have_the_shops(stranger, device, owner, cafe):
    with inside(cafe.tenant):
        change(languages=["en"])
    for browser, path in (
        (stranger, "/accounts/login/"),
        (device, "/till/"),
        (owner, "/manage/"),
        (owner, "/accounts/"),
    ):
        assert browser.get(path, {"lang": "ar"}).headers["Content-Language"] == "ar", path
        assert browser.cookies["lang"].value == "ar", path
    assert 'href="?lang=bn"' in stranger.get("/accounts/login/").text
    assert stranger.get("/", {"lang": "ar"}).headers["Content-Language"] == "en"


def test_at_a_till_the_language_is_of_the_person_before_it(device, cafe):
    with inside(cafe.tenant):
        change(languages=["en", "ar"])
        people.introduce(cafe.cashier, "Sam", "ar", at=NOW, by=cafe.till)
    device.cookies["lang"] = "en"
    device.post("/till/person/", {"person": cafe.cashier.pk, "pin": PIN})
    assert device.get("/till/").headers["Content-Language"] == "ar"


def test_a_till_does_not_speak_as_whoever_signed_in_beside_it(owner, cafe):
    """The owner looked into her portal on the tablet; then a cashier unlocks it."""
    with inside(cafe.tenant):
        people.introduce(cafe.owner, "Layla", "ar", at=NOW, by=cafe.till)
        people.introduce(cafe.cashier, "Sam", "bn", at=NOW, by=cafe.till)
    owner.cookies["device"] = cafe.token
    assert owner.get("/till/").headers["Content-Language"] == "en"
    owner.post("/till/person/", {"person": cafe.cashier.pk, "pin": PIN})
    assert owner.get("/till/").headers["Content-Language"] == "bn"
    assert owner.get("/manage/").headers["Content-Language"] == "ar"


def test_name_and_language_are_hers(owner, cafe):
    answer = owner.post("/accounts/profile/", {"name": "Layla\x00 H", "language": "ar"})
    assert answer.status_code == 303
    assert answer.cookies["lang"].value == "ar"
    with inside(cafe.tenant):
        staff = Staff.objects.get(pk=cafe.owner.pk)
    assert (staff.name, staff.language) == ("Layla H", "ar")
    for bad in ({"name": ""}, {"name": "x" * 81}, {"name": "x", "language": "xx"}):
        assert owner.post("/accounts/profile/", bad).status_code == 422
