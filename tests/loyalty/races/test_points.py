"""Many processes at one account: what is there is spent once, what was sold counts once."""

from __future__ import annotations

import datetime as dt
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from loyalty.calendar import ends, local_date
from loyalty.models import Purchase
from loyalty.purchases import record
from loyalty.redemptions import redeem, reverse
from loyalty.refunds import refund
from loyalty.sweeping import sweep
from tests.conftest import NOW
from tests.loyalty.races.exact import balance, entries, exact

pytestmark = pytest.mark.xdist_group("races")
MOMENT = dt.timedelta(microseconds=1)


def test_a_balance_for_one_redemption_buys_one(arena):
    reward = arena.reward(cost=50)
    for n in arena.rounds():
        (member,) = arena.members(70)
        told = arena.race(*arena.everybody(redeem, member, reward, at=NOW), seed=n)
        assert told.refused == {"insufficient_points": 7}
        assert balance(member, NOW) == 20
        exact()


def test_a_sale_that_is_sent_by_everybody_counts_once(arena):
    """Half of them again under the key of the first, half with the same receipt at other tills."""
    for n in arena.rounds():
        member, key, ref = arena.member(), arena.key(), arena.key()
        sale = {"at": NOW, "ref": ref}
        again = [partial(record, member, 5000, by=arena.tills[0], key=key, **sale)] * 4
        other = arena.everybody(record, member, 5000, **sale)[4:]
        told = arena.race(*again, *other, seed=n)
        assert told.refused == {}
        assert sorted(done.replayed for done in told.done) == [False] + [True] * 7
        assert len({done.purchase.pk for done in told.done}) == 1
        assert entries(member) == [("earn", 50)]
        exact()


def test_a_redemption_that_everybody_undoes_is_undone_once(arena):
    reward = arena.reward(cost=50, stock=5)
    for n in arena.rounds():
        (member,) = arena.members(50)
        voucher = redeem(
            member, reward, at=NOW, by=arena.tills[0], key=arena.key(), use=False
        ).voucher
        told = arena.race(*arena.everybody(reverse, voucher, at=NOW), seed=n)
        assert told.refused == {"already_reversed": 7}
        reward.refresh_from_db()
        assert (reward.stock, balance(member, NOW)) == (5, 50)
        exact()


def test_a_sale_is_given_back_once_in_all(arena):
    for n in arena.rounds():
        member = arena.member()
        sale = record(member, 5050, at=NOW, by=arena.tills[0], key=arena.key()).purchase
        told = arena.race(*arena.everybody(refund, sale, amount=2000, at=NOW), seed=n)
        assert told.refused == {"refund_exceeds_purchase": 6}
        assert sorted(done.clawed for done in told.done) == [20, 20]
        assert balance(member, NOW) == 10
        exact()


def test_redeeming_refunding_and_expiring_at_the_same_moment(arena):
    """Whoever comes first: the sale's points are spent, taken back or gone, each of them once."""
    arena.policy(expiry={"mode": "lot", "days": 30})
    reward = arena.reward(cost=50)
    zone = ZoneInfo(arena.shop.tenant.zone)
    end = ends(local_date(NOW, zone) + dt.timedelta(days=30), zone)
    for n in arena.rounds():
        member = arena.member()
        sale = record(member, 6000, at=NOW, by=arena.tills[0], key=arena.key()).purchase
        told = arena.race(
            *arena.everybody(redeem, member, reward, at=end - MOMENT)[:2],
            *arena.everybody(redeem, member, reward, at=end)[:1],
            *arena.everybody(refund, sale, at=end)[:1],
            *arena.everybody(record, member, 1000, at=end)[:2],
            *[partial(sweep, end)] * 2,
            seed=n,
        )
        assert set(told.refused) == {"insufficient_points"}
        bought = 3 - told.refused["insufficient_points"]
        assert bought in (0, 1)
        lines = entries(member)
        assert [amount for kind, amount in lines if kind == "redeem"] == [-50] * bought
        assert [amount for kind, amount in lines if kind == "earn"] == [60, 10, 10]
        assert sum(amount for _, amount in lines) == balance(member, end)
        gone = sum(amount for kind, amount in lines if kind in ("expire", "clawback"))
        assert balance(member, end) == 80 - 50 * bought + gone
        exact()


def test_a_days_cap_is_full_once_before_and_once_after_local_midnight(arena):
    arena.policy(caps={"points_per_day": 50})
    zone = ZoneInfo(arena.shop.tenant.zone)
    midnight = ends(local_date(NOW, zone), zone)
    for n in arena.rounds():
        member = arena.member()
        before = arena.everybody(record, member, 3000, at=midnight - MOMENT)[:4]
        after = arena.everybody(record, member, 3000, at=midnight)[4:]
        told = arena.race(*before, *after, seed=n)
        assert sorted(done.points for done in told.done) == [0, 0, 0, 0, 20, 20, 30, 30]
        of_day = Purchase.objects.filter(account__member=member, occurred_at__lt=midnight)
        assert sum(of_day.values_list("earned", flat=True)) == 50
        assert balance(member, midnight) == 100
        exact()
