"""A shop that has lived: three months in which everything happened that can happen to points."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

from loyalty import (
    adjustments,
    birthdays,
    imports,
    members,
    merging,
    programs,
    purchases,
    redemptions,
    refunds,
    sweeping,
    vouchers,
)
from loyalty.enrolment import enrol, find
from loyalty.models import Reward
from loyalty.pricing import Line
from tenants.actors import Actor
from tests.conftest import NOW

DAY = dt.timedelta(days=1)
BEGAN = NOW - 90 * DAY
POLICY = {
    "expiry": {"mode": "lot", "days": 30},
    "pending_days": 1,
    "referral": {"referrer": 20, "friend": 10, "min_spend": 1000},
    "point_value": "3.5",
    "birthday_bonus": 8,
    "enrol_bonus": 3,
}
RULES = [
    {"kind": "spend", "points": 1, "per": 100},
    {"kind": "bonus", "points": 50, "conditions": {"total_uses": 3}},
    {"kind": "item", "points": 2, "conditions": {"categories": ["cakes"]}},
]


def live(shop):
    """Everything, in its order. Gives the people, the rewards and the sales by name."""
    owner = Actor.of_staff(shop.owner)
    programs.set_policy(shop.program, POLICY, at=BEGAN, by=owner)
    programs.set_rules(shop.program, RULES, at=BEGAN, by=owner)
    told = SimpleNamespace(shop=shop, owner=owner, number=0)
    told.coffee = Reward.objects.create(
        program=shop.program, name="Coffee", kind="item", cost=20, stock=5
    )
    told.money = Reward.objects.create(
        program=shop.program,
        name="Money",
        kind="pay",
        conditions={"rate": {"points": 1, "value": 5}},
    )
    told.ann, told.bob = (
        enrol(name=name, phone=phone, at=BEGAN, by=owner)
        for name, phone in (("Ann", "0501111111"), ("Bob", "0502222222"))
    )
    told.cat = enrol(name="Cat", phone="0503333333", at=BEGAN, by=owner, referred_by=told.ann)
    born = (BEGAN + 80 * DAY).date().replace(year=1990)
    told.dan = enrol(name="Dan", card="dan", birth_date=born, at=BEGAN, by=owner)
    told.eve = enrol(name="Eve", email="eve@x.example", birth_date=born, at=BEGAN, by=owner)
    _sell_and_return(told)
    _spend(told)
    _change_cards(told)
    _bring_and_part(told)
    return told


def sell(told, member, total, at, **options):
    told.number += 1
    key = f"sale {told.number}"
    done = purchases.record(member, total, at=at, by=told.shop.till, key=key, **options)
    return done.purchase


def _sell_and_return(told):
    by = told.owner
    told.first = sell(told, told.ann, 5000, BEGAN)
    cake = (Line("cake", "cakes", 2, 1000), Line("tea", "drinks", 1, 500))
    told.part = sell(told, told.bob, 1500, BEGAN + DAY, lines=cake)
    refunds.refund(told.part, lines={"cake": 1}, at=BEGAN + 2 * DAY, by=by, key="r1")
    told.friend = sell(told, told.cat, 2000, BEGAN + 3 * DAY)
    told.gone = sell(told, told.cat, 700, BEGAN + 4 * DAY)
    refunds.void(told.gone, at=BEGAN + 4 * DAY, by=by, key="v1")
    sell(told, told.dan, 9900, BEGAN + 40 * DAY)
    sweeping.sweep(BEGAN + 60 * DAY)


def _spend(told):
    by, at = told.owner, BEGAN + 62 * DAY
    told.recent = sell(told, told.ann, 30000, at)
    at += 2 * DAY
    told.used = redemptions.redeem(told.ann, told.coffee, at=at, by=by, key="u1").voucher
    kept = redemptions.redeem(told.ann, told.coffee, at=at, by=by, key="u2", use=False).voucher
    redemptions.reverse(kept, at=at + DAY, by=by, key="b1")
    paid = redemptions.redeem(told.ann, told.money, at=at, by=by, key="u3", total=2000, points=100)
    told.paid = sell(
        told, told.ann, 2000, at, reward_discount=paid.discount, redemptions=[paid.voucher.pk]
    )
    refunds.refund(told.paid, amount=1000, at=at + DAY, by=by, key="r2")
    told.card = vouchers.issue("gift_card", value=5000, at=at, by=by, key="g1")
    vouchers.use(told.card, total=1200, at=at, by=by, key="g2")
    bonus = vouchers.issue("points", points=15, at=at, by=by, key="p1")
    vouchers.use(bonus, member=told.bob, at=at, by=by, key="p2")
    adjustments.adjust(told.bob, 40, reason="sorry", at=at, by=by, key="a1")
    adjustments.adjust(told.bob, -5, reason="oops", at=at, by=by, key="a2")


def _change_cards(told):
    by, at = told.owner, BEGAN + 70 * DAY
    owing = sell(told, told.dan, 5000, at - 2 * DAY)
    redemptions.redeem(told.dan, told.coffee, at=at, by=by, key="u4")
    refunds.void(owing, at=at, by=by, key="v2")  # owes what she has spent
    members.erase(told.dan, at=at + DAY, by=by, key="e1")
    sell(told, told.eve, 4000, at)
    told.merge = merging.merge(told.eve, told.ann, at=at + 2 * DAY, by=by, key="m1").merge
    sell(told, told.cat, 3300, at + 2 * DAY)


def _bring_and_part(told):
    by, at = told.owner, BEGAN + 80 * DAY
    birthdays.award(at)
    row = {"name": "Fay", "card": "fay", "points": "60", "expires": "2026-03-20"}
    imports.import_members([row], name="old cards", at=at, by=by)
    told.fay = find(card="fay")
    members.block(told.fay, at=at, by=by)
    members.unblock(told.fay, at=at, by=by)
    joined = merging.merge(told.fay, told.cat, at=at + DAY, by=by, key="m2").merge
    redemptions.redeem(told.cat, told.coffee, at=at + 2 * DAY, by=by, key="u5")
    merging.unmerge(joined, at=at + 3 * DAY, by=by, key="m3")
