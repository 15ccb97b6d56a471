"""The shop's page, the card in its states, and what its holder may read and change."""

from __future__ import annotations

import datetime as dt
import gzip
import re
from itertools import pairwise
from uuid import uuid4

import pytest
from django.contrib.staticfiles.finders import find
from django.db import connection
from django.test import Client
from django.utils import timezone

from loyalty import ledger, programs, proofs, rewards, vouchers
from loyalty.models import EarnRule, Member, Program, Reward, Tier, Voucher
from loyalty.redemptions import redeem
from portal.storage import join
from tenants.actors import Actor
from tenants.context import inside
from tenants.models import Shop
from tenants.shops import change
from tests.portal.cards import buy, update

SOON = dt.timedelta(hours=1)
MAY_BE_READ = ("/", "/j", "/c", "/c/history", "/c/me", "/c/privacy", "/c/leave", "/c/confirm")


def reward(shop, name="Any coffee", *, cost=20, **told) -> Reward:
    with inside(shop.tenant):
        by = Actor.of_staff(shop.owner)
        program = Program.objects.get(status="live")
        at = timezone.now()
        return rewards.create(program, "item", name, at=at, by=by, cost=cost, value=1500, **told)


def policy(shop, **changes) -> None:
    with inside(shop.tenant):
        programs.set_policy(shop.program, changes, at=timezone.now(), by=shop.till)


# The shop's page


def test_the_shops_page_says_what_its_card_is_worth(stranger, cafe):
    reward(cafe, cost=100)
    policy(cafe, enrol_bonus=20)
    with inside(cafe.tenant):
        change(phone="+97143334455", email="hello@cafe.example", address="12 Palm Street")
    page = stranger.get("/").text
    for word in ("Spend AED\u00a080.00 → Any coffee", "You start with 20 points.", "100 points"):
        assert word in page
    for word in ("04 333 4455", "hello@cafe.example", "12 Palm Street", "/j", "/c/back"):
        assert word in page


@pytest.mark.parametrize(
    ("unit", "rule", "bonus", "words"),
    [
        ("stamp", {"kind": "visit", "points": 1}, 2, "8 visits → Loaf"),
        ("money", {"kind": "spend", "points": 5, "per": 100}, 0, "5 % back on everything"),
        ("money", {"kind": "spend", "points": 1, "per": 40}, 0, "2.5 % back on everything"),
    ],
)
def test_every_kind_of_program_has_its_promise(cafe, unit, rule, bonus, words):
    stranger = Client(HTTP_HOST=cafe.host)
    with inside(cafe.tenant):
        Program.objects.update(unit=unit, policy={"enrol_bonus": bonus})
        EarnRule.objects.all().update(is_active=False)
        EarnRule.objects.create(program=cafe.program, **rule)
    reward(cafe, "Loaf", cost=10)
    assert words in stranger.get("/j").text


def test_a_page_is_told_in_every_language_of_the_shop(customer, cafe):
    with inside(cafe.tenant):
        change(languages=["en", "ar"])
    page = customer.get("/c?lang=ar")
    assert 'dir="rtl"' in page.text
    assert '<link rel="alternate" hreflang="en" href="?lang=en">' in page.text
    assert page.cookies["lang"].value == "ar"
    assert 'lang="ar"' in customer.get("/j?lang=ar", follow=True).text


# The card in its states


def test_what_is_ready_stands_above_the_card(customer, cafe):
    ready, later = reward(cafe), reward(cafe, "Breakfast", cost=50)
    reward(cafe, "Gone", cost=5, stock=0)
    buy(cafe, 3000)
    page = customer.get("/c").text
    assert '<section class="crown"' in page
    assert f"/c/use/{ready.pk}" in page
    assert "20 of your 30 points" in page
    assert f"/c/use/{later.pk}" not in page
    assert "20 points to go" in page
    assert "Gone" not in page
    assert '<progress max="50" value="30"' in page


def test_whatever_is_hers_can_be_reached_from_the_card(customer, cafe):
    """Three vouchers and three rewards stand there; the others are folded, with the same links."""
    ready = [reward(cafe, f"Gift {n}", cost=n) for n in range(1, 6)]
    buy(cafe, 3000)
    with inside(cafe.tenant):
        by, at = Actor.of_staff(cafe.owner), timezone.now()
        hers = [
            vouchers.issue("amount", at=at, by=by, value=500, owner=cafe.member, key=f"v{n}").code
            for n in range(4)
        ]
    page = customer.get("/c").text
    shown, _, folded = page[page.index("crown") : page.index("<main")].partition("<details>")
    assert "3 more are yours" in folded
    for code in hers:
        assert (code in shown) is not (code in folded)
    for each in ready:
        assert (f"/c/use/{each.pk}" in shown) is not (f"/c/use/{each.pk}" in folded)
    assert (shown.count("/c/use/"), folded.count("/c/use/")) == (3, 2)
    assert all(customer.get(f"/c/use/{each.pk}").status_code == 200 for each in ready)


def test_three_of_each_are_not_folded(customer, cafe):
    for n in range(1, 4):
        reward(cafe, f"Gift {n}", cost=n)
    buy(cafe, 3000)
    page = customer.get("/c").text
    assert "more are yours" not in page
    assert "<details>" not in page[: page.index("<main")]


def test_a_dear_reward_needs_the_digits_on_the_screen(customer, cafe):
    dear, cheap = reward(cafe), reward(cafe, "Cookie", cost=10)
    update(cafe, Shop, proof_above=15)
    buy(cafe)
    sheet = customer.get(f"/c/use/{dear.pk}")
    code = re.search(r'class="big-code">(\d{4})<', sheet.text)[1]
    with inside(cafe.tenant):
        assert proofs.holds(cafe.member, code, at=timezone.now())
    assert 0 < int(sheet.headers["Refresh"]) <= 30
    plain = customer.get(f"/c/use/{cheap.pk}")
    assert "big-code" not in plain.text
    assert "Refresh" not in plain.headers
    assert customer.get(f"/c/use/{uuid4()}").status_code == 404
    with inside(cafe.tenant):
        assert Voucher.objects.count() == 0  # nothing was taken


def test_what_cannot_be_had_is_no_sheet(customer, cafe, stranger):
    dear = reward(cafe, cost=500)
    assert customer.get(f"/c/use/{dear.pk}").headers["Location"] == "/c"
    assert stranger.get(f"/c/use/{dear.pk}").headers["Location"] == "/c/back"


def test_time_is_told_with_its_dates(customer, cafe):
    policy(cafe, expiry={"mode": "lot", "days": 30}, pending_days=3)
    buy(cafe, days_ago=10)
    buy(cafe, 1000)
    page = customer.get("/c").text
    today = timezone.localdate()
    assert re.search(r"24 points end after \d+ \w+", page)
    assert re.search(r"10 points can be used from \d+ \w+", page)
    assert today.year > 2000


def test_silence_is_told_as_such(customer, cafe):
    policy(cafe, expiry={"mode": "inactivity", "days": 20})
    buy(cafe)
    assert "unless you come before" in customer.get("/c").text


def test_a_tier_says_what_is_missing_to_the_next(customer, cafe):
    with inside(cafe.tenant):
        Tier.objects.create(program=cafe.program, name="Green", threshold=0)
        Tier.objects.create(program=cafe.program, name="Gold", threshold=10_000)
    policy(cafe, tiers={"metric": "spend"})
    assert "AED\u00a0100.00 to Gold" in customer.get("/c").text
    buy(cafe, 4000)
    page = customer.get("/c").text
    assert '<span class="tier">Green</span>' in page
    assert "AED\u00a060.00 to Gold" in page


def test_a_stamp_card_is_drawn_with_its_days(customer, cafe):
    with inside(cafe.tenant):
        Program.objects.update(unit="stamp")
        EarnRule.objects.all().update(is_active=False)
        EarnRule.objects.create(program=cafe.program, kind="visit", points=1)
    reward(cafe, "Free loaf", cost=6, is_auto=True)
    for _ in range(4):
        buy(cafe)
    page = customer.get("/c").text
    assert page.count('<li class="on') == 4
    assert page.count('<li class="on new"') == 1
    assert "2 more" in page
    assert "4 of 6 stamps" in page
    for _ in range(2):
        buy(cafe)
    with inside(cafe.tenant):
        code = Voucher.objects.get().code
    page = customer.get("/c").text
    assert code in page  # the full card became a voucher
    assert '<li class="on' not in page


def test_money_is_shown_as_money(customer, cafe):
    update(cafe, Program, unit="money")
    buy(cafe, 2450)
    assert "<b>AED\u00a00.24</b>" in customer.get("/c").text


def test_a_blocked_card_shows_no_code(customer, cafe):
    reward(cafe)
    buy(cafe)
    update(cafe, Member, status="blocked")
    page = customer.get("/c").text
    assert "This card is blocked" in page
    assert 'class="qr"' not in page
    assert "crown" not in page
    assert customer.get("/c/privacy").status_code == 200


def test_a_paused_program_keeps_what_was_collected(customer, cafe):
    buy(cafe)
    update(cafe, Program, status="paused")
    page = customer.get("/c").text
    assert "The card takes a break" in page
    assert "<b>24</b>" in page
    assert "Bought for" in customer.get("/c/history").text


def test_a_card_with_everything_costs_four_statements_and_then_one(customer, cafe, statements):
    with inside(cafe.tenant):
        Tier.objects.create(program=cafe.program, name="Green", threshold=0)
        Tier.objects.create(program=cafe.program, name="Gold", threshold=900_000)
    policy(cafe, tiers={"metric": "spend"}, expiry={"mode": "lot", "days": 300})
    reward(cafe, per_member=2)
    for _ in range(3):
        buy(cafe)
    connection.run_on_commit.clear()  # as if it were committed
    customer.get("/")  # the shop's front and showcase are known by now
    with statements() as first:
        assert customer.get("/c").status_code == 200
    with statements() as again:
        assert customer.get("/c").status_code == 200
    assert len(first) <= 4, first
    assert again == ["SELECT loyalty_account"]


def test_a_kept_card_follows_everything_that_it_shows(customer, cafe):
    buy(cafe, 5000)
    seen = [customer.get("/c").content]
    offered = reward(cafe)
    seen.append(customer.get("/c").content)
    update(cafe, Reward, name="Any tea")
    seen.append(customer.get("/c").content)
    with inside(cafe.tenant):
        by = Actor.of_staff(cafe.owner)
        made = vouchers.issue(
            "amount", at=timezone.now(), by=by, value=500, owner=cafe.member, key="v"
        )
    seen.append(customer.get("/c").content)
    with inside(cafe.tenant):
        vouchers.void(made, at=timezone.now(), by=by, reason="a mistake")
        rewards.set_status(offered, "paused", at=timezone.now(), by=by)
    seen.append(customer.get("/c").content)
    update(cafe, Member, unbound_until=timezone.now() + 30 * SOON)
    seen.append(customer.get("/c").content)
    customer.cookies["look"] = "night"
    seen.append(customer.get("/c").content)
    assert all(one != other for one, other in pairwise(seen))


# What happened


def test_the_history_turns_pages_and_sorts_what_came_from_what_went(customer, cafe):
    reward(cafe, cost=5)
    for _ in range(23):
        buy(cafe, 1000)
    with inside(cafe.tenant):
        by = cafe.till
        redeem(cafe.member, Reward.objects.get(), at=timezone.now(), by=by, key="r")
    first = customer.get("/c/history").text
    assert first.count("<li>") == 20
    assert "Page 1 of 2" in first
    assert customer.get("/c/history?page=2").text.count("<li>") == 4
    used = customer.get("/c/history?show=used").text
    assert used.count("<li>") == 1
    assert "Redeemed: Any coffee" in used
    assert "Redeemed" not in customer.get("/c/history?show=earned").text
    assert "10 \u00d7 AED\u00a01.00" in first


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=9999999999999", "show=%00"])
def test_a_wrong_page_is_some_page(customer, query):
    assert customer.get(f"/c/history?{query}").status_code == 200


# All of them


def test_these_pages_are_small_and_need_no_script(customer, stranger, cafe):
    reward(cafe)
    for n in range(6):
        buy(cafe, 2450 + n)
    sheets = {}
    for path in MAY_BE_READ:
        page = (stranger if path == "/j" else customer).get(path).content
        assert b"<script" not in page
        assert b"style=" not in page
        assert len(gzip.compress(page)) <= 6 * 1024, path
    for face in ("card", "stamped", "shop", "join", "account", "live"):
        sheets[face] = len(gzip.compress(joined(f"css/{face}.css")))
    assert all(size <= 5 * 1024 for size in sheets.values()), sheets


def joined(name: str) -> bytes:
    """A style sheet as collectstatic makes it."""

    class Finder(dict):
        def __contains__(self, name):
            return bool(find(name))

        def __getitem__(self, name):
            class Plain:
                def open(self, path):
                    return open(path, "rb")

            return Plain(), find(name)

    return join(name, Finder(), set()).encode()


def test_the_neighbours_card_is_nobodys_here(customer, spa):
    other = Client(HTTP_HOST=spa.host)
    other.cookies["card"] = customer.cookies["card"].value
    for path in ("/c/history", "/c/privacy", "/c/data.json", "/c/leave"):
        assert other.get(path).headers["Location"] == "/c/back"
    assert other.post("/c/privacy/consent", {"give": "1"}).headers["Location"] == "/c/back"
    with inside(spa.tenant):
        assert ledger.account_of(spa.member).balance == 0
