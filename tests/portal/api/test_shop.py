"""What the shop promises, and a card of one's own."""

from __future__ import annotations

from loyalty.models import Program, Tier
from tenants import shops
from tenants.context import inside, platform
from tenants.models import Tenant
from tests.portal.apis import (
    MONEY,
    SITE,
    System,
    code_of,
    make_key,
    member_id,
    system,
    token_of,
)


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


def test_what_a_member_lacks_is_told_to_who_may_read_members(cafe, coffee):
    shows = system(cafe, "program:read")
    assert shows.get("rewards").status_code == 200
    for whose in (member_id(cafe), "mem_nobody", "x"):
        answer = shows.get(f"rewards?member={whose}")
        assert code_of(answer) == (403, "insufficient_scope")
        assert 'scope="member:read"' in answer.headers["WWW-Authenticate"]
    assert code_of(system(cafe, "member:read").get("rewards")) == (403, "insufficient_scope")
    both = system(cafe, "program:read", "member:read")
    assert both.get(f"rewards?member={member_id(cafe)}").json()["data"][0]["missing"] == 20


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
