"""Rewards and money given back at the till: two taps, once, proved, allowed, taken back."""

from __future__ import annotations

import datetime as dt
import re
from uuid import uuid4

import pytest
from django.utils import timezone

from loyalty import ledger, proofs, purchases, refunds, rewards, vouchers
from loyalty.models import Member, Purchase, Redemption, Reward, Voucher
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import AuditEntry, Shop
from tenants.pins import set_pin
from tests.conftest import NOW, PIN
from tests.portal.conftest import PIECE

BOSS_PIN = "1357"


@pytest.fixture
def boss(cafe):
    with inside(cafe.tenant):
        set_pin(cafe.owner, BOSS_PIN)
    return cafe.owner


@pytest.fixture
def rich(cafe):
    """A member with 100 points, and three rewards to choose from."""
    with inside(cafe.tenant):
        by, now = Actor.of_staff(cafe.owner), timezone.now()
        purchases.record(cafe.member, 10_000, at=now, by=cafe.till, key="rich")
        for kind, name, cost, value, stock in (
            ("item", "Coffee", 60, 1500, 1),
            ("amount", "Five off", 40, 500, None),
            ("item", "Feast", 900, 9000, None),
        ):
            rewards.create(
                cafe.program, kind, name, at=now, by=by, cost=cost, value=value, stock=stock
            )
    return cafe


def reward(cafe, name) -> Reward:
    with inside(cafe.tenant):
        return Reward.objects.get(name=name)


def points(cafe) -> int:
    with inside(cafe.tenant):
        return ledger.account_of(cafe.member).balance


def give(till, cafe, name="Coffee", **data):
    url = f"/till/members/{cafe.member.pk}/redemptions/"
    form = {"reward": reward(cafe, name).pk, "key": uuid4(), **data}
    return till.post(url, form, headers=PIECE)


# Choosing and giving


def test_what_she_can_have_stands_before_what_she_lacks(till, rich):
    page = till.get(f"/till/members/{rich.member.pk}/rewards/", headers=PIECE).text
    assert page.index("Coffee") < page.index("Feast")
    assert "800 points more" in page
    assert "Choose a reward" in page
    chosen = till.get(
        f"/till/members/{rich.member.pk}/rewards/",
        {"reward": reward(rich, "Five off").pk, "amount": "24.50"},
        headers=PIECE,
    ).text
    assert re.search(r"Give <bdi>Five off</bdi></span>\s*<small[^>]*>AED\s5.00 off", chosen)
    assert 'value="24.50"' in chosen


def test_a_reward_is_given_once_and_says_so_in_green(till, rich):
    key = uuid4()
    first, second = give(till, rich, key=key), give(till, rich, key=key)
    for answer in (first, second):
        assert answer.status_code == 200
        assert "Give it now" in answer.text
        assert "<dialog" in answer.text
        assert re.search(r"−60</b> for <bdi>Amina R\.", answer.text), "the strip"
    assert points(rich) == 40


def test_the_last_piece_goes_to_one_and_the_other_is_told_who_had_it(till, rich):
    give(till, rich)
    with inside(rich.tenant):
        purchases.record(rich.member, 10_000, at=timezone.now(), by=rich.till, key="more")
    lost = give(till, rich)
    assert lost.status_code == 409
    assert re.search(
        r"Already given at <span class=\"num\">\d\d:\d\d</span> by <bdi>Sam", lost.text
    )
    assert points(rich) == 140


def test_what_she_cannot_pay_for_is_not_given(till, rich):
    answer = give(till, rich, "Feast")
    assert answer.status_code == 422
    assert "800 more are needed" in answer.text
    assert points(rich) == 100


def test_nothing_odd_is_given(till, rich):
    for data in [
        {"reward": ""},
        {"reward": "x"},
        {"reward": uuid4()},
        {"key": "x"},
        {"voucher": "\x00"},
        {"voucher": uuid4()},
        {"amount": "1e9"},
        {"amount": "9" * 10_000},
        {"proof": "\x00" * 99},
        {"code": "\ud800".encode("utf-8", "surrogatepass")},
    ]:
        answer = give(till, rich, "Feast", **data)
        assert answer.status_code == 422
        assert points(rich) == 100


def test_what_comes_off_the_bill_comes_off_the_sale_too(till, rich):
    given = give(till, rich, "Five off", amount="24.50")
    assert "Take it off the bill" in given.text
    voucher = re.search(r'name="voucher" value="([^"]+)"', given.text)[1]
    assert "AED\u00a019.50 to pay" in given.text
    url = f"/till/members/{rich.member.pk}/purchases/"
    sale = {"amount": "24.50", "voucher": voucher, "key": uuid4()}
    assert till.post(url, sale, headers=PIECE).status_code == 200
    with inside(rich.tenant):
        sold = Purchase.objects.get(total=2450)
        assert Redemption.objects.get().purchase == sold
    assert (sold.reward_discount, sold.earned) == (500, 19)
    assert points(rich) == 60 + 19
    again = till.post(url, {**sale, "key": uuid4()}, headers=PIECE)
    assert again.status_code == 200
    with inside(rich.tenant):
        assert Purchase.objects.order_by("id").last().reward_discount == 0, "once"


@pytest.fixture
def paying(rich):
    """A reward by which any number of points pays: 20 of them are ten dirhams."""
    with inside(rich.tenant):
        by, now = Actor.of_staff(rich.owner), timezone.now()
        rate = {"rate": {"points": 20, "value": 1000}}
        rewards.create(rich.program, "pay", "Pay with points", at=now, by=by, told=rate)
    return rich


def sell_with(till, cafe, gift, **data):
    """The sale that a reward takes something off, by the form that its green sheet shows."""
    voucher = re.search(r'name="voucher" value="([^"]+)"', gift.text)[1]
    url = f"/till/members/{cafe.member.pk}/purchases/"
    form = {"amount": "24.50", "voucher": voucher, "key": uuid4(), **data}
    return form, till.post(url, form, headers=PIECE)


@pytest.mark.parametrize(("name", "earned"), [("Five off", 19), ("Pay with points", 4)])
def test_a_sale_with_a_reward_sent_twice_is_one(till, paying, name, earned):
    """A second tap, or a form that a browser sends again because it heard no answer."""
    form, first = sell_with(till, paying, give(till, paying, name, amount="24.50"))
    after = points(paying)
    again = till.post(first.request["PATH_INFO"], form, headers=PIECE)
    assert (first.status_code, again.status_code) == (200, 200)
    assert re.search(rf"\+{earned}</b> for <bdi>Amina R\.", again.text)
    keys = r'name="(key|csrfmiddlewaretoken)" value="[^"]*"'
    assert re.sub(keys, "", again.text) == re.sub(keys, "", first.text)
    with inside(paying.tenant):
        assert Purchase.objects.filter(total=2450).count() == 1
    assert points(paying) == after


def test_it_is_one_too_where_the_reward_was_taken_back_meanwhile(till, rich):
    form, first = sell_with(till, rich, give(till, rich, "Five off", amount="24.50"))
    assert undo_gift(till, rich).status_code == 200
    again = till.post(first.request["PATH_INFO"], form, headers=PIECE)
    assert again.status_code == 200
    assert points(rich) == 100 + 19
    with inside(rich.tenant):
        assert Purchase.objects.filter(total=2450).count() == 1


def test_under_the_same_key_another_bill_or_reward_is_another_sale(till, rich):
    gifts = [give(till, rich, "Five off", amount="24.50") for _ in range(2)]
    form, first = sell_with(till, rich, gifts[0])
    other, _ = sell_with(till, rich, gifts[1], key=form["key"], amount="")
    for change in (
        {"amount": "24.00"},
        {"voucher": other["voucher"]},
        {"voucher": uuid4()},
        {"voucher": ""},
    ):
        refused = till.post(first.request["PATH_INFO"], {**form, **change}, headers=PIECE)
        assert refused.status_code == 422
        assert "already sent with other figures" in refused.text
    with inside(rich.tenant):
        assert Purchase.objects.filter(total__lt=10_000).count() == 1


# Codes


def test_a_code_is_looked_at_then_used(till, rich):
    with inside(rich.tenant):
        code = vouchers.issue("amount", at=NOW, by=rich.till, key="v", value=500, code="MAY 5")
    url = f"/till/members/{rich.member.pk}/rewards/"
    looked = till.get(url, {"code": "may5", "amount": "24.50"}, headers=PIECE).text
    assert "Give <bdi>AED\u00a05.00 off" in looked
    assert "not known here" in till.get(url, {"code": "nope"}, headers=PIECE).text
    used = give(till, rich, reward="", voucher=code.pk, amount="24.50")
    assert used.status_code == 200
    assert give(till, rich, reward="", voucher=code.pk, amount="24.50").status_code == 422
    assert points(rich) == 100


def test_a_code_can_give_points(till, rich):
    with inside(rich.tenant):
        code = vouchers.issue("points", at=NOW, by=rich.till, key="v", points=50)
    assert "It is on the card" in give(till, rich, reward="", voucher=code.pk).text
    assert points(rich) == 150


# Proof


@pytest.fixture
def proving(rich):
    with inside(rich.tenant):
        Shop.objects.update(proof_above=50)
    return rich


def code_of(cafe, *, ago=0) -> str:
    at = timezone.now() - dt.timedelta(seconds=ago)
    with inside(cafe.tenant):
        return proofs.code(Member.objects.get(pk=cafe.member.pk), at=at)


def test_above_the_limit_the_customer_shows_her_code(till, proving):
    url = f"/till/members/{proving.member.pk}/rewards/"
    page = till.get(url, {"reward": reward(proving, "Coffee").pk}, headers=PIECE).text
    assert 'name="proof"' in page
    key = uuid4()
    good = {code_of(proving, ago=ago) for ago in (-30, 0, 30)}
    old = next(
        code for ago in range(300, 3_000, 30) if (code := code_of(proving, ago=ago)) not in good
    )
    for proof in ("", "x", old):
        refused = give(till, proving, key=key, proof=proof)
        assert refused.status_code == 422
        assert str(key) in refused.text
        assert points(proving) == 100
    done = give(till, proving, key=key, proof=code_of(proving))
    assert (done.status_code, points(proving)) == (200, 40)
    late = give(till, proving, key=key, proof="")
    assert (late.status_code, points(proving)) == (200, 40), "what was done is told again"
    assert give(till, proving, "Five off").status_code == 200, "a small one needs none"


def test_guesses_at_the_code_make_the_card_wait(till, proving):
    good = {code_of(proving, ago=ago) for ago in (-30, 0, 30)}
    wrong = next(n for n in range(9) if f"{n:04d}" not in good)
    for _ in range(5):
        assert "not the digits" in give(till, proving, proof=f"{wrong:04d}").text
    assert "then try again" in give(till, proving, proof=code_of(proving)).text
    assert points(proving) == 100


def test_a_manager_can_allow_it_without_the_code(till, proving, boss):
    url = f"/till/members/{proving.member.pk}/rewards/"
    asked = till.get(url, {"reward": reward(proving, "Coffee").pk, "ask": "1"}, headers=PIECE).text
    assert "Who allows it?" in asked
    wrong = give(till, proving, approver=boss.pk, pin="0000")
    assert wrong.status_code == 422
    assert "tries left" in wrong.text
    assert give(till, proving, approver=proving.cashier.pk, pin=PIN).status_code == 422
    assert give(till, proving, approver=boss.pk, pin=BOSS_PIN).status_code == 200
    with inside(proving.tenant):
        row = AuditEntry.objects.get(act="reward.redeemed")
    assert (row.who, row.after["approved_by"]) == (proving.till.who, f"staff:{boss.pk}")


# Taking back


def undo_gift(till, cafe, **data):
    with inside(cafe.tenant):
        voucher = Voucher.objects.latest("issued_at")
    url = f"/till/redemptions/{voucher.pk}/reversal/"
    return till.post(url, {"key": uuid4(), **data}, headers=PIECE)


def test_undo_gives_the_points_and_the_piece_back(till, rich):
    give(till, rich)
    key = uuid4()
    first, second = undo_gift(till, rich, key=key), undo_gift(till, rich, key=key)
    assert first.status_code == second.status_code == 200
    assert "undone" in first.text
    assert (points(rich), reward(rich, "Coffee").stock) == (100, 1)
    assert undo_gift(till, rich).status_code == 422
    assert "Coffee" in till.get("/till/purchases/", headers=PIECE).text


def test_an_undo_that_is_sent_again_too_late_was_done_in_time(till, rich, monkeypatch):
    give(till, rich)
    key = uuid4()
    assert undo_gift(till, rich, key=key).status_code == 200
    monkeypatch.setattr(refunds, "UNDO_FOR", dt.timedelta(0))
    again = undo_gift(till, rich, key=key)
    assert (again.status_code, "undone" in again.text) == (200, True)


def test_undo_on_the_green_sheet_goes_back_to_the_sale(till, rich):
    give(till, rich)
    page = undo_gift(till, rich, sheet="1", amount="24.50").text
    assert 'id="sale"' in page
    assert "Award 24 points" in page


def test_after_a_while_a_manager_undoes_it(till, rich, monkeypatch):
    give(till, rich)
    monkeypatch.setattr(refunds, "UNDO_FOR", dt.timedelta(0))
    refused = undo_gift(till, rich)
    assert refused.status_code == 422
    assert "a manager has to" in refused.text
    assert points(rich) == 40


# Wrong person, and money back


def sale_of(cafe, *, minutes=0) -> Purchase:
    at = timezone.now() - dt.timedelta(minutes=minutes)
    with inside(cafe.tenant):
        return purchases.record(cafe.member, 2450, at=at, by=cafe.till, key=str(uuid4())).purchase


def test_wrong_person_takes_it_back_and_keeps_the_amount(till, cafe):
    sale = sale_of(cafe)
    form = {"key": uuid4(), "wrong": "1"}
    page = till.post(f"/till/purchases/{sale.pk}/reversal/", form, headers=PIECE).text
    assert "Whose was it?" in page
    assert "Say:" in page
    assert 'name="amount" value="24.50"' in page, "in the search, for whoever is found"
    assert points(cafe) == 0
    hits = till.get("/till/members/", {"q": "567", "amount": "24.50"}, headers=PIECE).text
    assert "?amount=24.50" in hits
    opened = till.get(f"/till/members/{cafe.member.pk}/?amount=24.50", headers=PIECE).text
    assert "Award 24 points" in opened


def back(till, sale, **data):
    url = f"/till/purchases/{sale.pk}/refunds/"
    return till.post(url, {"key": uuid4(), **data}, headers=PIECE)


def test_a_part_of_a_sale_is_given_back_once(till, cafe):
    sale = sale_of(cafe)
    url = f"/till/purchases/{sale.pk}/"
    page = till.get(url, {"amount": "10", "typing": "1"}, headers=PIECE).text
    assert "Give back AED\u00a010.00" in page
    key = uuid4()
    for _ in range(2):
        answer = back(till, sale, amount="10", key=key)
        assert answer.status_code == 200
        assert "Taken from the card: 10 points" in answer.text
    assert points(cafe) == 14
    assert "Give back AED\u00a014.50" in till.get(url, headers=PIECE).text
    assert back(till, sale).status_code == 200, "nothing typed is all that is left"
    assert points(cafe) == 0
    assert back(till, sale).status_code == 422


def test_what_was_given_back_in_time_is_told_again_later(till, cafe, monkeypatch):
    sale, key = sale_of(cafe), uuid4()
    assert back(till, sale, amount="10", key=key).status_code == 200
    monkeypatch.setattr(refunds, "UNDO_FOR", dt.timedelta(0))
    again = back(till, sale, amount="10", key=key)
    assert (again.status_code, "Taken from the card: 10 points" in again.text) == (200, True)
    assert back(till, sale, amount="5", key=key).status_code == 422
    assert points(cafe) == 14


def test_so_much_is_not_given_back(till, cafe):
    sale = sale_of(cafe)
    for amount in ("24.51", "x", "1e1", "-1", "\x00x", "9" * 10_000):
        assert back(till, sale, amount=amount).status_code == 422, amount
        assert points(cafe) == 24


def test_after_a_while_a_manager_allows_it_in_place(till, cafe, boss):
    sale = sale_of(cafe, minutes=20)
    page = till.get("/till/purchases/", headers=PIECE).text
    assert "Give back" in page
    assert "Undo</button>" not in page
    key = uuid4()
    asked = back(till, sale, key=key)
    assert asked.status_code == 422
    assert "Who allows it?" in asked.text
    assert str(key) in asked.text
    assert back(till, sale, key=key, approver=boss.pk, pin="0000").status_code == 422
    assert points(cafe) == 24
    assert back(till, sale, key=key, approver=boss.pk, pin=BOSS_PIN).status_code == 200
    assert points(cafe) == 0


def test_a_sale_is_found_by_its_receipt(till, cafe):
    with inside(cafe.tenant):
        purchases.record(cafe.member, 900, at=timezone.now(), by=cafe.till, key="ref", ref="R-17")
    for ref in ("R-17", "r", "\x00", "x" * 10_000):
        page = till.get("/till/purchases/", {"ref": ref}, headers=PIECE)
        assert page.status_code == 200
        assert ("Amina R." in page.text) == (ref in ("R-17", "\x00")), "or the last ten"


def test_the_neighbours_are_like_nobodys(till, rich, spa):
    theirs = spa.member.pk
    for path in (f"members/{theirs}/rewards/", f"purchases/{theirs}/"):
        assert till.get(f"/till/{path}").status_code == 404
    for path in (
        f"members/{theirs}/redemptions/",
        f"purchases/{theirs}/refunds/",
        f"redemptions/{theirs}/reversal/",
    ):
        assert till.post(f"/till/{path}", {"key": uuid4()}).status_code == 404
