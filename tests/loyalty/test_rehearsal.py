"""A rehearsal of the rules that are gives what was earned; of others what they would have given."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from loyalty import exchange, merging, programs, refunds, rehearsal
from loyalty.demo import PARTS
from loyalty.enrolment import enrol
from loyalty.models import Program, Purchase, Tier
from loyalty.pricing import Line
from loyalty.purchases import record
from loyalty.refusals import BadConditions, ProgramNotLive
from tenants.actors import Actor
from tests.conftest import NOW
from tests.loyalty.living import BEGAN, DAY, live
from tests.scenarios.books import rows as every_row

SPEND = {"kind": "spend", "points": 1, "per": 100}


@pytest.fixture
def program(in_cafe):
    Program.objects.filter(pk=in_cafe.program.pk).update(carries=True)
    policy = {"point_value": "0.5"}
    programs.set_policy(in_cafe.program, policy, at=BEGAN, by=Actor.of_staff(in_cafe.owner))
    return Program.objects.get()


def rehearse(program, rules=None, days=400, at=NOW, **changes):
    return rehearsal.rehearse(rehearsal.draft_of(program, rules, **changes), days=days, at=at)


def sell(shop, total, at, key, member=None, **options):
    return record(member or shop.member, total, at=at, by=shop.till, key=key, **options).purchase


def same(told):
    """Did each sale give by the draft what it gave?"""
    assert told.changed == 0
    assert (told.draft, told.draft_clawed) == (told.actual, told.actual_clawed)
    assert all(day.actual == day.draft for day in told.days)
    return told


def test_the_real_sales_of_the_demo_give_what_they_gave(in_cafe):
    lines = list(exchange.read(PARTS / "spa.csv.xz", zone=dt.UTC, decimals=2))[:700]
    for _ in exchange.replay(lines, name="demo", at=NOW):
        pass
    last = max(line.at for line in lines)
    told = same(rehearse(Program.objects.get(), days=2000, at=last))
    assert told.sales == len(lines)
    assert told.actual == sum(line.amount // 100 for line in lines)


def test_a_shop_that_lived_gives_what_it_gave_and_nothing_is_written(in_cafe):
    live(in_cafe)
    before = every_row()
    told = same(rehearse(Program.objects.get()))
    assert told.sales == Purchase.objects.count()
    assert told.actual_clawed > 0
    assert told.actual_cost == (told.actual - told.actual_clawed) * 7 // 2
    assert every_row() == before


def busy(shop, members=4, sales=90):
    """Sales of every kind over two months, one in six given back in part or whole."""
    dice = random.Random(5)  # noqa: S311 (a schedule)
    by = Actor.of_staff(shop.owner)
    people = [enrol(card=f"m{n}", at=BEGAN, by=by) for n in range(members)]
    for n in range(sales):
        at = BEGAN + DAY * dice.uniform(0, 60)  # some come late
        lines = tuple(
            Line(sku, category, dice.randint(1, 3), dice.randint(50, 900))
            for sku, category in (("cake", "cakes"), ("tea", "drinks"))
            if dice.random() < 0.6
        )
        total = sum(line.amount for line in lines) + dice.choice((0, 30, 455, 1999))
        options = {"tax": total // 20, "reward_discount": total // 30, "lines": lines}
        sale = sell(shop, total, at, f"k{n}", dice.choice(people), **options)
        if n % 6 == 0 and total:
            part = None if n % 12 else total // 2 or 1
            refunds.refund(sale, amount=part, at=at + DAY / 24, by=by, key=f"r{n}")
    return people


HARD = [
    SPEND,
    {"kind": "multiplier", "factor": 2, "conditions": {"days": ["tue", "fri"]}},
    {"kind": "item", "points": 3, "conditions": {"categories": ["cakes"]}},
    {
        "kind": "bonus",
        "points": 10,
        "conditions": {"limit": {"times": 2, "per": "week"}, "min_spend": 500},
    },
    {"kind": "bonus", "points": 100, "conditions": {"total_uses": 12}},
    {"kind": "visit", "points": 4, "conditions": {"tiers": ["Blue"]}},
]
CAPPED = {
    "caps": {
        "points_per_purchase": 120,
        "points_per_day": 130,
        "visits_per_day": 2,
        "points_per_member": 900,
    },
    "tax": "excl",
    "tiers": {"metric": "spend"},
}


def test_with_caps_limits_tiers_carried_cents_and_refunds_it_is_exact(in_cafe, program):
    by = Actor.of_staff(in_cafe.owner)
    for name, threshold, multiplier in (("Blue", 0, 1), ("Gold", 12_000, "1.5")):
        Tier.objects.create(program=program, name=name, threshold=threshold, multiplier=multiplier)
    programs.set_rules(program, HARD, at=BEGAN, by=by)
    programs.set_policy(program, CAPPED, at=BEGAN, by=by)
    people = busy(in_cafe)
    kinds = {s["kind"] for p in Purchase.objects.all() for s in p.snapshot["steps"]}
    assert kinds == {"spend", "multiplier", "item", "bonus", "visit", "tier", "cap"}
    program = Program.objects.get()
    told = same(rehearse(program))
    assert told.sales == 90
    assert told.actual_clawed > 0
    # From some day on, what was before counts towards caps, limits and carried cents.
    part = same(rehearse(program, days=50))
    assert 0 < part.sales < 90
    merging.merge(people[0], people[1], at=NOW, by=by, key="m")
    assert rehearse(program).actual == told.actual


def test_a_sale_that_came_back_makes_room_for_another_visit(in_cafe, program):
    by = Actor.of_staff(in_cafe.owner)
    programs.set_policy(program, {"caps": {"visits_per_day": 1}}, at=BEGAN, by=by)
    gone = sell(in_cafe, 1000, NOW, "a")
    assert sell(in_cafe, 2000, NOW, "one too many").earned == 0
    refunds.void(gone, at=NOW, by=by, key="v")
    assert sell(in_cafe, 3000, NOW, "b").earned == 30
    same(rehearse(Program.objects.get()))


def test_a_draft_says_what_it_would_have_given(in_cafe, program):
    ann, bob = in_cafe.member, enrol(card="bob", at=BEGAN, by=in_cafe.till)
    sell(in_cafe, 1050, NOW - 3 * DAY, "a")
    sell(in_cafe, 250, NOW - 3 * DAY, "b", bob)
    sell(in_cafe, 4060, NOW - DAY, "c")
    sell(in_cafe, 990, NOW - 500 * DAY, "too old")
    told = rehearse(program, [{"kind": "visit", "points": 5}, SPEND | {"per": 200}], days=30)
    assert [(day.sales, day.actual, day.draft) for day in told.days] == [(2, 12, 16), (1, 41, 25)]
    assert (told.sales, told.changed, told.actual, told.draft) == (3, 2, 53, 41)
    assert (told.actual_cost, told.draft_cost) == (26, 20)
    assert (told.gainers, told.losers) == (1, 1)
    (gain,), (loss,) = told.most_gained, told.most_lost
    assert (gain.member, gain.actual, gain.draft) == (bob.code, 2, 6)
    assert (loss.member, loss.actual, loss.draft) == (ann.code, 51, 35)
    assert told.worst_day == told.days[0]


def test_the_drafts_own_caps_and_limits_hold_in_it(in_cafe, program):
    for n in range(4):
        sell(in_cafe, 1000, NOW - n * dt.timedelta(minutes=5), f"k{n}")
    capped = rehearse(program, caps={"points_per_day": 25})
    assert capped.draft == 25
    once = {"kind": "bonus", "points": 7, "conditions": {"limit": {"times": 1, "per": "day"}}}
    assert rehearse(program, [SPEND, once]).draft == 47
    first = {"kind": "bonus", "points": 7, "conditions": {"total_uses": 3}}
    assert rehearse(program, [SPEND, first]).draft == 61


def test_a_refund_takes_what_the_draft_had_given(in_cafe, program):
    sale = sell(in_cafe, 2000, NOW, "a")
    refunds.refund(sale, amount=500, at=NOW, by=in_cafe.till, key="r")
    sell(in_cafe, 1000, NOW, "b")
    least = SPEND | {"points": 3, "conditions": {"min_spend": 1600}}
    told = rehearse(program, [least])
    assert (told.actual, told.actual_clawed) == (30, 5)
    assert (told.draft, told.draft_clawed) == (60, 60)
    assert told.draft_cost == 0
    assert (told.losers, told.most_lost[0].draft) == (1, 0)


def test_a_window_in_which_nothing_was_sold_has_no_worst_day(program):
    told = rehearse(program, days=1)
    assert (told.sales, told.worst_day, told.most_gained) == (0, None, [])


def test_what_is_no_rule_or_no_program_is_refused(in_cafe, program):
    with pytest.raises(BadConditions):
        rehearse(program, [SPEND | {"conditions": {"moon": "full"}}])
    terms = rehearsal.draft_of(program)
    Program.objects.update(status=Program.Status.PAUSED)
    with pytest.raises(ProgramNotLive):
        rehearsal.rehearse(terms, days=7, at=NOW)


def test_however_many_sales_there_are_it_asks_as_often(
    in_cafe, program, django_assert_max_num_queries
):
    for n in range(30):
        sell(in_cafe, 1000 + n, NOW - n * DAY, f"k{n}")
    terms = rehearsal.draft_of(program)
    with django_assert_max_num_queries(9):
        told = rehearsal.rehearse(terms, days=60, at=NOW)
    assert (told.sales, told.changed) == (30, 0)
