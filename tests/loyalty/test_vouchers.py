"""Codes: found however they are typed, used as often as they are good for, and once at a time."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest

from loyalty import vouchers
from loyalty.enrolment import enrol
from loyalty.members import block
from loyalty.merging import merge
from loyalty.models import Entry, Operation, Voucher, VoucherUse
from loyalty.redemptions import redeem
from loyalty.refusals import (
    BadSetting,
    IdempotencyConflict,
    MemberBlocked,
    MemberClosed,
    MemberLimit,
    MemberNeeded,
    MinSpend,
    NeedsApproval,
    NegativeAmount,
    ReasonRequired,
    Refusal,
    StaffSelfAward,
    VoucherExpired,
    VoucherHeld,
    VoucherNotYetValid,
    VoucherNotYours,
    VoucherPaid,
    VoucherTaken,
    VoucherUnknown,
    VoucherUsed,
    VoucherVoided,
)
from tenants.actors import Actor
from tenants.context import inside
from tenants.devices import pair
from tenants.models import AuditEntry
from tests.conftest import NOW, make_shop
from tests.loyalty.counter import account, give, has, key, lines, reward, status
from tests.loyalty.racing import race

MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)


def issue(shop, kind="amount", **options):
    options = {"at": NOW, "by": Actor.of_staff(shop.owner), "key": key(), **options}
    if kind in ("amount", "percent", "gift_card"):
        options.setdefault("value", 500 if kind != "percent" else 20)
    return vouchers.issue(kind, **options)


def use(shop, voucher, total=2000, **options):
    options = {"at": NOW, "by": shop.till, "key": key(), **options}
    return vouchers.use(voucher, total=total, **options)


@pytest.fixture
def bob(in_cafe):
    return enrol(name="Bob", phone="0507654321", at=NOW, by=in_cafe.till)


@pytest.fixture
def other_till(in_cafe):
    device, _ = pair("T2", in_cafe.location, at=NOW)
    return Actor.at_till(in_cafe.cashier, device)


# Issue and find


@pytest.mark.parametrize("typed", ["SUM-MER 26", " summer26", "Summer-26", "summer ٢٦"])
def test_a_code_is_found_however_it_is_typed(in_cafe, typed):
    made = issue(in_cafe, code="SUM-MER  26")
    assert made.code == "SUM-MER 26"
    assert vouchers.find(typed) == made


@pytest.mark.parametrize("typed", ["", "-", "summer27", "x" * 99])
def test_what_is_no_code_is_unknown(in_cafe, typed):
    issue(in_cafe, code="summer26")
    with pytest.raises(VoucherUnknown):
        vouchers.find(typed)


def test_a_code_is_made_up_where_none_is_given(in_cafe):
    codes = {issue(in_cafe).code for _ in range(20)}
    assert len(codes) == 20
    assert all(len(code) == 9 and code[4] == "-" for code in codes)
    assert not set("".join(codes)) & set("ILOU")


def test_a_code_belongs_to_one_voucher_look_alikes_included(in_cafe):
    issue(in_cafe, code="HELLO 10")
    with pytest.raises(VoucherTaken):
        issue(in_cafe, code="he-11o-1O")
    assert Voucher.objects.count() == 1


def test_the_same_key_issues_once(in_cafe):
    first = issue(in_cafe, code="ONE", key="k")
    assert issue(in_cafe, code="ONE", key="k", at=NOW + DAY) == first
    with pytest.raises(IdempotencyConflict):
        issue(in_cafe, code="TWO", key="k")
    assert AuditEntry.objects.get(act="voucher.issued").after == {"kind": "amount", "value": 500}


@pytest.mark.parametrize(
    ("kind", "options", "field"),
    [
        ("pay", {"value": 1}, "kind"),
        ("amount", {"value": 0}, "value"),
        ("percent", {"value": 101}, "value"),
        ("gift_card", {"value": -5}, "value"),
        ("points", {"points": 0}, "points"),
        ("amount", {"uses": 0}, "uses"),
        ("amount", {"per_member": 0}, "per_member"),
        ("amount", {"max_discount": 0}, "max_discount"),
        ("amount", {"min_spend": -1}, "value"),
        ("amount", {"code": "--"}, "code"),
        (
            "amount",
            {"valid_from": dt.date(2026, 5, 2), "valid_until": dt.date(2026, 5, 1)},
            "valid_until",
        ),
    ],
)
def test_what_could_never_be_used_is_not_issued(in_cafe, kind, options, field):
    with pytest.raises(BadSetting) as refused:
        issue(in_cafe, kind, **options)
    assert refused.value.field == field
    assert not Voucher.objects.exists()


def test_a_closed_card_gets_no_voucher(in_cafe):
    block(in_cafe.member, at=NOW, by=Actor.of_staff(in_cafe.owner))
    with pytest.raises(MemberBlocked):
        issue(in_cafe, owner=in_cafe.member)


# Use


@pytest.mark.parametrize(
    ("kind", "options", "total", "discount"),
    [
        ("amount", {"value": 500}, 2000, 500),
        ("amount", {"value": 500}, 300, 300),
        ("percent", {"value": 15}, 2001, 300),
        ("percent", {"value": 20, "max_discount": 1500}, 10000, 1500),
        ("item", {"value": 350}, 2000, 0),
        ("gift", {}, 2000, 0),
    ],
)
def test_what_a_voucher_takes_off_a_bill(in_cafe, kind, options, total, discount):
    done = use(in_cafe, issue(in_cafe, kind, **options), total)
    assert (done.discount, done.voucher.status, done.account) == (discount, "used", None)
    used = VoucherUse.objects.get()
    assert (used.amount, used.device, used.staff) == (discount, in_cafe.device, in_cafe.cashier)
    assert AuditEntry.objects.get(act="voucher.used").subject == done.voucher.pk


def test_a_code_for_three_is_used_three_times(in_cafe):
    code = issue(in_cafe, uses=3)
    assert [use(in_cafe, code).voucher.status for _ in range(3)] == ["issued", "issued", "used"]
    with pytest.raises(VoucherUsed):
        use(in_cafe, code)


def test_a_gift_card_pays_in_parts_until_it_is_empty(in_cafe):
    card = issue(in_cafe, "gift_card", value=10000)
    first = use(in_cafe, card, 3500)
    assert (first.discount, first.voucher.status, first.voucher.remaining_value) == (
        *(3500, "issued"),
        6500,
    )
    last = use(in_cafe, card, 9000)
    assert (last.discount, last.voucher.status, last.voucher.remaining_value) == (6500, "used", 0)
    with pytest.raises(VoucherUsed):
        use(in_cafe, card, 500)


def test_the_same_key_uses_once(in_cafe):
    code = issue(in_cafe, uses=2)
    first = use(in_cafe, code, key="k")
    again = use(in_cafe, code, key="k", at=NOW + DAY)
    assert (first.replayed, again.replayed, again.discount) == (False, True, 500)
    assert (again.voucher.used, VoucherUse.objects.count()) == (1, 1)
    with pytest.raises(IdempotencyConflict):
        use(in_cafe, code, 999, key="k")


def test_the_days_of_a_voucher_are_whole_days_of_the_shop(in_cafe):
    may = issue(in_cafe, uses=9, valid_from=dt.date(2026, 5, 1), valid_until=dt.date(2026, 5, 31))
    at = partial(dt.datetime, 2026, tzinfo=dt.UTC)  # midnight in Dubai is 20:00 here
    with pytest.raises(VoucherNotYetValid, match="2026-05-01"):
        use(in_cafe, may, at=at(4, 30, 19, 59, 59))
    use(in_cafe, may, at=at(4, 30, 20))
    use(in_cafe, may, at=at(5, 31, 19, 59, 59))
    with pytest.raises(VoucherExpired, match="2026-05-31"):
        use(in_cafe, may, at=at(5, 31, 20))


def test_a_personal_voucher_is_its_owners(in_cafe, bob):
    hers = issue(in_cafe, owner=in_cafe.member)
    for member in (bob, None):
        with pytest.raises(VoucherNotYours):
            use(in_cafe, hers, member=member)
    assert use(in_cafe, hers, member=in_cafe.member).discount == 500


def test_a_code_is_good_once_for_each_member(in_cafe, bob):
    code = issue(in_cafe, uses=100, per_member=1)
    use(in_cafe, code, member=bob)
    with pytest.raises(MemberLimit):
        use(in_cafe, code, member=bob)
    with pytest.raises(MemberNeeded):
        use(in_cafe, code)
    assert use(in_cafe, code, member=in_cafe.member).discount == 500


def test_who_joins_her_cards_has_used_what_both_have_used(in_cafe, bob):
    code = issue(in_cafe, uses=100, per_member=1)
    use(in_cafe, code, member=bob)
    merge(bob, in_cafe.member, at=NOW, by=Actor.of_staff(in_cafe.owner), key="m")
    with pytest.raises(MemberLimit):
        use(in_cafe, code, member=in_cafe.member)
    with pytest.raises(MemberClosed):
        use(in_cafe, code, member=bob)


def test_a_bill_that_is_too_small_keeps_the_voucher(in_cafe):
    code = issue(in_cafe, min_spend=2000)
    with pytest.raises(MinSpend):
        use(in_cafe, code, 1999)
    assert use(in_cafe, code, 2000).discount == 500


def test_a_bill_below_zero_is_refused(in_cafe):
    with pytest.raises(NegativeAmount):
        use(in_cafe, issue(in_cafe), -1)


def test_a_blocked_card_uses_nothing(in_cafe):
    code = issue(in_cafe)
    block(in_cafe.member, at=NOW, by=Actor.of_staff(in_cafe.owner))
    with pytest.raises(MemberBlocked):
        use(in_cafe, code, member=in_cafe.member)
    assert status(code) == "issued"


def test_a_code_that_gives_points(in_cafe, bob):
    code = issue(in_cafe, "points", points=30, uses=100, per_member=1)
    done = use(in_cafe, code, 0, member=in_cafe.member)
    assert (done.discount, done.account.balance) == (0, 30)
    line = Entry.objects.get()
    assert (line.kind, line.amount, line.voucher, line.reason) == ("bonus", 30, code, "voucher")
    with pytest.raises(MemberLimit):
        use(in_cafe, code, 0, member=in_cafe.member)
    with pytest.raises(MemberNeeded):
        use(in_cafe, code, 0)
    assert use(in_cafe, code, 0, member=bob).account.balance == 30
    assert has(in_cafe) == 30


def test_points_of_a_code_are_told_again_under_the_same_key(in_cafe):
    code = issue(in_cafe, "points", points=30, uses=100)
    use(in_cafe, code, 0, member=in_cafe.member, key="k")
    again = use(in_cafe, code, 0, member=in_cafe.member, key="k")
    assert (again.replayed, again.account.balance) == (True, 30)
    assert lines(in_cafe) == [("bonus", 30)]


def test_points_of_a_code_repay_a_debt_and_fill_a_card(in_cafe):
    reward(in_cafe, cost=10, is_auto=True)
    give(in_cafe, -5, allow_negative=True)
    use(in_cafe, issue(in_cafe, "points", points=17), 0, member=in_cafe.member)
    assert (account(in_cafe).debt, account(in_cafe).balance) == (0, 2)


def test_nobody_at_work_gives_points_to_her_own_card_by_a_code(in_cafe):
    in_cafe.member.staff = in_cafe.cashier
    in_cafe.member.save()
    code = issue(in_cafe, "points", points=30)
    with pytest.raises(StaffSelfAward):
        use(in_cafe, code, 0, member=in_cafe.member)
    assert (status(code), has(in_cafe)) == ("issued", 0)
    assert not VoucherUse.objects.exists()


# Hold


def test_a_held_voucher_is_free_again_by_itself(in_cafe, other_till):
    code = issue(in_cafe)
    vouchers.hold(code, at=NOW, by=in_cafe.till, minutes=10)
    with pytest.raises(VoucherHeld):
        use(in_cafe, code, by=other_till, at=NOW + 10 * MINUTE - dt.timedelta(seconds=1))
    done = use(in_cafe, code, by=other_till, at=NOW + 10 * MINUTE)
    assert (done.voucher.status, done.voucher.held_by) == ("used", None)


def test_the_till_that_holds_it_uses_it_or_holds_it_longer(in_cafe, other_till):
    code = issue(in_cafe)
    for at in (NOW, NOW + 5 * MINUTE):
        vouchers.hold(code, at=at, by=in_cafe.till, minutes=10)
    with pytest.raises(VoucherHeld):
        vouchers.hold(code, at=NOW + 14 * MINUTE, by=other_till, minutes=10)
    assert use(in_cafe, code, at=NOW + 14 * MINUTE).discount == 500


def test_a_till_lets_go_of_its_own_and_a_manager_of_anybodys(in_cafe, other_till):
    code = issue(in_cafe)
    vouchers.hold(code, at=NOW, by=in_cafe.till, minutes=10)
    assert vouchers.release(code, by=other_till).held_by == in_cafe.device
    assert vouchers.release(code, by=in_cafe.till).held_by is None
    vouchers.hold(code, at=NOW, by=in_cafe.till, minutes=10)
    assert vouchers.release(code, by=Actor.of_staff(in_cafe.owner)).held_by is None
    assert vouchers.release(code, by=in_cafe.till).status == "issued"


def test_what_cannot_be_used_is_not_held(in_cafe):
    used, gone = issue(in_cafe), issue(in_cafe, valid_until=dt.date(2026, 3, 1))
    use(in_cafe, used)
    for code, refusal in ((used, VoucherUsed), (gone, VoucherExpired)):
        with pytest.raises(refusal):
            vouchers.hold(code, at=NOW, by=in_cafe.till, minutes=10)
    with pytest.raises(ValueError, match="till"):
        vouchers.hold(issue(in_cafe), at=NOW, by=Actor.of_staff(in_cafe.owner), minutes=10)


# Void


def test_a_voided_code_is_no_use(in_cafe):
    code = issue(in_cafe, uses=2)
    use(in_cafe, code)
    with pytest.raises(ReasonRequired):
        vouchers.void(code, at=NOW, by=in_cafe.till, reason=" ")
    with pytest.raises(NeedsApproval):
        vouchers.void(code, at=NOW, by=Actor.member(in_cafe.member.pk), reason="mine")
    for _ in range(2):
        assert vouchers.void(code, at=NOW, by=in_cafe.till, reason="twice").status == "voided"
    with pytest.raises(VoucherVoided):
        use(in_cafe, code)
    assert AuditEntry.objects.get(act="voucher.voided").before == {"status": "issued"}


def test_what_points_paid_for_is_given_back_not_voided(in_cafe):
    give(in_cafe, 100)
    mine = redeem(in_cafe.member, reward(in_cafe), at=NOW, by=in_cafe.till, key="r", use=False)
    with pytest.raises(VoucherPaid):
        vouchers.void(mine.voucher, at=NOW, by=in_cafe.till, reason="mistake")
    assert status(mine.voucher) == "issued"


def test_a_refused_use_changes_nothing(in_cafe, bob):
    code = issue(in_cafe, owner=bob, min_spend=3000)
    before = Voucher.objects.values().get()
    with pytest.raises(MinSpend):
        use(in_cafe, code, member=bob)
    assert Voucher.objects.values().get() == before
    assert not VoucherUse.objects.exists()
    assert Operation.objects.get(verb="use").result["refused"] == "min_spend"


# Many hands


@pytest.fixture
def shop(transactional_db):
    return make_shop("cafe")


def codes(outcomes) -> list[str]:
    return sorted(o.code for o in outcomes if isinstance(o, Refusal))


def test_one_voucher_at_many_tills_is_used_once(shop):
    with inside(shop.tenant):
        code = issue(shop)
    outcomes = race(shop, [partial(use, shop, code) for _ in range(6)])
    assert codes(outcomes) == ["voucher_used"] * 5
    with inside(shop.tenant):
        assert VoucherUse.objects.count() == 1


def test_one_use_sent_many_times_at_once_is_one(shop):
    with inside(shop.tenant):
        code = issue(shop, uses=5)
    outcomes = race(shop, [partial(use, shop, code, key="tap") for _ in range(5)])
    assert sorted(done.replayed for done in outcomes) == [False] + [True] * 4
    with inside(shop.tenant):
        assert Voucher.objects.get().used == 1


def test_a_gift_card_never_pays_more_than_it_holds(shop):
    with inside(shop.tenant):
        card = issue(shop, "gift_card", value=5000)
    outcomes = race(shop, [partial(use, shop, card, 1800) for _ in range(5)])
    paid = [done.discount for done in outcomes if not isinstance(done, Refusal)]
    assert sorted(paid) == [1400, 1800, 1800]
    assert codes(outcomes) == ["voucher_used"] * 2


def test_a_member_who_is_everywhere_at_once_gets_points_once(shop):
    with inside(shop.tenant):
        code = issue(shop, "points", points=30, uses=100, per_member=1)
    outcomes = race(shop, [partial(use, shop, code, 0, member=shop.member) for _ in range(5)])
    assert codes(outcomes) == ["member_limit"] * 4
    with inside(shop.tenant):
        assert has(shop) == 30


def test_two_who_choose_one_code_get_one_voucher(shop):
    outcomes = race(shop, [partial(issue, shop, code="SPRING") for _ in range(4)])
    assert codes(outcomes) == ["voucher_taken"] * 3
    with inside(shop.tenant):
        assert Voucher.objects.count() == 1
