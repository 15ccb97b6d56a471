"""The tariff gives what the rules give when they are read one by one, in whatever order."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty import tariff as tariffs
from loyalty.conditions import Conditions, Limit, read
from loyalty.policy import Caps, Exclude
from loyalty.pricing import Basket, Line, Price, Rule, Situation, Terms, reprice, round_off
from loyalty.tariff import Tariff
from loyalty.windows import ALWAYS, Hours, Window
from tests.loyalty.test_calendar import utc

BERLIN = ZoneInfo("Europe/Berlin")
patient = settings(suppress_health_check=[HealthCheck.too_slow])

# --- Anything a shop may set up, and anything it may sell -----------------------------------------

some = st.frozensets
skus, categories = st.sampled_from("ABC"), st.sampled_from(["tea", "cakes"])
windows = st.just(ALWAYS) | st.builds(
    Window,
    first=st.none() | st.just(dt.date(2026, 10, 24)),
    last=st.none() | st.just(dt.date(2026, 10, 25)),
    days=some(st.integers(5, 6), max_size=1),
    hours=st.none() | st.sampled_from([Hours(600, 720), Hours(1320, 180), Hours(120, 180)]),
)
conditions = st.just(Conditions()) | st.builds(
    Conditions,
    window=windows,
    skus=some(skus, max_size=1),
    categories=some(categories, max_size=1),
    tiers=some(st.just("Gold"), max_size=1),
    locations=some(st.just("Harbour"), max_size=1),
    min_spend=st.sampled_from([0, 0, 150, 500]),
    limit=st.none() | st.builds(Limit, st.integers(1, 2)),
)


def rules_of(kind: str, **more: st.SearchStrategy[object]) -> st.SearchStrategy[Rule]:
    points = st.integers(0, 7)
    return st.builds(Rule, st.just(""), st.just(kind), points, conditions=conditions, **more)


rule = st.one_of(
    rules_of("spend", per=st.integers(1, 300), is_smooth=st.booleans()),
    rules_of("visit"),
    rules_of("item"),
    rules_of("bonus"),
    rules_of("multiplier", factor=st.sampled_from([Fraction(n, 4) for n in (4, 5, 6, 8, 8, 12)])),
)
rule_lists = st.lists(rule, max_size=6).map(
    lambda rules: [Rule(f"r{n}", *fields(each)[1:]) for n, each in enumerate(rules)]
)


def fields(each: Rule) -> list[object]:
    return [getattr(each, name) for name in Rule.__slots__]


lines = st.builds(
    Line,
    st.sampled_from(["A", "B", "C", "D", ""]),
    st.sampled_from(["tea", "cakes", ""]),
    qty=st.integers(0, 3),
    amount=st.integers(0, 400),
)


@st.composite
def baskets(draw: st.DrawFn) -> Basket:
    goods = draw(st.lists(lines, max_size=4))
    total = sum(line.amount for line in goods) + draw(st.sampled_from([0, 0, 1, 333]))
    off, tax = draw(st.integers(0, total)), draw(st.integers(0, total // 3))
    return Basket(total, tax, draw(st.sampled_from([0, 0, off])), tuple(goods))


situations = st.builds(
    Situation,
    at=st.integers(0, 96).map(lambda n: utc("2026-10-24T12:00") + n * dt.timedelta(minutes=30)),
    location=st.sampled_from(["Harbour", ""]),
    tier=st.sampled_from(["Gold", "Silver"]),
    tier_rate=st.sampled_from([Fraction(1), Fraction(1), Fraction(5, 4)]),
    carry=st.integers(-100, 400),
    uses=st.fixed_dictionaries({"r0": st.integers(0, 2), "r3": st.integers(0, 2)}),
    earned_today=st.integers(0, 20),
    visits_today=st.integers(0, 3),
)
promises = st.fixed_dictionaries(
    {
        "rounding": st.sampled_from(["floor", "nearest", "ceil"]),
        "carries": st.booleans(),
        "basis": st.sampled_from(["net", "gross"]),
        "tax": st.sampled_from(["incl", "excl"]),
        "exclude": st.builds(Exclude, skus=some(st.just("C"), max_size=1)),
        "caps": st.sampled_from([Caps(), Caps(points_per_day=25), Caps(visits_per_day=3)]),
        "zone": st.just(BERLIN),
    }
)

# --- The same, as loyalty.md says it --------------------------------------------------------------


def by_the_book(terms: Terms, basket: Basket, situation: Situation) -> tuple[int, int]:
    """Points and carry, with nothing remembered, nothing looked up and nothing saved."""
    off = basket.reward_discount if terms.basis == "net" else 0
    off += basket.tax if terms.tax == "excl" else 0
    rest = basket.total - sum(line.amount for line in basket.lines)
    there = [line for line in basket.lines if line.qty or line.amount]
    goods = [line for line in there if line.sku not in terms.exclude.skus]
    goods += [Line(amount=rest)] if rest or not basket.lines else []
    if basket.total <= 0 or off >= basket.total or not goods:
        return 0, situation.carry
    share = Fraction(basket.total - off, basket.total)
    earning = share * sum(line.amount for line in goods)
    applying = [
        (each, mine)
        for each in terms.rules
        if is_open(each.conditions, terms, situation, each.id)
        and earning >= each.conditions.min_spend
        and (mine := [g for g in goods if each.conditions.matches(g.sku, g.category)])
    ]
    carrying = Tariff(terms).carrying
    exact, carry = Fraction(0), situation.carry
    for each, mine in applying:
        amount = share * sum(line.amount for line in mine)
        if each.kind == "spend":
            if each == carrying:
                whole = int(amount) + carry
                steps = max(whole // each.per, 0)
                exact += steps * each.points
                carry = whole - steps * each.per
            else:
                exact += spent(each, amount)
        elif each.kind in {"visit", "item"}:
            exact += each.points * (1 if each.kind == "visit" else sum(line.qty for line in mine))
    factors = [best(line, applying) for line in goods]
    for factor in set(factors):
        for each, mine in applying:
            if each.kind == "spend":
                lines = [g for g, f in zip(goods, factors, strict=True) if f == factor]
                amount = share * sum(g.amount for g in lines if any(g is m for m in mine))
                exact += (factor - 1) * spent(each, amount)
    bonus = sum(each.points for each, _ in applying if each.kind == "bonus")
    points = round_off(exact * situation.tier_rate, terms.rounding) + bonus
    caps = terms.caps
    if caps.visits_per_day is not None and situation.visits_today >= caps.visits_per_day:
        return 0, situation.carry
    if caps.points_per_day is not None:
        points = min(points, max(0, caps.points_per_day - situation.earned_today))
    return points, carry


def is_open(found: Conditions, terms: Terms, situation: Situation, id_: str) -> bool:
    used = situation.uses.get(id_, 0)
    return (
        found.is_open(situation.at, terms.zone)
        and found.is_for(situation.tier, situation.location)
        and (found.limit is None or used < found.limit.times)
    )


def spent(each: Rule, amount: Fraction) -> Fraction:
    steps = amount / each.per
    return each.points * (steps if each.is_smooth else Fraction(steps.__floor__()))


def best(line: Line, applying: Iterable[tuple[Rule, list[Line]]]) -> Fraction:
    factors = [
        each.factor
        for each, mine in applying
        if each.kind == "multiplier" and any(line is m for m in mine)
    ]
    return max([Fraction(1), *factors])


# --- Properties -----------------------------------------------------------------------------------


def priced(rules: list[Rule], promise: dict[str, object], basket: Basket, at: Situation) -> Price:
    return Tariff(Terms(rules, **promise)).price(basket, at)


@settings(patient, max_examples=200)
@given(rule_lists, promises, baskets(), situations)
def test_a_tariff_gives_what_the_book_says(rules, promise, basket, situation):
    terms = Terms(rules, **promise)
    found = Tariff(terms).price(basket, situation)
    assert (found.points, found.carry) == by_the_book(terms, basket, situation)


@patient
@given(rule_lists, promises, st.lists(st.tuples(baskets(), situations), max_size=6))
def test_what_a_tariff_remembers_changes_nothing(rules, promise, sales):
    terms = Terms(rules, **promise)
    shared = Tariff(terms)
    for basket, situation in sales:
        assert shared.price(basket, situation) == Tariff(terms).price(basket, situation)


@patient
@given(rule_lists, promises, baskets(), situations, st.randoms(use_true_random=False))
def test_the_order_of_rules_changes_nothing(rules, promise, basket, situation, random):
    shuffled = random.sample(rules, len(rules))
    one, other = (priced(each, promise, basket, situation) for each in (rules, shuffled))
    assert (one.points, one.carry) == (other.points, other.carry)
    assert set(one.used) == set(other.used)
    assert {json.dumps(step) for step in one.steps if step["kind"] != "tier"} == {
        json.dumps(step) for step in other.steps if step["kind"] != "tier"
    }


@patient
@given(rule_lists, promises, baskets(), situations)
def test_the_steps_add_up(rules, promise, basket, situation):
    found = priced(rules, promise, basket, situation)
    total = sum(Fraction(step["points"]) for step in found.steps)
    assert round_off(total, promise["rounding"]) == found.points


@patient
@given(rule_lists, promises, baskets(), situations)
def test_the_whole_of_a_sale_reprices_to_the_same(rules, promise, basket, situation):
    sold = priced(rules, promise, basket, situation)
    again = reprice(json.loads(json.dumps(sold.snapshot())), basket)
    assert (again.points, again.carry) == (sold.points, sold.carry)
    assert set(again.used) == set(sold.used)


def less(basket: Basket, taken: list[tuple[int, int]], rest: int) -> Basket:
    """What remains when of each line so many units and so much went back, and of the rest too."""
    left = [
        Line(line.sku, line.category, max(0, line.qty - qty), max(0, line.amount - amount))
        for line, (qty, amount) in zip(basket.lines, taken, strict=False)
    ]
    lines = tuple(left) + tuple(basket.lines[len(left) :])
    over = basket.total - sum(line.amount for line in basket.lines)
    total = sum(line.amount for line in lines) + max(0, over - rest)
    return Basket(total, lines=lines)


returns = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400)), min_size=4, max_size=4)


@settings(patient, max_examples=200)
@given(rule_lists, promises, baskets(), situations, st.lists(returns, max_size=3))
def test_less_never_earns_more(rules, promise, basket, situation, refunds):
    snapshot = priced(rules, promise, basket, situation).snapshot()
    earned = reprice(snapshot, basket).points
    for taken in refunds:
        basket = less(basket, taken, rest=taken[0][1])
        left = reprice(snapshot, basket).points
        assert left <= earned
        earned = left


@patient
@given(rule_lists, promises, baskets(), situations)
def test_nothing_left_earns_nothing_and_leaves_the_cents_that_came_in(
    rules, promise, basket, situation
):
    sold = priced(rules, promise, basket, situation)
    left = reprice(sold.snapshot(), Basket(0))
    assert (left.points, left.carry) == (0, situation.carry)


# --- What it remembers ----------------------------------------------------------------------------


def test_a_happy_hour_begins_and_ends_for_one_tariff():
    happy = read({"days": ["tue"], "hours": "14:00-17:00"})
    rules = [Rule("b", "spend", 1, 100), Rule("h", "multiplier", factor=2, conditions=happy)]
    tariff = Tariff(Terms(rules, zone=BERLIN))
    points = [
        tariff.price(Basket(1000), Situation(utc(f"2026-05-{at}"))).points
        for at in ("12T11:59", "12T12:00", "12T14:59", "12T15:00", "13T13:00", "19T13:00")
    ]
    assert points == [10, 20, 20, 10, 10, 20]


@pytest.mark.parametrize(("location", "points"), [("Harbour", 20), ("Station", 10), ("", 10)])
def test_a_rule_for_one_place_does_not_apply_at_another(location, points):
    here = read({"locations": ["Harbour"]})
    rules = [Rule("b", "spend", 1, 100), Rule("h", "multiplier", factor=2, conditions=here)]
    tariff = Tariff(Terms(rules))
    at = Situation(utc("2026-05-12T10:00"), location)
    assert tariff.price(Basket(1000), at).points == points


def test_what_it_remembers_is_bounded(monkeypatch):
    monkeypatch.setattr(tariffs, "MOST_DAYS", 3)
    monkeypatch.setattr(tariffs, "MOST_PLANS", 3)
    until = read({"until": "2026-05-31", "locations": [f"No. {n}" for n in range(0, 60, 2)]})
    tariff = Tariff(Terms([Rule("b", "spend", 1, 100, conditions=until)]))
    for n in range(60):
        at = Situation(utc("2026-05-01T12:00") + n * dt.timedelta(days=1), location=f"No. {n}")
        applies = n < 31 and n % 2 == 0
        assert tariff.price(Basket(1000), at).points == (10 if applies else 0)
        assert len(tariff._plans) <= 3
        assert len(tariff._days) <= 3
