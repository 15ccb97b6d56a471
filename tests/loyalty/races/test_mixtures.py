"""Many processes with different things in mind about the same rows: they take their locks in one
order, so that none of them ends in a deadlock.
"""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest

from loyalty import members as people
from loyalty.imports import import_members
from loyalty.models import Account, Member, Voucher
from loyalty.programs import set_rules
from loyalty.purchases import record, record_all
from loyalty.redemptions import redeem, reverse
from loyalty.refunds import refund
from loyalty.sales import Sale
from loyalty.sweeping import sweep
from loyalty.terms import Line
from loyalty.vouchers import hold, use
from tests.conftest import NOW
from tests.loyalty.races.exact import balance, entries, exact

pytestmark = pytest.mark.xdist_group("races")
KINDS = ("tea", "jam")


def sale_of(arena, member, sku):
    return Sale(member.pk, 100, NOW, arena.key(), lines=(Line(sku=sku, amount=100),))


def for_the_first(count, name=""):
    """A bonus for the first sales of each kind; by another name it is another rule."""
    bonus = {"kind": "bonus", "points": 20, "name": name}
    return [{**bonus, "conditions": {"total_uses": count, "skus": [kind]}} for kind in KINDS]


def test_a_voucher_is_used_held_and_taken_back_at_once(arena):
    """However it ends: the points are back once, and the thing was handed out once at most."""
    reward = arena.reward(cost=50, stock=9)
    for n in arena.rounds():
        (member,) = arena.members(50)
        bought = redeem(member, reward, at=NOW, by=arena.owner, key=arena.key(), use=False)
        voucher = bought.voucher
        told = arena.race(
            *arena.everybody(use, voucher, at=NOW, member=member)[:3],
            *(partial(hold, voucher, at=NOW, by=till, minutes=5) for till in arena.tills[3:5]),
            *arena.everybody(reverse, voucher, at=NOW)[5:],
            seed=n,
        )
        assert told.refused.pop("already_reversed", 0) == 2
        assert set(told.refused) <= {
            *("already_reversed", "voucher_used", "voucher_held", "voucher_voided")
        }
        voucher.refresh_from_db()
        assert voucher.status == Voucher.Status.VOIDED
        assert voucher.used <= 1
        assert entries(member)[-2:] == [("redeem", -50), ("restore", 50)]
        reward.refresh_from_db()
        assert reward.stock == 9
        exact()


def test_a_sale_and_the_reward_in_it_are_taken_back_at_once(arena):
    """The points that paid for it come back with the sale, or by the undo, and not by both."""
    reward = arena.reward(kind="amount", value=1000, cost=50)
    for n in arena.rounds():
        (member,) = arena.members(50)
        till = arena.tills[0]
        bought = redeem(member, reward, at=NOW, by=till, key=arena.key(), total=5000)
        sale = record(
            member,
            5000,
            reward_discount=1000,
            redemptions=[bought.voucher.pk],
            at=NOW,
            by=till,
            key=arena.key(),
        ).purchase
        told = arena.race(
            *arena.everybody(refund, sale, at=NOW)[:4],
            *arena.everybody(reverse, bought.voucher, at=NOW)[4:],
            seed=n,
        )
        assert told.refused["refund_exceeds_purchase"] == 3
        back = sum(getattr(done, "restored", 0) for done in told.done)
        assert (back, balance(member, NOW)) == (50, 50)
        exact()


@pytest.mark.thorough
def test_who_is_forgotten_has_nothing_whatever_she_bought_meanwhile(arena):
    reward = arena.reward(cost=50, stock=99)
    for n in arena.rounds():
        (member,) = arena.members(60)
        sale = record(member, 2000, at=NOW, by=arena.owner, key=arena.key()).purchase
        told = arena.race(
            *arena.everybody(record, member, 1000, at=NOW)[:3],
            *arena.everybody(redeem, member, reward, at=NOW, use=False)[3:5],
            arena.call(refund, sale, at=NOW, by=arena.owner),
            arena.call(people.erase, member, at=NOW, by=arena.owner),
            partial(people.block, member, at=NOW, by=arena.owner),
            seed=n,
        )
        assert set(told.refused) <= {"member_closed", "member_blocked", "insufficient_points"}
        account = Account.objects.get(member=member)
        assert (account.balance, account.pending, account.debt) == (0, 0, 0)
        assert sum(amount for _, amount in entries(member)) == 0
        assert not Voucher.objects.filter(owner=member, status="issued").exists()
        exact()


@pytest.mark.thorough
def test_two_lists_with_the_same_people_in_another_order(arena):
    """Each of them is imported once, by whichever list was first."""
    for n in arena.rounds():
        rows = [{"card": arena.key(), "points": 10} for _ in range(12)]
        ways = [rows, rows[::-1]] * 4
        told = arena.race(
            *(
                partial(import_members, way, name=f"list {n} {place}", at=NOW, by=arena.owner)
                for place, way in enumerate(ways)
            ),
            seed=n,
        )
        assert told.refused == {}
        assert sum(done.imported for done in told.done) == 12
        codes = Counter(code for done in told.done for _, code in done.errors)
        assert codes == {"already_member": 7 * 12}
        cards = [row["card"] for row in rows]
        assert Member.objects.filter(identifiers__value__in=cards).count() == 12
        exact()


@pytest.mark.thorough
def test_batches_of_sales_in_every_order(arena):
    """Of the same members and with bonuses for the first, one batch the other way round than the
    next.
    """
    for n in arena.rounds():
        set_rules(arena.shop.program, for_the_first(4, f"round {n}"), at=NOW, by=arena.owner)
        members = arena.members(*[0] * 8)
        batches = []
        for place in range(8):
            sales = [sale_of(arena, m, kind) for m, kind in zip(members, KINDS * 4, strict=True)]
            batches.append(sales[:: 1 if place % 3 else -1])
        calls = zip(batches, arena.tills, strict=True)
        told = arena.race(*(partial(record_all, sales, by=till) for sales, till in calls), seed=n)
        points = Counter(done.points for batch in told.done for done in batch)
        assert points == {20: 8, 0: 8 * 8 - 8}
        exact()


@pytest.mark.thorough
def test_bonuses_of_other_members_in_the_other_order(arena):
    """Two batches have no member in common, and the same two bonuses for the first."""
    set_rules(arena.shop.program, for_the_first(9_999), at=NOW, by=arena.owner)
    for n in arena.rounds():
        members = arena.members(*[0] * 16)
        calls = []
        for place, till in enumerate(arena.tills):
            pairs = zip(members[2 * place :], KINDS[:: 1 if place % 2 else -1], strict=False)
            sales = [sale_of(arena, member, kind) for member, kind in pairs]
            calls.append(partial(record_all, sales, by=till))
        told = arena.race(*calls, seed=n)
        assert [done.points for batch in told.done for done in batch] == [20] * 16
        exact()


@pytest.mark.thorough
def test_a_stamp_card_with_everything_at_once(arena):
    """Cards fill up, free cups are drunk, sales come back: all of it about the same few cups."""
    cup = arena.reward(kind="item", cost=10, is_auto=True, stock=1000)
    rules = [
        {"kind": "item", "points": 1, "conditions": {"skus": ["cup"]}},
        {"kind": "bonus", "points": 1, "conditions": {"total_uses": 100_000}},
    ]
    set_rules(arena.shop.program, rules, at=NOW, by=arena.owner)
    nine = (Line(sku="cup", qty=9, amount=900),)
    for n in arena.rounds():
        ann, bob = arena.members(0, 0)
        sold = [
            record(member, 900, lines=nine, at=NOW, by=arena.owner, key=arena.key())
            for member in (ann, bob)
        ]
        first = [done.issued[0] for done in sold]
        told = arena.race(
            *(arena.call(refund, done.purchase, at=NOW, by=arena.owner) for done in sold),
            *(arena.call(use, each, member=each.owner, at=NOW, by=arena.owner) for each in first),
            arena.call(record, ann, 900, lines=nine, at=NOW, by=arena.tills[0]),
            arena.call(record, bob, 900, lines=nine, at=NOW, by=arena.tills[1]),
            arena.call(reverse, first[0], at=NOW, by=arena.tills[2]),
            partial(sweep, NOW),
            seed=n,
        )
        assert set(told.refused) <= {"voucher_voided", "voucher_used", "already_reversed"}
        exact()
    cup.refresh_from_db()
    out = Voucher.objects.filter(reward=cup).exclude(status="voided").count()
    assert cup.stock in (1000, 1000 - out)
