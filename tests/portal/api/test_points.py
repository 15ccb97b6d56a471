"""Sales, refunds, rewards and corrections, each once under its key."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import OperationalError
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from loyalty.models import Entry, Member, Purchase
from loyalty.purchases import record
from tenants.context import inside
from tenants.models import AuditEntry
from tenants.prefixed import spell
from tests.portal.apis import (
    MONEY,
    code_of,
    member_id,
    system,
    wrong_in,
)

DAY = dt.timedelta(days=1)


def test_a_sale_is_recorded_once_whatever_happens_to_the_line(api, cafe, hers):
    answers = [api.post(f"{hers}/purchases", {"amount": MONEY}, key="1") for _ in range(3)]
    assert [each.status_code for each in answers] == [201] * 3
    assert len({each.content for each in answers}) == 1
    assert [each.headers.get("Idempotent-Replayed") for each in answers] == [None, "true", "true"]
    told = answers[0].json()
    assert (told["points"], told["balance"], told["amount"]) == (24, 24, MONEY)
    with inside(cafe.tenant):
        assert Purchase.objects.count() == Entry.objects.count() == 1
        who = AuditEntry.objects.get(act="purchase.recorded").who
        assert who.startswith("api-key:")


def test_one_key_of_two_systems_is_two_sales(cafe, hers):
    for each in (system(cafe), system(cafe)):
        assert each.post(f"{hers}/purchases", {"amount": MONEY}, key="1").json()["points"] == 24
    with inside(cafe.tenant):
        assert Purchase.objects.count() == 2


def test_the_till_and_the_api_tell_the_same(api, cafe, hers):
    with inside(cafe.tenant):
        record(cafe.member, 2450, at=timezone.now(), by=cafe.till, key="t")
    quoted = api.post("quotes", {"member": member_id(cafe), "amount": MONEY}).json()
    sold = api.post(f"{hers}/purchases", {"amount": MONEY}, key="1").json()
    assert (quoted["points"], quoted["balance"]) == (sold["points"], 24)
    assert quoted["balance_after"] == sold["balance"] == api.get(hers).json()["balance"] == 48
    assert [line["points"] for line in quoted["sum"]] == ["24"]


def test_a_quote_writes_nothing(api, cafe, hers):
    for _ in range(3):
        assert api.post("quotes", {"member": member_id(cafe), "amount": MONEY}).status_code == 200
    with inside(cafe.tenant):
        assert not Purchase.objects.exists()
        assert not Entry.objects.exists()


def test_a_receipt_counts_once_whatever_the_key(api, hers):
    sale = {"amount": MONEY, "ref": "R-1"}
    first = api.post(f"{hers}/purchases", sale, key="1")
    again = api.post(f"{hers}/purchases", sale, key="2")
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    other = api.post("members", {"phone": "050 765 4321"}, key="3").json()["id"]
    taken = api.post(f"members/{other}/purchases", sale, key="4")
    assert code_of(taken) == (409, "duplicate_receipt")
    assert taken.json()["figures"] == {"ref": "R-1"}


def test_a_sale_of_before_earns_when_it_was_made(api, hers):
    yesterday = (timezone.now() - DAY).isoformat(timespec="seconds")
    told = api.post(f"{hers}/purchases", {"amount": MONEY, "occurred_at": yesterday}, key="1")
    assert told.json()["occurred_at"] == yesterday.replace("+00:00", "Z")
    old = (timezone.now() - 40 * DAY).isoformat()
    late = api.post(f"{hers}/purchases", {"amount": MONEY, "occurred_at": old}, key="2")
    assert wrong_in(late) == ("/occurred_at", "too_old")
    ahead = (timezone.now() + DAY).isoformat()
    now = api.post(f"{hers}/purchases", {"amount": MONEY, "occurred_at": ahead}, key="3").json()
    assert now["occurred_at"] < ahead


def test_a_sale_goes_back_whole_or_in_part(api, hers):
    line = {"sku": "mug", "quantity": 2, "amount": {"amount": "20.00", "currency": "AED"}}
    sold = api.post(f"{hers}/purchases", {"amount": MONEY, "lines": [line]}, key="1").json()
    back = f"purchases/{sold['id']}/refunds"
    one = api.post(back, {"lines": {"mug": 1}}, key="2").json()
    assert (one["amount"]["amount"], one["clawed"], one["balance"]) == ("10.00", 10, 14)
    rest = api.post(back, {}, key="3").json()
    assert (rest["amount"]["amount"], rest["balance"]) == ("14.50", 0)
    assert api.post(back, {}, key="3").headers["Idempotent-Replayed"] == "true"
    assert code_of(api.post(back, {}, key="4")) == (409, "refund_exceeds_purchase")
    both = api.post(back, {"amount": MONEY, "lines": {"mug": 1}}, key="5")
    assert wrong_in(both) == ("/lines", "one_of")


def test_points_become_a_reward_and_points_again(api, cafe, hers, coffee):
    wish = {"reward": spell("rwd", coffee.pk), "bill": MONEY}
    poor = api.post(f"{hers}/redemptions", wish, key="1")
    assert code_of(poor) == (409, "insufficient_points")
    assert poor.json()["figures"] == {"missing": 20}
    api.post(f"{hers}/purchases", {"amount": MONEY}, key="2")
    assert code_of(api.post(f"{hers}/redemptions", wish, key="1")) == code_of(poor)  # as that day
    done = api.post(f"{hers}/redemptions", wish, key="3")
    assert done.status_code == 201
    told = done.json()
    assert (told["cost"], told["balance"], told["status"]) == (20, 4, "used")
    back = api.post(f"redemptions/{told['id']}/reversal", key="4")
    assert (back.status_code, back.json()["restored"], back.json()["balance"]) == (201, 20, 24)
    again = api.post(f"redemptions/{told['id']}/reversal", key="5")
    assert code_of(again) == (409, "already_reversed")


def test_a_reward_pays_for_a_part_of_a_sale(api, cafe, hers, coffee):
    api.post(f"{hers}/purchases", {"amount": MONEY}, key="1")
    wish = {"reward": spell("rwd", coffee.pk), "bill": MONEY, "use": False}
    ticket = api.post(f"{hers}/redemptions", wish, key="2").json()
    off = {"amount": "15.00", "currency": "AED"}
    sale = {"amount": MONEY, "redemptions": [ticket["id"]], "reward_discount": off}
    assert api.post(f"{hers}/purchases", sale, key="3").json()["points"] == 9
    assert code_of(api.post(f"{hers}/purchases", sale, key="4")) == (409, "voucher_used")
    sale["redemptions"] = ["rdm_x"]
    assert wrong_in(api.post(f"{hers}/purchases", sale, key="5")) == (
        "/redemptions/0",
        "bad_format",
    )


def test_points_are_moved_by_hand_for_a_reason(api, cafe, hers):
    gift = {"points": 50, "reason": "A present"}
    done = api.post(f"{hers}/adjustments", gift, key="1")
    assert (done.status_code, done.json()["balance"]) == (201, 50)
    taken = api.post(f"{hers}/adjustments", {"points": -60, "reason": "Mistake"}, key="2")
    assert code_of(taken) == (409, "insufficient_points")
    nought = api.post(f"{hers}/adjustments", {"points": 0, "reason": "x"}, key="3")
    assert code_of(nought) == (422, "nothing_to_change")
    blank = api.post(f"{hers}/adjustments", {"points": 5, "reason": " \n"}, key="4")
    assert code_of(blank) == (422, "reason_required")


def test_the_ledger_is_told_line_by_line(api, hers):
    for at in range(3):
        api.post(f"{hers}/adjustments", {"points": at + 1, "reason": f"r{at}"}, key=str(at))
    sold = api.post(f"{hers}/purchases", {"amount": MONEY}, key="s").json()
    seen, after = [], ""
    while after is not None:
        page = api.get(f"{hers}/entries?limit=2&after={after}").json()
        seen += page["data"]
        after = page["next"]
    assert [each["points"] for each in seen] == [24, 3, 2, 1]
    assert seen[0]["purchase"] == sold["id"]
    assert seen[0]["title"] == "Bought for AED\u00a024.50"
    arabic = api.get(f"{hers}/entries?limit=1", Accept_Language="ar").json()["data"][0]
    assert arabic["title"] != seen[0]["title"]


@pytest.mark.parametrize("status", ["blocked", "merged"])
def test_a_card_that_is_stopped_earns_nothing(api, cafe, hers, status):
    with inside(cafe.tenant):
        Member.objects.filter(pk=cafe.member.pk).update(status=status)
    answer = api.post(f"{hers}/purchases", {"amount": MONEY}, key="1")
    assert answer.status_code == 409
    assert answer.json()["code"] in ("member_blocked", "member_closed")
    assert api.get(hers).json()["status"] == status


def test_points_move_only_under_a_key(api, cafe, hers):
    asked = {
        "members": {"phone": "050 765 4321"},
        f"{hers}/purchases": {"amount": MONEY},
        f"{hers}/adjustments": {"points": 5, "reason": "x"},
        f"{hers}/redemptions": {"reward": "rwd_x"},
    }
    for path, body in asked.items():
        for key in ("", "x" * 81, "with blank", "\u00e4"):
            headers = {"Idempotency-Key": key} if key else {}
            answer = api.ask("POST", path, body, **headers)
            assert code_of(answer) == (400, "idempotency_key_needed")
    with inside(cafe.tenant):
        assert not Entry.objects.exists()


def test_who_waits_for_a_twin_is_told_so(api, hers, monkeypatch):
    def locked(*_, **__):
        raise OperationalError("lock timeout") from LockNotAvailable()

    monkeypatch.setattr("portal.api.views.points.purchases.record", locked)
    answer = api.post(f"{hers}/purchases", {"amount": MONEY}, key="1")
    assert code_of(answer) == (409, "in_flight")
    assert answer.headers["Retry-After"] == "1"
