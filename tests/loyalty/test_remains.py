"""What is left of a sale, without a database: parts come to the whole, whatever they are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.remains import Rest
from loyalty.tariff import Tariff
from loyalty.terms import Basket, Line, Rule, Situation, Terms
from tests.conftest import NOW

SKUS = ("a", "b", "c")


def priced(total, basket, *rules, **terms):
    """What such a sale earns, and its snapshot."""
    price = Tariff(Terms(rules, **terms)).price(Basket(total, lines=basket), Situation(NOW))
    return price.points, price.snapshot()


@st.composite
def sales(draw):
    basket = [
        Line(
            draw(st.sampled_from(SKUS)),
            qty=draw(st.integers(1, 5)),
            amount=draw(st.integers(0, 999)),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    return sum(line.amount for line in basket) + draw(st.integers(1, 999)), basket


@settings(max_examples=200)
@given(sales(), st.data())
def test_refunds_in_any_order_end_with_nothing_left(sale, data):
    total, basket = sale
    rows = [[line.sku, line.category, line.qty, line.amount] for line in basket]
    rules = [Rule("s", "spend", points=1, per=7), Rule("i", "item", points=1)]
    earned, snapshot = priced(total, basket, *rules)
    rest = Rest(total, rows)
    assert rest.price(snapshot).points == earned
    left = {sku: sum(line.qty for line in basket if line.sku == sku) for sku in SKUS}
    clawed = 0
    while rest.total:
        some = [sku for sku in SKUS if left[sku]]
        if some and data.draw(st.booleans()):
            sku = data.draw(st.sampled_from(some))
            back = {sku: data.draw(st.integers(1, left[sku]))}
            left[sku] -= back[sku]
            amount = rest.money_for(back)
            rest.take(amount, back)
        else:
            amount = data.draw(st.integers(1, rest.total))
            rest.take(amount)
        assert amount >= 0
        assert rest.total >= 0
        clawed = max(clawed, earned - rest.price(snapshot).points)
        assert 0 <= clawed <= earned
    assert rest.price(snapshot).points == 0
    assert clawed == earned


@settings(max_examples=200)
@given(sales(), st.data())
def test_goods_in_parts_come_to_the_price_of_all_of_them(sale, data):
    total, basket = sale
    rows = [[line.sku, line.category, line.qty, line.amount] for line in basket]
    rest, paid = Rest(total, rows), 0
    for sku in {line.sku for line in basket}:
        count = sum(line.qty for line in basket if line.sku == sku)
        while count:
            back = {sku: data.draw(st.integers(1, count))}
            count -= back[sku]
            amount = rest.money_for(back) if rest.total else 0
            rest.take(amount, back)
            paid += amount
    assert paid == sum(line.amount for line in basket)
