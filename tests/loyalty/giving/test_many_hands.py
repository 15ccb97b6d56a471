"""Several redeem and undo at once."""

from __future__ import annotations

from functools import partial

import pytest

from loyalty.enrolment import enrol
from loyalty.models import Reward
from loyalty.refusals import (
    Refusal,
)
from loyalty.vouchers import use
from tenants.actors import Actor
from tenants.context import inside
from tests.conftest import NOW, make_shop
from tests.loyalty.counter import give, has, reward, status
from tests.loyalty.giving.taking import take, undo
from tests.loyalty.racing import race


@pytest.fixture
def shop(transactional_db):
    return make_shop("cafe")


def codes(outcomes) -> list[str]:
    return sorted(o.code for o in outcomes if isinstance(o, Refusal))


def test_points_for_three_buy_three_whoever_taps_first(shop):
    with inside(shop.tenant):
        give(shop, 350)
        coffee = reward(shop)
    outcomes = race(shop, [partial(take, shop, coffee) for _ in range(6)])
    assert codes(outcomes) == ["insufficient_points"] * 3
    with inside(shop.tenant):
        assert has(shop) == 50


def test_one_command_sent_many_times_at_once_redeems_once(shop):
    with inside(shop.tenant):
        give(shop, 350)
        coffee = reward(shop)
    outcomes = race(shop, [partial(take, shop, coffee, key="tap") for _ in range(5)])
    assert sorted(done.replayed for done in outcomes) == [False] + [True] * 4
    with inside(shop.tenant):
        assert has(shop) == 250


def test_the_last_piece_goes_to_one_of_many_members(shop):
    with inside(shop.tenant):
        people = [enrol(card=f"c{n}", at=NOW, by=shop.till) for n in range(5)]
        for person in people:
            give(shop, 50, member=person)
        mug = reward(shop, "gift", 50, stock=2)
    outcomes = race(shop, [partial(take, shop, mug, member=person) for person in people])
    assert codes(outcomes) == ["out_of_stock"] * 3
    with inside(shop.tenant):
        mug.refresh_from_db()
        assert mug.stock == 0
        assert sorted(has(shop, person) for person in people) == [0, 0, 50, 50, 50]


def test_a_customer_undoes_while_a_till_uses_it(shop):
    with inside(shop.tenant):
        give(shop, 100)
        voucher = take(shop, reward(shop), use=False).voucher
    her = Actor.member(shop.member.pk)
    outcomes = race(
        shop,
        [
            partial(undo, shop, voucher, by=her),
            partial(use, voucher, at=NOW, by=shop.till, key="u", member=shop.member),
        ],
    )
    with inside(shop.tenant):
        won = "used" if isinstance(outcomes[0], Refusal) else "voided"
        assert len(codes(outcomes)) == 1
        assert (status(voucher), has(shop)) == (won, 0 if won == "used" else 100)


def test_two_who_undo_one_redemption_undo_it_once(shop):
    with inside(shop.tenant):
        give(shop, 100)
        voucher = take(shop, reward(shop, "gift", stock=1)).voucher
    outcomes = race(shop, [partial(undo, shop, voucher) for _ in range(4)])
    assert codes(outcomes) == ["already_reversed"] * 3
    with inside(shop.tenant):
        assert has(shop) == 100
        assert Reward.objects.get().stock == 1
