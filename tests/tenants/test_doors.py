"""Sessions, secrets, PINs and devices: what opens, what does not, and what never opens twice."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError

from tenants import devices, pins, secrets
from tenants.actors import Actor
from tenants.context import inside
from tenants.ids import uuid7
from tenants.models import AuditEntry, Device, OneTimeSecret, Session, Staff
from tenants.pins import WrongPin
from tenants.sessions import SessionStore
from tests.conftest import NOW, PIN

HOUR = dt.timedelta(hours=1)
SECOND = dt.timedelta(seconds=1)


def test_a_session_of_one_shop_is_nothing_in_another(cafe, spa):
    user = uuid7()
    with inside(cafe.tenant):
        session = SessionStore()
        session[SESSION_KEY] = str(user)
        session.save()
    row = Session.objects.get(pk=session.session_key)
    assert (row.tenant_id, row.user_id) == (cafe.tenant.pk, user)
    with inside(cafe.tenant):
        assert SessionStore(session.session_key).load() == {SESSION_KEY: str(user)}
    with inside(spa.tenant):
        assert SessionStore(session.session_key).load() == {}
        SessionStore(session.session_key).delete()
        with pytest.raises(UpdateError):
            SessionStore(session.session_key).save()
    assert SessionStore(session.session_key).load() == {}
    assert Session.objects.filter(pk=session.session_key, tenant_id=cafe.tenant.pk).exists()


def test_a_secret_opens_once_and_only_here(cafe, spa):
    subject = uuid7()
    with inside(cafe.tenant):
        secret = secrets.mint(secrets.PAIR, subject, HOUR, at=NOW)
        assert secrets.peek(secrets.PAIR, secret, at=NOW) == subject
        assert secrets.use(secrets.SIGN_IN, secret, at=NOW) is None
    with inside(spa.tenant):
        assert secrets.use(secrets.PAIR, secret, at=NOW) is None
    with inside(cafe.tenant):
        assert secrets.use(secrets.PAIR, secret, at=NOW + HOUR) is None
        assert secrets.use(secrets.PAIR, secret, at=NOW) == subject
        assert secrets.use(secrets.PAIR, secret, at=NOW) is None
        assert not OneTimeSecret.objects.filter(hash=secret).exists()


def wrong(shop, at=NOW, pin="0000"):
    with pytest.raises(WrongPin) as refused:
        pins.check(shop.cashier, shop.device, pin, at=at)
    return refused.value


def test_the_right_pin_lets_in(in_cafe):
    pins.check(in_cafe.cashier, in_cafe.device, PIN, at=NOW)
    assert PIN not in in_cafe.cashier.pin_hash.split("$")


def test_who_was_given_a_pin_before_it_was_hashed_more_often_keeps_it(in_cafe, settings):
    settings.PIN_ROUNDS *= 2
    assert wrong(in_cafe).tries_left == 4
    pins.check(in_cafe.cashier, in_cafe.device, PIN, at=NOW)


def test_after_five_wrong_pins_even_the_right_one_waits(in_cafe):
    assert [wrong(in_cafe).tries_left for _ in range(5)] == [4, 3, 2, 1, 0]
    assert wrong(in_cafe, pin=PIN).wait == 31
    pins.check(in_cafe.cashier, in_cafe.device, PIN, at=NOW + 31 * SECOND)
    assert wrong(in_cafe).tries_left == 4


def test_ten_wrong_pins_turn_it_off_until_a_manager_sets_a_new_one(in_cafe):
    at = NOW
    for _ in range(10):
        last = wrong(in_cafe, at)
        at += HOUR
    assert last.is_off
    assert wrong(in_cafe, at, pin=PIN).is_off
    assert AuditEntry.objects.filter(act="pin.turned_off").count() == 1
    pins.set_pin(Staff.objects.get(pk=in_cafe.cashier.pk), "1357")
    pins.check(in_cafe.cashier, in_cafe.device, "1357", at=at)


def test_a_device_takes_thirty_wrong_pins_a_day(in_cafe):
    Device.objects.update(wrong_pins=29, wrong_pins_on=NOW.date())
    last = wrong(in_cafe)
    assert (last.is_spent, last.is_off) == (True, False)
    refused = wrong(in_cafe, pin=PIN)
    assert (refused.is_spent, refused.is_off) == (True, False)
    assert pins.is_spent(Device.objects.get(), at=NOW)
    assert pins.switched_off(at=NOW) == ([], ["Counter"])
    assert pins.switched_off(at=NOW + 24 * HOUR) == ([], [])
    pins.check(in_cafe.cashier, in_cafe.device, PIN, at=NOW + 24 * HOUR)


def test_a_pin_is_four_to_six_digits(in_cafe):
    for bad in ("123", "1234567", "12a4", "١٢٣٤", ""):
        with pytest.raises(ValueError, match="four to six"):
            pins.set_pin(in_cafe.cashier, bad)


def test_a_device_is_known_by_its_token_until_it_is_revoked(cafe, spa):
    with inside(cafe.tenant):
        assert devices.find(cafe.token, at=NOW) == cafe.device
        assert devices.find("another", at=NOW) is None
    with inside(spa.tenant):
        assert devices.find(cafe.token, at=NOW) is None
    with inside(cafe.tenant):
        devices.revoke(cafe.device, at=NOW, by=Actor.of_staff(cafe.owner))
        assert devices.find(cafe.token, at=NOW) is None
        kept = Device.everyone.get(pk=cafe.device.pk)
        assert (kept.is_active, kept.deleted_at, kept.deleted_by) == (
            False,
            NOW,
            f"staff:{cafe.owner.pk}",
        )


def test_a_device_is_noted_at_most_once_a_minute(in_cafe, django_assert_num_queries):
    with django_assert_num_queries(1):
        devices.find(in_cafe.token, at=NOW + 30 * SECOND)
    with django_assert_num_queries(2):
        devices.find(in_cafe.token, at=NOW + 90 * SECOND)
