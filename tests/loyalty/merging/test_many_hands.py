"""Several at once, and the neighbour."""

from __future__ import annotations

from functools import partial

import pytest

from loyalty import ledger
from loyalty.models import (
    Member,
    Purchase,
    Reward,
)
from loyalty.redemptions import redeem
from loyalty.refusals import (
    AlreadyMerged,
    AlreadyReversed,
    MemberClosed,
    Refusal,
)
from tenants.context import inside
from tests.conftest import NOW, make_shop
from tests.loyalty.counter import key
from tests.loyalty.merging.people import People, books_are_right, told
from tests.loyalty.racing import race


@pytest.fixture
def committed(transactional_db):
    shop = make_shop("cafe")
    with inside(shop.tenant):
        yield People(shop)


def test_each_into_the_other_at_once_ends_with_one_card(committed):
    people = committed
    for _ in range(5):
        a, b = people.join(f"a{key()}"), people.join(f"b{key()}")
        people.adjust(a, 100)
        people.adjust(b, 30)
        acts = [partial(people.merge, a, b), partial(people.merge, b, a)] * 2
        outcomes = race(people.shop, acts)
        refused = [o for o in outcomes if isinstance(o, Refusal)]
        assert [type(o) for o in refused] == [AlreadyMerged] * 3
        assert sorted([told(a), told(b)]) == [(0, 0, 0), (130, 0, 0)]
    books_are_right()


def test_no_sale_and_no_reward_is_lost_in_a_merge(committed):
    people = committed
    tea = Reward.objects.create(
        program=people.shop.program, name="Tea", kind="item", cost=100, value=300
    )
    for _ in range(5):
        a, b = people.join(f"a{key()}"), people.join(f"b{key()}")
        people.adjust(a, 100)
        acts = [
            partial(people.sell, a, 1000),
            partial(redeem, a, tea, at=NOW, by=people.shop.till, key=key()),
            partial(people.merge, a, b),
            partial(people.sell, a, 1000),
            partial(people.sell, b, 1000),
        ]
        outcomes = race(people.shop, acts)
        assert not [o for o in outcomes if isinstance(o, Exception) and not isinstance(o, Refusal)]
        sold = sum(10 for o in outcomes if hasattr(o, "purchase"))
        spent = sum(100 for o in outcomes if hasattr(o, "discount"))
        assert told(a) == (0, 0, 0)
        assert told(b) == (100 + sold - spent, 0, 0)
        assert {type(o) for o in outcomes if isinstance(o, Refusal)} <= {MemberClosed}
        assert not Purchase.objects.filter(account__member=a).exists()
    books_are_right()


def test_undone_by_two_at_once_it_is_undone_once(committed):
    people = committed
    people.adjust(people.old, 100)
    done = people.merge()
    outcomes = race(people.shop, [partial(people.unmerge, done)] * 3)
    assert sum(isinstance(o, AlreadyReversed) for o in outcomes) == 2
    assert told(people.old) == (100, 0, 0)
    books_are_right()


def test_a_neighbours_cards_are_not_ours(cafe, spa):
    with inside(cafe.tenant):
        people = People(cafe)
        with pytest.raises(LookupError):
            people.merge(gone=spa.member)
    with inside(spa.tenant):
        assert Member.objects.get().status == "active"
        assert ledger.account_of(spa.member).balance == 0
