"""Keys of commands are kept as long as somebody may send them again, and no longer."""

from __future__ import annotations

import datetime as dt

from loyalty import operations
from loyalty.models import Operation, Purchase
from loyalty.purchases import record
from tenants.context import inside
from tenants.ids import first_of, made_at, uuid7
from tests.conftest import NOW

HOUR = dt.timedelta(hours=1)


def sell(shop, key):
    return record(shop.member, 1000, at=NOW, by=shop.till, key=key)


def test_a_key_is_forgotten_after_its_time_and_then_means_a_new_command(in_cafe):
    sell(in_cafe, "k")
    recorded = made_at(Operation.objects.get().pk)
    assert operations.forget_old(recorded + operations.KEPT - HOUR) == 0
    sell(in_cafe, "k")
    assert Purchase.objects.count() == 1
    assert operations.forget_old(recorded + operations.KEPT + HOUR) == 1
    sell(in_cafe, "k")
    assert Purchase.objects.count() == 2


def test_an_old_sale_that_was_heard_of_just_now_keeps_its_key(in_cafe):
    record(in_cafe.member, 1000, at=NOW - 400 * 24 * HOUR, by=in_cafe.till, key="k")
    assert operations.forget_old(dt.datetime.now(dt.UTC)) == 0


def test_what_a_neighbour_did_is_not_forgotten(cafe, spa):
    for shop in (cafe, spa):
        with inside(shop.tenant):
            sell(shop, "k")
    with inside(cafe.tenant):
        assert operations.forget_old(dt.datetime.now(dt.UTC) + operations.KEPT + HOUR) == 1
    with inside(spa.tenant):
        assert Operation.objects.count() == 1


def test_the_first_key_of_a_time_is_before_all_that_are_made_then():
    key = uuid7()
    assert first_of(made_at(key)) <= key
    assert first_of(made_at(key) + dt.timedelta(milliseconds=1)) > key
