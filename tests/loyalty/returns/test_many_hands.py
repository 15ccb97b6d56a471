"""Several take back at once."""

from __future__ import annotations

from functools import partial

import pytest

from loyalty import vouchers
from loyalty.models import (
    Purchase,
    Refund,
    Voucher,
)
from loyalty.refusals import (
    Refusal,
)
from tenants.context import inside
from tests.conftest import NOW, make_shop
from tests.loyalty.counter import account, give, has, reward, sell, status
from tests.loyalty.racing import race
from tests.loyalty.returns.goods import buy, refund


@pytest.fixture
def shop(transactional_db):
    return make_shop("cafe")


def codes(outcomes) -> list[str]:
    return sorted(o.code for o in outcomes if isinstance(o, Refusal))


def test_parts_that_come_back_at_once_are_never_more_than_the_whole(shop):
    with inside(shop.tenant):
        sale = sell(shop, 5000).purchase
    outcomes = race(shop, [partial(refund, shop, sale, 2000) for _ in range(5)])
    assert codes(outcomes) == ["refund_exceeds_purchase"] * 3
    with inside(shop.tenant):
        assert (has(shop), Purchase.objects.get().refunded) == (10, 4000)


def test_one_refund_sent_many_times_at_once_is_one(shop):
    with inside(shop.tenant):
        sale = sell(shop, 5000).purchase
    outcomes = race(shop, [partial(refund, shop, sale, 1000, key="tap") for _ in range(5)])
    assert sorted(done.replayed for done in outcomes) == [False] + [True] * 4
    with inside(shop.tenant):
        assert has(shop) == 40


def test_one_receipt_of_a_refund_at_many_tills_counts_once(shop):
    with inside(shop.tenant):
        sale = sell(shop, 5000).purchase
    outcomes = race(shop, [partial(refund, shop, sale, 1000, ref="g1") for _ in range(5)])
    assert sorted(done.replayed for done in outcomes) == [False] + [True] * 4
    with inside(shop.tenant):
        assert (has(shop), Refund.objects.count()) == (40, 1)


def test_spending_while_a_sale_comes_back_ends_the_same_in_either_order(shop):
    with inside(shop.tenant):
        give(shop, 60)
        cake = reward(shop, cost=60)
        sale = sell(shop, 6000).purchase
    outcomes = race(shop, [partial(buy, shop, cake), partial(refund, shop, sale)])
    assert codes(outcomes) == []
    with inside(shop.tenant):
        assert (has(shop), account(shop).debt) == (0, 0)


def test_the_free_coffee_is_drunk_or_taken_back_never_both(shop):
    with inside(shop.tenant):
        reward(shop, cost=50, is_auto=True)
        sale = sell(shop, 5000).purchase
        voucher = Voucher.objects.get()
    outcomes = race(
        shop,
        [
            partial(refund, shop, sale),
            partial(vouchers.use, voucher, at=NOW, by=shop.till, key="u", member=shop.member),
        ],
    )
    with inside(shop.tenant):
        drunk = not isinstance(outcomes[1], Refusal)
        assert status(voucher) == ("used" if drunk else "voided")
        assert (account(shop).balance, account(shop).debt) == (0, 50 if drunk else 0)
