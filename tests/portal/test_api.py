"""What the API does: the same verbs as the till, in another dress."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from loyalty import rewards
from loyalty.models import Entry, Member, Program, Purchase, Tier
from loyalty.purchases import record
from tenants import hosts, limits, shops
from tenants.actors import Actor
from tenants.context import inside, platform
from tenants.models import AuditEntry, Shop, Tenant
from tenants.prefixed import read, spell
from tests.conftest import NOW
from tests.portal.apis import MONEY, SITE, System, make_key, member_id, system, token_of

DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _as_often_as_one_likes(settings):
    settings.RATE_LIMITS = False


@pytest.fixture
def api(cafe):
    return system(cafe)


@pytest.fixture
def hers(cafe):
    return f"members/{member_id(cafe)}"


@pytest.fixture
def coffee(cafe):
    with inside(cafe.tenant):
        by = Actor.of_staff(cafe.owner)
        return rewards.create(cafe.program, "item", "Coffee", at=NOW, by=by, cost=20, value=1500)


def code_of(answer):
    return answer.status_code, answer.json()["code"]


def wrong_in(answer):
    (error,) = answer.json()["errors"]
    return error.get("pointer", error.get("parameter")), error["code"]


# --- Members -------------------------------------------------------------------------------------


def test_a_member_is_told_as_she_is(api, cafe, hers):
    told = api.get(hers).json()
    assert told["id"] == member_id(cafe)
    assert (told["name"], told["phone"]) == ("Amina Rahman", "+971501234567")
    assert told["enrolled_at"] == "2026-03-02T09:00:00Z"
    assert (told["balance"], told["status"], told["merged_into"]) == (0, "active", None)


def test_who_is_new_is_enrolled_and_who_is_known_is_found(api, cafe):
    body = {"name": "  Zoya \n Khan ", "phone": "050 765 4321", "birth_date": "1991-07-14"}
    new = api.post("members", body, key="1")
    assert new.status_code == 201
    assert new.json()["name"] == "Zoya Khan"
    again = api.post("members", body, key="1")
    assert (again.status_code, again.json()) == (201, new.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    known = api.post("members", {"name": "Other", "phone": "+971507654321"}, key="2")
    assert (known.status_code, known.json()) == (200, new.json())
    assert "Idempotent-Replayed" not in known.headers
    other = api.post("members", {"name": "Other", "phone": "050 765 4322"}, key="1")
    assert code_of(other) == (422, "idempotency_conflict")
    with inside(cafe.tenant):
        assert Member.objects.count() == 2
        made = Member.objects.get(pk=read("mem", new.json()["id"]))
        assert made.source == "api"
        assert made.enrolled_by.startswith("api-key:")


UNREADABLE = [
    ({}, "no_identifier"),
    ({"phone": "12"}, "bad_phone"),
    ({"email": "x"}, "not_an_identifier"),
    ({"phone": "050 765 4321", "birth_date": "2999-01-01"}, "bad_date"),
]


def test_nobody_is_enrolled_by_what_cannot_be_read(api, cafe):
    for body, code in UNREADABLE:
        assert code_of(api.post("members", body, key="1")) == (422, code)
        with inside(cafe.tenant):
            assert Member.objects.count() == 1


def test_who_brought_her_is_kept_and_must_be_somebody(api, cafe, spa):
    body = {"phone": "050 765 4321", "referred_by": member_id(spa)}
    assert wrong_in(api.post("members", body, key="1")) == ("/referred_by", "unknown_member")
    body["referred_by"] = member_id(cafe)
    assert api.post("members", body, key="2").status_code == 201
    with inside(cafe.tenant):
        assert cafe.member.referrals.count() == 1


def test_members_are_listed_in_pages_that_hold_while_others_come(api, cafe):
    for at in range(5):
        api.post("members", {"name": f"N{at}", "phone": f"050 700 000{at}"}, key=f"n{at}")
    first = api.get("members?limit=2")
    assert [each["name"] for each in first.json()["data"]] == ["N4", "N3"]
    api.post("members", {"name": "Late", "phone": "050 700 0009"}, key="late")
    seen, link = [], first.headers["Link"]
    while link:
        path = link.removeprefix("<http://cafe.localhost").partition(">")[0]
        page = api.get(path)
        seen += [each["name"] for each in page.json()["data"]]
        link = page.headers.get("Link")
    assert seen == ["N2", "N1", "N0", "Amina Rahman"]
    assert page.json()["next"] is None


SOUGHT = [("ami", 1), ("4567", 1), ("+971 50 123 4567", 1), ("zz", 0), ("%00", 1)]


def test_members_are_found(api):
    for q, found in SOUGHT:
        query = q.replace("+", "%2B").replace(" ", "%20")
        assert len(api.get(f"members?q={query}").json()["data"]) == found


NO_PAGES = [
    ("limit=0", ("limit", "too_small")),
    ("limit=201", ("limit", "too_large")),
    ("limit=x", ("limit", "int_parsing")),
    ("limit=\u0665", ("limit", "int_parsing")),
    ("limit=1e1", ("limit", "int_parsing")),
    ("after=!", ("after", "bad_format")),
    ("after=e30", ("after", "bad_cursor")),
    ("after=WzFd", ("after", "bad_cursor")),
    ("after=W10", ("after", "bad_cursor")),
    (f"q={'x' * 201}", ("q", "too_long")),
]


def test_a_page_that_cannot_be_is_refused_by_its_parameter(api):
    for query, wrong in NO_PAGES:
        answer = api.get(f"members?{query}")
        assert answer.status_code == 422
        assert wrong_in(answer) == wrong


def test_a_member_is_edited_and_nobody_overwrites_anybody(api, cafe, hers):
    seen = api.get(hers)
    changed = api.ask("PATCH", hers, {"name": "Amina R."}, If_Match=seen.headers["ETag"])
    assert (changed.status_code, changed.json()["name"]) == (200, "Amina R.")
    assert changed.json()["phone"] == "+971501234567"
    late = api.ask("PATCH", hers, {"name": "Late"}, If_Match=seen.headers["ETag"])
    assert code_of(late) == (412, "stale_profile")
    for tag in ("x", '"1"', 'W/"1-zz"', "W/"):
        assert code_of(api.ask("PATCH", hers, {"name": "X"}, If_Match=tag)) == (412, "stale")
    now = api.ask("PATCH", hers, {"birth_date": None, "email": "a@b.example"})
    assert (now.json()["email"], now.json()["name"]) == ("a@b.example", "Amina R.")
    gone = api.ask("PATCH", hers, {"phone": None, "email": None})
    assert code_of(gone) == (422, "no_identifier")
    taken = api.post("members", {"phone": "050 765 4321"}, key="1").json()["phone"]
    assert code_of(api.ask("PATCH", hers, {"phone": taken})) == (409, "already_member")


def test_a_sale_changes_the_tag_but_not_the_version(api, hers):
    seen = api.get(hers)
    assert api.get(hers, If_None_Match=seen.headers["ETag"]).status_code == 304
    api.post(f"{hers}/purchases", {"amount": MONEY}, key="1")
    assert api.get(hers, If_None_Match=seen.headers["ETag"]).status_code == 200
    assert api.ask("PATCH", hers, {"name": "X"}, If_Match=seen.headers["ETag"]).status_code == 200


# --- Points --------------------------------------------------------------------------------------


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


# --- The shop ------------------------------------------------------------------------------------


def test_the_program_its_tiers_and_rewards(api, cafe, hers, coffee):
    with inside(cafe.tenant):
        Tier.objects.create(program=cafe.program, name="Gold", threshold=500, multiplier="1.50")
    told = api.get("program").json()
    assert (told["unit"], told["currency"]) == ("point", "AED")
    assert told["rules"] == ["1 point for every AED\u00a01.00 spent"]
    assert api.get("tiers").json()["data"][0]["multiplier"] == "1.5"
    (reward,) = api.get("rewards").json()["data"]
    assert (reward["name"], reward["cost"], reward["value"]["amount"]) == ("Coffee", 20, "15.00")
    assert (reward["missing"], reward["refusal"]) == (None, None)
    (for_her,) = api.get(f"rewards?member={member_id(cafe)}").json()["data"]
    assert (for_her["missing"], for_her["refusal"]) == (20, "insufficient_points")
    for path in ("program", "tiers", "rewards"):
        tag = api.get(path).headers["ETag"]
        assert api.get(path, If_None_Match=f'"x", {tag}').status_code == 304


def test_nothing_is_promised_while_no_program_is_live(api, cafe, hers):
    with inside(cafe.tenant):
        Program.objects.update(status=Program.Status.PAUSED)
    for path in ("program", "tiers", "rewards"):
        assert api.get(path).status_code == 404
    assert api.get(hers).json()["balance"] == 0
    sale = api.post(f"{hers}/purchases", {"amount": MONEY}, key="1")
    assert code_of(sale) == (409, "program_not_live")


def test_her_own_card_in_her_language(cafe):
    key, _ = make_key(cafe)
    hers = System(cafe.host, token_of(cafe, key, member=cafe.member, origins=(SITE,)))
    told = hers.get("me", Accept_Language="ar").json()
    assert told["unit_words"][1] == "نقطة"
    assert "phone" not in told
    assert hers.get("rewards").status_code == hers.get("program").status_code == 200
    assert code_of(System(cafe.host, token_of(cafe, key)).get("me")) == (403, "member_only")


def test_a_shop_whose_money_has_three_decimals(api, cafe, hers):
    with platform("test"):
        Tenant.objects.filter(pk=cafe.tenant.pk).update(currency="BHD")
    shops.forget()
    told = api.post(f"{hers}/purchases", {"amount": {"amount": "1.5", "currency": "BHD"}}, key="1")
    assert told.json()["amount"] == {"amount": "1.500", "currency": "BHD"}


# --- What every answer has -----------------------------------------------------------------------


def test_a_site_that_a_key_names_may_read_and_no_other(cafe):
    key, _ = make_key(cafe)
    hers = System(cafe.host, token_of(cafe, key, member=cafe.member, origins=(SITE,)))
    asked = {"Access-Control-Request-Method": "GET"}
    for path in ("me", "program", "rewards"):
        early = System(cafe.host).ask("OPTIONS", path, Origin=SITE, **asked)
        assert early.status_code == 204
        assert early.headers["Access-Control-Allow-Origin"] == SITE
        assert early.headers["Access-Control-Max-Age"] == "7200"
        assert "Authorization" in early.headers["Access-Control-Allow-Headers"]
        told = hers.get(path, Origin=SITE)
        assert told.headers["Access-Control-Allow-Origin"] == SITE
        assert "Access-Control-Allow-Credentials" not in told.headers
        assert "Origin" in told.headers["Vary"]
        evil = System(cafe.host).ask("OPTIONS", path, Origin="https://evil.example", **asked)
        assert "Access-Control-Allow-Origin" not in evil.headers
    for path in ("members", "tokens", "tiers"):
        early = System(cafe.host).ask("OPTIONS", path, Origin=SITE, **asked)
        assert early.status_code == 204
        assert "Access-Control-Allow-Origin" not in early.headers


def test_every_answer_has_a_number_and_an_error_says_it(api, hers):
    for answer in (api.get(hers), api.get("members/x"), api.get("nowhere"), api.post("members")):
        assert answer.headers["X-Request-ID"]
    told = api.get("nowhere")
    assert told.headers["Content-Type"] == "application/problem+json"
    assert told.json()["instance"] == f"urn:request:{told.headers['X-Request-ID']}"
    assert told.json()["type"] == "http://cafe.localhost:8000/api/docs#not_found"


def test_there_are_other_methods_and_it_says_which(api, hers):
    for method, path in (
        ("PUT", hers),
        ("DELETE", "members"),
        ("POST", "program"),
        ("TRACE", "me"),
    ):
        answer = api.ask(method, path)
        assert code_of(answer) == (405, "method_not_allowed")
        assert "OPTIONS" in answer.headers["Allow"]
    head = api.ask("HEAD", hers)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"]


PATHS = ["/api/v1/program", "/api/v1/nowhere", "/.well-known/jwks.json"]


def test_where_there_is_no_shop_a_program_is_told_so(db):
    for path in PATHS:
        for host in ("nobody.localhost", "localhost"):
            answer = Client(HTTP_HOST=host).get(path)
            assert answer.status_code == 404
            assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_closed_shop_says_so_to_programs_too(api, cafe):
    with platform("test"):
        Tenant.objects.filter(pk=cafe.tenant.pk).update(state=Tenant.State.SUSPENDED)
    hosts.directory.forget()
    answer = api.get("program")
    assert code_of(answer) == (503, "suspended")
    assert answer.headers["Retry-After"]


def test_a_fault_of_ours_is_a_problem_too(api, hers, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("portal.api.telling.members", broken)
    client = Client(HTTP_HOST=api.host, raise_request_exception=False)
    answer = client.get(f"/api/v1/{hers}", headers={"Authorization": f"Bearer {api.credential}"})
    assert code_of(answer) == (500, "broken")
    assert b"secret" not in answer.content


def test_too_much_is_429(cafe, settings):
    api = system(cafe)
    settings.RATE_LIMITS = True
    assert api.get("program").headers["RateLimit-Policy"].startswith('"api"')
    while limits.admit(cafe.tenant.pk, cafe.tenant.plan, "api").allowed:
        pass
    answer = api.get("program")
    assert answer.status_code == 429
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"]


def test_a_page_of_members_asks_little(api, cafe, statements):
    for at in range(5):
        api.post("members", {"phone": f"050 700 000{at}"}, key=f"n{at}")
    api.get("members")
    with statements() as seen:
        api.get("members")
    assert len(seen) <= 6, seen


def test_a_limit_of_the_tills_is_none_for_the_shops_own_system(api, cafe, hers):
    """It holds cashiers, who could type anything; a system's scopes say what it may."""
    with inside(cafe.tenant):
        Shop.objects.update(award_limit=1000)
    assert api.post(f"{hers}/purchases", {"amount": MONEY}, key="1").status_code == 201
