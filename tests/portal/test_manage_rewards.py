"""Rewards and tiers in the owner's portal."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from loyalty import ladders, purchases, rewards, shelf
from loyalty.models import Account, Program, Reward, Tier
from tenants.actors import Actor
from tenants.context import inside
from tests.portal.conftest import PIECE

URL, TIERS = "/manage/rewards/", "/manage/tiers/"
COFFEE = {"kind": "item", "name": "Coffee", "cost": "100", "value": "18", "unit_cost": "7.20"}


@pytest.fixture(autouse=True)
def _unlimited(settings):
    settings.RATE_LIMITS = False


def make(cafe, name, **fields):
    with inside(cafe.tenant):
        by, at = Actor.of_staff(cafe.owner), timezone.now()
        return rewards.create(cafe.program, "gift", name, at=at, by=by, **fields)


def names(cafe):
    with inside(cafe.tenant):
        return "".join(each.name for each in shelf.in_order(cafe.program.pk))


def seen_on(page: str) -> str:
    return re.search(r'name="seen" value="([^"]*)"', page)[1]


def test_a_reward_is_made_and_stands_in_the_list(owner, cafe):
    assert "Nothing to buy with points yet" in owner.get(URL).text
    assert "What shall points buy?" in owner.get(f"{URL}new/?kind=nothing").text
    told = {**COFFEE, "stock": "٢٢", "per_member": "1", "days": ["fri", "sat"]}
    assert owner.post(f"{URL}new/", told).status_code == 303
    page = re.sub(r"\s+", " ", owner.get(URL).text)
    for words in ("Coffee", "100 points", "AED 18.00", "40%", "22 left", "on Fridays and"):
        assert words in page
    with inside(cafe.tenant):
        found = Reward.objects.get()
    assert (found.unit_cost, found.stock, found.conditions) == (720, 22, {"days": ["fri", "sat"]})


WRONG = [
    ("name", "", "This field is required."),
    ("name", "x" * 10_000, "Keep it under 80 letters."),
    ("name", "\x00 \t", "This field is required."),
    ("cost", "0", "Say how many points it costs."),
    ("cost", "-1", "Type a whole number."),
    ("cost", "1e5", "Type a whole number."),
    ("cost", "9" * 12, "That is too much."),
    ("value", "1.2345", "That is no amount."),
    ("value", "1.234", "Type it without a mark between the thousands"),
    ("days", "someday", "Choose among these."),
    ("first", "yesterday", "Choose a day."),
    ("stock", "9" * 11, "That is too much."),
]


def test_what_cannot_be_is_told_at_its_field(owner, cafe):
    for field, value, sentence in WRONG:
        answer = owner.post(f"{URL}new/", {**COFFEE, field: value})
        assert (answer.status_code, field) == (422, field)
        assert sentence in answer.text, field
        assert 'aria-invalid="true"' in answer.text, field
    told = {"kind": "percent", "name": "Off", "cost": "5", "value": "101"}
    assert "Give a percentage from 1 to 100." in owner.post(f"{URL}new/", told).text
    assert names(cafe) == ""


def test_whoever_makes_it_dearer_sees_whom_that_costs(owner, cafe):
    reward = make(cafe, "Cup", cost=100)
    with inside(cafe.tenant):
        Account.objects.update_or_create(
            member=cafe.member, program=cafe.program, defaults={"balance": 120}
        )
    page = owner.get(f"{URL}{reward.pk}/").text
    assert "1 member has enough for it now." in page
    told = {"name": "Cup", "cost": "150", "seen": seen_on(page)}
    warned = owner.post(f"{URL}{reward.pk}/", told)
    assert warned.status_code == 422
    assert "1 person has enough today and would not any more." in warned.text
    assert owner.post(f"{URL}{reward.pk}/", {**told, "sure": "1"}).status_code == 303
    late = owner.post(f"{URL}{reward.pk}/", {**told, "cost": "90"})
    assert (late.status_code, "changed this meanwhile" in late.text) == (409, True)
    told["seen"] = seen_on(late.text)
    assert owner.post(f"{URL}{reward.pk}/", {**told, "cost": "90"}).status_code == 303
    with inside(cafe.tenant):
        assert Reward.objects.get().cost == 90


def test_order_stock_and_state(owner, cafe, spa):
    a, b = (make(cafe, name, cost=5) for name in "ab")
    piece = owner.post(f"{URL}{b.pk}/place/", {"steps": "-1"}, headers=PIECE)
    assert piece.text.lstrip().startswith('<div id="goods"')
    assert names(cafe) == "ba"
    for steps in ("1", "5", "x", ""):
        assert owner.post(f"{URL}{b.pk}/place/", {"steps": steps}).status_code == 303
    assert names(cafe) == "ab"
    assert owner.post(f"{URL}{a.pk}/stock/", {"stock": "7"}).status_code == 303
    assert owner.post(f"{URL}{a.pk}/stock/", {"stock": "seven"}).status_code == 422
    for status in ("paused", "live", "paused", "ended"):
        assert owner.post(f"{URL}{a.pk}/status/", {"status": status}).status_code == 303
    assert owner.post(f"{URL}{a.pk}/status/", {"status": "live"}).status_code == 422
    assert owner.post(f"{URL}{a.pk}/status/", {"status": "burnt"}).status_code == 404
    with inside(cafe.tenant):
        found = Reward.objects.get(pk=a.pk)
    assert (found.stock, found.status) == (7, "ended")
    assert owner.get(f"{URL}{a.pk}/").status_code == 200
    theirs = make(spa, "c", cost=5)
    assert owner.get(f"{URL}{theirs.pk}/").status_code == 404
    assert owner.post(f"{URL}{theirs.pk}/place/", {"steps": "1"}).status_code == 404


def test_tiers_are_made_changed_and_taken_away(owner, cafe):
    assert "Everybody is the same" in owner.get(TIERS).text
    for told in (
        {"name": "Bronze", "multiplier": "1"},
        {"name": "Gold", "threshold": "500", "multiplier": "1,5", "perks": "A drink\n\nA table"},
    ):
        assert owner.post(f"{TIERS}new/", told).status_code == 303
    for field, value, sentence in (
        ("threshold", "500", "Another tier begins there."),
        ("threshold", "0", "Type the amount."),
        ("name", "gold", "Another tier has that name."),
        ("multiplier", "0", "Give a number from 1 to 100."),
        ("multiplier", "two", "Type a number like 1.5."),
        ("perks", "x" * 200, "Keep each line under 120 letters."),
    ):
        told = {"name": "Silver", "threshold": "200", "multiplier": "1.2", field: value}
        answer = owner.post(f"{TIERS}new/", told)
        assert (answer.status_code, field) == (422, field)
        assert sentence in answer.text, field
    with inside(cafe.tenant):
        bronze, gold = ladders.all_of(cafe.program)
    assert (gold.threshold, str(gold.multiplier), gold.perks) == (
        50_000,
        "1.500",
        ["A drink", "A table"],
    )
    page = owner.get(f"{TIERS}{gold.pk}/").text
    told = {"name": "Gold", "threshold": "600", "multiplier": "2", "seen": seen_on(page)}
    assert owner.post(f"{TIERS}{gold.pk}/", told).status_code == 303
    assert owner.post(f"{TIERS}{gold.pk}/", told).status_code == 409
    window = {
        "metric": "visits",
        "window": "rolling_months",
        "months": "6",
        "downgrade": "one_down",
    }
    window |= {"seen": seen_on(owner.get(TIERS).text), f"begins-{gold.pk}": "20"}
    assert owner.post(f"{TIERS}window/", window).status_code == 303
    window["seen"] = seen_on(owner.get(TIERS).text)
    assert owner.post(f"{TIERS}window/", {**window, "months": "9999"}).status_code == 422
    assert owner.post(f"{TIERS}window/", {**window, "metric": "x"}).status_code == 422
    with inside(cafe.tenant):
        assert Program.objects.get().policy["tiers"]["metric"] == "visits"
    assert owner.post(f"{TIERS}{bronze.pk}/removal/").status_code == 422
    assert owner.post(f"{TIERS}{gold.pk}/removal/").status_code == 303
    assert owner.post(f"{TIERS}{bronze.pk}/removal/").status_code == 303
    with inside(cafe.tenant):
        assert not Tier.objects.exists()


@pytest.fixture
def gold(cafe):
    """Bronze and Gold, from 20 visits on; and Amina, who came once, for AED 30."""
    with inside(cafe.tenant):
        by, at = Actor.of_staff(cafe.owner), timezone.now()
        for name, threshold in (("Bronze", 0), ("Gold <b>", 20)):
            fields = {"name": name, "threshold": threshold, "multiplier": "1", "perks": []}
            found = ladders.create(cafe.program, at=at, by=by, **fields)
        program = Program.objects.get()
        seen = ladders.seen_window(program, ladders.all_of(program))
        told = {"metric": "visits"}
        ladders.set_window(program, told, keeps=True, seen_as=seen, at=at, by=by)
        purchases.record(cafe.member, 3_000, at=at, by=cafe.till, key="a")
        return found


def climbing(cafe):
    """By what one climbs, and where Gold begins."""
    with inside(cafe.tenant):
        program = Program.objects.get()
        return ladders.policy_of(program).metric, ladders.all_of(program)[1].threshold


WINDOW = {"metric": "spend", "window": "rolling_months", "months": "12", "downgrade": "one_down"}


def test_whoever_changes_the_measure_is_asked_where_each_tier_begins(owner, cafe, gold):
    field = f"begins-{gold.pk}"
    page = owner.get(TIERS).text
    assert "<b>20 visits</b>" in page
    assert field not in page
    told = {**WINDOW, "seen": seen_on(page)}
    asked = owner.post(f"{TIERS}window/", told)
    assert asked.status_code == 422
    for words in (
        "The thresholds count what one spends from then on, so each is asked for anew.",
        "<bdi>Gold &lt;b&gt;</bdi>",
        "It was 20 visits. From AED\xa00.20 on, 1 member would be in it.",
        "0 members would be in <bdi>Bronze</bdi>.",
        "Type the amount.",
        '<option value="spend" selected>',
        "<save-bar data-open>",
    ):
        assert words in asked.text, words
    shown = re.search(rf'<input[^>]*name="{field}"[^>]*>', asked.text)[0]
    assert 'aria-invalid="true"' in shown
    assert "value=" not in shown
    assert climbing(cafe) == ("visits", 20)
    told["seen"] = seen_on(asked.text)
    for wrong in ("x", "0", "1e3", "9" * 13, "x" * 10_000, "\x00"):
        again = owner.post(f"{TIERS}window/", {**told, field: wrong})
        assert again.status_code == 422, wrong
        assert 'aria-invalid="true"' in again.text, wrong
    again = owner.post(f"{TIERS}window/", {**told, field: "40", "months": "9999"})
    assert again.status_code == 422
    assert "From AED\xa040.00 on, 0 members would be in it." in again.text
    assert 'value="40"' in again.text
    assert owner.post(f"{TIERS}window/", {**told, field: "٤٠"}).status_code == 303
    assert climbing(cafe) == ("spend", 4_000)


def test_the_numbers_stay_if_she_says_so(owner, cafe, gold):
    told = {**WINDOW, "seen": seen_on(owner.get(TIERS).text)}
    assert owner.post(f"{TIERS}window/", {**told, "sure": "on"}).status_code == 303
    assert climbing(cafe) == ("spend", 20)


def test_two_who_change_how_one_climbs(owner, cafe, gold):
    told = {**WINDOW, "metric": "visits", "seen": seen_on(owner.get(TIERS).text)}
    assert owner.post(f"{TIERS}window/", {**told, "months": "6"}).status_code == 303
    late = owner.post(f"{TIERS}window/", {**told, "months": "3"})
    assert late.status_code == 409
    assert "changed this meanwhile" in late.text
    assert 'name="months" value="3"' in late.text
    assert owner.post(f"{TIERS}window/", {**told, "seen": ""}).status_code == 409
    told["seen"] = seen_on(late.text)
    assert owner.post(f"{TIERS}window/", {**told, "months": "3"}).status_code == 303
    with inside(cafe.tenant):
        assert ladders.policy_of(Program.objects.get()).months == 3
