"""Many processes at one thing: the last one on the shelf, a code, a bonus for the first."""

from __future__ import annotations

from collections import Counter

import pytest

from loyalty.models import EarnRule, Voucher, VoucherUse
from loyalty.programs import set_rules
from loyalty.purchases import record
from loyalty.redemptions import redeem
from loyalty.vouchers import issue, use
from tests.conftest import NOW
from tests.loyalty.races.exact import balance, exact

pytestmark = pytest.mark.xdist_group("races")


def each(arena, verb, members, *args, **told):
    """A call for each hand and member."""
    pairs = zip(members, arena.tills, strict=True)
    return [arena.call(verb, member, *args, by=till, **told) for member, till in pairs]


def test_the_last_on_the_shelf_go_to_as_many(arena):
    for n in arena.rounds():
        stock = 1 + n % 3
        reward, members = arena.reward(cost=50, stock=stock), arena.members(*[50] * 8)
        told = arena.race(*each(arena, redeem, members, reward, at=NOW), seed=n)
        assert told.refused == {"out_of_stock": 8 - stock}
        reward.refresh_from_db()
        assert reward.stock == 0
        left = Counter(balance(member, NOW) for member in members)
        assert left == {0: stock, 50: 8 - stock}
        exact()


def test_a_code_is_used_as_often_as_it_may(arena):
    for n in arena.rounds():
        uses = 1 + n % 3
        voucher = arena.voucher(issue, "amount", value=500, uses=uses)
        told = arena.race(*arena.everybody(use, voucher, at=NOW, total=2000), seed=n)
        assert told.refused == {"voucher_used": 8 - uses}
        assert [done.discount for done in told.done] == [500] * uses
        voucher.refresh_from_db()
        assert (voucher.used, voucher.status) == (uses, Voucher.Status.USED)
        assert VoucherUse.objects.filter(voucher=voucher).count() == uses
        exact()


def test_a_gift_card_pays_no_more_than_it_holds(arena):
    for n in arena.rounds():
        card = arena.voucher(issue, "gift_card", value=10_000)
        told = arena.race(*arena.everybody(use, card, at=NOW, total=3000), seed=n)
        assert sorted(done.discount for done in told.done) == [1000, 3000, 3000, 3000]
        assert told.refused == {"voucher_used": 4}
        card.refresh_from_db()
        assert card.remaining_value == 0
        exact()


def test_a_reward_counts_in_one_sale(arena):
    reward = arena.reward(kind="amount", value=1000, cost=50)
    for n in arena.rounds():
        (member,) = arena.members(50)
        bought = redeem(member, reward, at=NOW, by=arena.owner, key=arena.key(), total=5000)
        sale = {"reward_discount": 1000, "redemptions": [bought.voucher.pk], "at": NOW}
        told = arena.race(*arena.everybody(record, member, 5000, **sale), seed=n)
        assert told.refused == {"voucher_used": 7}
        assert balance(member, NOW) == 40
        exact()


def test_a_code_that_gives_points_gives_them_once_to_each(arena):
    """Two members, four hands each."""
    for n in arena.rounds():
        voucher = arena.voucher(issue, "points", points=30, uses=100, per_member=1)
        ann, bob = arena.members(0, 0)
        calls = [
            *arena.everybody(use, voucher, at=NOW, member=ann)[:4],
            *arena.everybody(use, voucher, at=NOW, member=bob)[4:],
        ]
        told = arena.race(*calls, seed=n)
        assert told.refused == {"member_limit": 6}
        assert (balance(ann, NOW), balance(bob, NOW)) == (30, 30)
        exact()


def test_a_bonus_for_the_first_two_is_paid_to_two(arena):
    spend = {"kind": "spend", "points": 1, "per": 100}
    for n in arena.rounds():
        # By another name, so that it is another rule and counts from the beginning.
        first_two = {"kind": "bonus", "points": 20, "conditions": {"total_uses": 2}}
        rules = [spend, {**first_two, "name": f"round {n}"}]
        set_rules(arena.shop.program, rules, at=NOW, by=arena.owner)
        told = arena.race(*each(arena, record, arena.members(*[0] * 8), 1000, at=NOW), seed=n)
        assert told.refused == {}
        assert sorted(done.points for done in told.done) == [10] * 6 + [30] * 2
        assert EarnRule.objects.get(kind="bonus").used == 2
        exact()
