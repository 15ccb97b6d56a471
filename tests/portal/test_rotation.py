"""SECRET_KEY is changed, and nobody notices: what it signed and sealed before still holds."""

from __future__ import annotations

import pytest
from django.conf import settings as now
from django.test import Client

from portal.factors import Adapter
from tenants import pins
from tenants.context import inside
from tenants.models import Staff
from tests.conftest import NOW, PIN
from tests.portal.apis import System, make_key, token_of
from tests.portal.test_doctor import run

OLD, NEW = now.SECRET_KEY, "another" * 9


@pytest.fixture
def rotate(settings):
    """Another key, `keeping` those of before."""
    settings.RATE_LIMITS = False

    def to(key=NEW, *, keeping=(OLD,)):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key, list(keeping)

    return to


def test_who_is_signed_in_stays_so(fresh_owner, rotate):
    rotate()
    assert fresh_owner.get("/manage/").status_code == 200
    rotate(keeping=())
    assert fresh_owner.get("/manage/").status_code == 200, "her session has the new key by now"


def test_a_token_holds_and_both_keys_are_told(cafe, rotate):
    key, _ = make_key(cafe)
    api = System(cafe.host, token_of(cafe, key))
    (old,) = Client(HTTP_HOST=cafe.host).get("/.well-known/jwks.json").json()["keys"]
    rotate()
    assert api.get("members").status_code == 200
    new, also = Client(HTTP_HOST=cafe.host).get("/.well-known/jwks.json").json()["keys"]
    assert (also, new["kid"] == old["kid"]) == (old, False)
    rotate(keeping=())
    assert api.get("members").status_code == 401


def test_an_authenticator_opens_under_the_key_it_was_made_with(rotate):
    sealed = Adapter().encrypt("JBSWY3DP")
    rotate()
    assert Adapter().decrypt(sealed) == "JBSWY3DP"
    again = Adapter().encrypt("JBSWY3DP")
    rotate(keeping=())
    assert Adapter().decrypt(again) == "JBSWY3DP", "what is sealed now is sealed with the new one"
    assert Adapter().decrypt(sealed) != "JBSWY3DP"


def test_a_pin_opens_and_is_kept_under_the_new_key(cafe, rotate):
    rotate()
    with inside(cafe.tenant):
        with pytest.raises(pins.WrongPin):
            pins.check(cafe.cashier, cafe.device, "8531", at=NOW)
        pins.check(cafe.cashier, cafe.device, PIN, at=NOW)
        kept = Staff.objects.get(pk=cafe.cashier.pk)
        assert kept.pin_wrong == 0
        rotate(keeping=())
        pins.check(cafe.cashier, cafe.device, PIN, at=NOW)
        assert Staff.objects.get(pk=cafe.cashier.pk).pin_hash == kept.pin_hash


def test_the_keys_of_before_come_from_the_environment():
    one, two = "a" * 60, "b" * 61
    served = {"PORTAL_DOMAIN": "loyalty.example", "SECRET_KEY": "s" * 60}
    both = " ".join(run(**served, SECRET_KEY_FALLBACKS=f" {one}  {two} ").stdout.split())
    assert "SECRET_KEY_FALLBACKS = (set," in both
    assert one not in both
    assert "shorter than 50" not in both
    short = " ".join(run(**served, SECRET_KEY_FALLBACKS=f"{one} short").stdout.split())
    assert "SECRET_KEY_FALLBACKS has a key shorter than 50 characters." in short
    known = run(**served, SECRET_KEY_FALLBACKS=OLD)
    assert known.returncode == 1
    assert "everybody knows" in known.stderr
